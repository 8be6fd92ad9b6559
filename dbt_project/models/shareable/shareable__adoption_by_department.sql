{{ config(alias="adoption_by_department") }}
-- A department's mean of weeks is hidden when one of its weeks is, as it would follow from the
-- others; so is a department whose use in 28 days is hidden, which may be the same days.
with
    grouped as (
        select
            adoption.tenant_id,
            adoption.app,
            case when adoption.is_total then 'All' else groups.shown_department end as department,
            adoption.is_total,
            adoption.weeks,
            adoption.first_week_start,
            adoption.last_week_end,
            adoption.min_group_size,
            cast(sum(adoption.licensed_users) as bigint) as licensed_users,
            cast(sum(adoption.active_users) as bigint) as active_users,
            -- Only the licensed ones are counted here.
            cast(sum(adoption.active_users) as bigint) as licensed_active_users,
            max(case when adoption.is_total then adoption.adoption_rate end) as total_rate
        from {{ ref("adoption_by_department") }} as adoption
        left join
            {{ ref("int_department_groups") }} as groups
            on adoption.tenant_id = groups.tenant_id
            and adoption.department = groups.department
        where adoption.is_total or groups.is_shown
        group by
            adoption.tenant_id,
            adoption.app,
            case when adoption.is_total then 'All' else groups.shown_department end,
            adoption.is_total,
            adoption.weeks,
            adoption.first_week_start,
            adoption.last_week_end,
            adoption.min_group_size
    ),

    {{ hide_departments() }},

    weekly as (
        select
            usage.tenant_id,
            usage.app,
            usage.department,
            usage.is_total,
            -- Rounded, as the last digits of a mean depend on the order in which it is added up.
            round(
                avg(cast(usage.licensed_active_users as double) / nullif(usage.licensed_users, 0)),
                9
            ) as adoption_rate,
            max(case when usage.is_hidden then 1 else 0 end) as is_hidden
        from {{ ref("int_shared_weeks") }} as usage
        inner join
            {{ ref("int_adoption_weeks") }} as weeks
            on usage.tenant_id = weeks.tenant_id
            and usage.week_start = weeks.week_start
        group by usage.tenant_id, usage.app, usage.department, usage.is_total
    ),

    decided as (
        select
            lines.tenant_id,
            lines.app,
            lines.department,
            lines.is_total,
            lines.weeks,
            lines.first_week_start,
            lines.last_week_end,
            lines.licensed_users,
            lines.active_users,
            lines.total_rate,
            lines.min_group_size,
            weekly.adoption_rate,
            not lines.is_total
            and (
                coalesce(weekly.is_hidden, 0) = 1
                or coalesce(windows.is_hidden, false)
                or lines.is_hidden
            ) as is_hidden
        from hidden as lines
        left join
            weekly
            on lines.tenant_id = weekly.tenant_id
            and lines.app = weekly.app
            and lines.department = weekly.department
            and lines.is_total = weekly.is_total
        left join
            {{ ref("int_shared_windows") }} as windows
            on lines.tenant_id = windows.tenant_id
            and lines.app = windows.app
            and lines.department = windows.department
            and lines.is_total = windows.is_total
            and windows.window_days = 28
            and windows.day_kind = 'all'
    )

select
    tenant_id,
    app,
    department,
    is_total,
    weeks,
    first_week_start,
    last_week_end,
    licensed_users,
    case when not is_hidden then active_users end as active_users,
    case when is_total then total_rate when not is_hidden then adoption_rate end as adoption_rate,
    min_group_size,
    is_hidden as is_suppressed
from decided
