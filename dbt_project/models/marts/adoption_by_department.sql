with
    rates as (
        select
            usage.tenant_id,
            usage.app,
            usage.department,
            usage.is_total,
            -- Rounded, as the last digits of a mean depend on the order in which it is added up.
            round(
                avg(cast(usage.licensed_active_users as double) / nullif(usage.licensed_users, 0)),
                9
            ) as adoption_rate
        from {{ ref("int_usage_weeks") }} as usage
        inner join
            {{ ref("int_adoption_weeks") }} as weeks
            on usage.tenant_id = weeks.tenant_id
            and usage.week_start = weeks.week_start
        group by usage.tenant_id, usage.app, usage.department, usage.is_total
    )

select
    adoption.tenant_id,
    adoption.app,
    adoption.department,
    adoption.is_total,
    weeks.weeks,
    weeks.first_week_start,
    weeks.last_week_end,
    adoption.licensed_users,
    adoption.active_users,
    rates.adoption_rate,
    cast({{ var("min_group_size") }} as int) as min_group_size,
    false as is_suppressed
from {{ ref("int_adoption") }} as adoption
inner join
    {{ ref("int_adoption_weeks") }} as weeks
    on adoption.tenant_id = weeks.tenant_id
    and weeks.week_start = weeks.last_week_start
left join
    rates
    on adoption.tenant_id = rates.tenant_id
    and adoption.app = rates.app
    and adoption.department = rates.department
    and adoption.is_total = rates.is_total

union all

-- No complete week tells who it was: what is licensed is known all the same.
select
    windows.tenant_id,
    windows.app,
    windows.department,
    windows.is_total,
    0 as weeks,
    cast(null as date) as first_week_start,
    cast(null as date) as last_week_end,
    windows.licensed_users,
    cast(null as bigint) as active_users,
    cast(null as double) as adoption_rate,
    cast({{ var("min_group_size") }} as int) as min_group_size,
    false as is_suppressed
from {{ ref("int_usage_windows") }} as windows
left join {{ ref("int_adoption_weeks") }} as weeks on windows.tenant_id = weeks.tenant_id
where
    windows.is_total
    and windows.window_days = 7
    and windows.day_kind = 'all'
    and weeks.tenant_id is null
