{{ config(alias="usage_weekly") }}
select
    usage.tenant_id,
    usage.app,
    usage.department,
    usage.is_total,
    usage.week_start,
    usage.week_end,
    slices.days_with_data,
    slices.provisional_days,
    slices.counted_days = 7 as is_complete,
    slices.identity_basis,
    slices.license_known,
    case
        when not usage.is_hidden and not usage.hides_unlicensed then usage.active_users
    end as active_users,
    usage.licensed_users,
    case when not usage.is_hidden then usage.licensed_active_users end as licensed_active_users,
    case
        when not usage.is_hidden
        then cast(usage.licensed_active_users as double) / nullif(usage.licensed_users, 0)
    end as active_rate,
    usage.is_hidden or usage.hides_unlicensed as is_suppressed
from {{ ref("int_shared_weeks") }} as usage
inner join
    {{ ref("int_usage_slices") }} as slices
    on usage.tenant_id = slices.tenant_id
    and slices.slice_kind = 'week'
    and usage.week_start = slices.slice_start
