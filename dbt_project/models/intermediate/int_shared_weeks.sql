-- What of usage_weekly may be shared: departments put together, and which counts are hidden. A week
-- that is the window of seven days hides what the window hides.
with
    grouped as (
        select
            weeks.tenant_id,
            weeks.app,
            case when weeks.is_total then 'All' else groups.shown_department end as department,
            weeks.is_total,
            weeks.week_start,
            weeks.week_end,
            cast(sum(weeks.active_users) as bigint) as active_users,
            cast(sum(weeks.licensed_users) as bigint) as licensed_users,
            cast(sum(weeks.licensed_active_users) as bigint) as licensed_active_users
        from {{ ref("int_usage_weeks") }} as weeks
        left join
            {{ ref("int_department_groups") }} as groups
            on weeks.tenant_id = groups.tenant_id
            and weeks.department = groups.department
        where weeks.is_total or groups.is_shown
        group by
            weeks.tenant_id,
            weeks.app,
            case when weeks.is_total then 'All' else groups.shown_department end,
            weeks.is_total,
            weeks.week_start,
            weeks.week_end
    ),

    {{ hide_departments("week_start") }}

select
    hidden.tenant_id,
    hidden.app,
    hidden.department,
    hidden.is_total,
    hidden.week_start,
    hidden.week_end,
    hidden.active_users,
    hidden.licensed_users,
    hidden.licensed_active_users,
    coalesce(windows.is_hidden, hidden.is_hidden) as is_hidden,
    coalesce(windows.hides_unlicensed, hidden.hides_unlicensed) as hides_unlicensed
from hidden
left join
    {{ ref("int_shared_windows") }} as windows
    on hidden.tenant_id = windows.tenant_id
    and hidden.app = windows.app
    and hidden.department = windows.department
    and hidden.is_total = windows.is_total
    and hidden.week_end = {{ window_end() }}
    and windows.window_days = 7
    and windows.day_kind = 'all'
