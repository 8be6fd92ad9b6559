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

    compared as (
        select *, {{ apps_beside_suite("tenant_id, department, is_total, week_start") }}
        from grouped
    ),

    judged as (
        select
            *,
            not is_total and {{ is_small_use() }} as is_small,
            not is_total and {{ is_small_rest() }} as is_small_rest
        from compared
    ),

    lines as (
        select
            *,
            max(case when is_small then 1 else 0 end) over (
                partition by tenant_id, app, week_start
            ) as has_small,
            max(case when is_small_rest then 1 else 0 end) over (
                partition by tenant_id, app, week_start
            ) as has_small_rest
        from judged
    ),

    twins as (
        select
            *,
            {{
                twins_of_suite(
                    "tenant_id, week_start", "tenant_id, department, is_total, week_start"
                )
            }}
        from lines
    ),

    able as (select *, not is_total and not is_small and {{ can_cover() }} as can_cover from twins),

    -- The smallest department that can cover the small ones does.
    chosen as (
        select
            *,
            can_cover
            and has_small = 1
            and row_number() over (
                partition by tenant_id, app, week_start
                order by case when can_cover then 0 else 1 end, licensed_users, department
            )
            = 1 as is_cover
        from able
    ),

    -- Where the suite and an app would give each other away, a cover of one is hidden in both.
    covers as (
        select
            *,
            max(case when is_cover then 1 else 0 end) over (
                partition by tenant_id, app, week_start
            ) as has_cover,
            max(case when is_cover and {{ hides_with_suite() }} then 1 else 0 end) over (
                partition by tenant_id, department, is_total, week_start
            ) as hides_suite,
            max(case when is_cover and app = 'suite' then 1 else 0 end) over (
                partition by tenant_id, department, is_total, week_start
            ) as covers_suite
        from chosen
    ),

    hidden as (
        select
            *,
            not is_total
            and has_small = 1
            and (
                is_small
                or is_cover
                or has_cover = 0
                or (app = 'suite' and hides_suite = 1)
                or (
                    app not in ('suite', 'teams')
                    and covers_suite = 1
                    and {{ judged_users() }} = suite_users
                )
            ) as is_hidden,
            not is_total and has_small_rest = 1 as hides_unlicensed
        from covers
    )

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
