select
    weeks.tenant_id,
    weeks.app,
    weeks.department,
    weeks.is_total,
    weeks.week_start,
    weeks.week_end,
    slices.days_with_data,
    slices.provisional_days,
    slices.counted_days = 7 as is_complete,
    slices.identity_basis,
    slices.license_known,
    weeks.active_users,
    weeks.licensed_users,
    weeks.licensed_active_users,
    cast(weeks.licensed_active_users as double) / nullif(weeks.licensed_users, 0) as active_rate,
    false as is_suppressed
from {{ ref("int_usage_weeks") }} as weeks
inner join
    {{ ref("int_usage_slices") }} as slices
    on weeks.tenant_id = slices.tenant_id
    and slices.slice_kind = 'week'
    and weeks.week_start = slices.slice_start
