select
    windows.tenant_id,
    windows.app,
    windows.department,
    windows.is_total,
    windows.window_days,
    windows.day_kind,
    slices.slice_start as window_start,
    slices.slice_end as window_end,
    slices.days_with_data,
    slices.observed_days,
    slices.provisional_days,
    slices.days_in_slice - slices.days_with_data as missing_days,
    slices.identity_basis,
    slices.named_days,
    slices.concealed_days,
    slices.license_known,
    windows.active_users,
    windows.user_days,
    windows.licensed_users,
    windows.licensed_active_users,
    cast(windows.licensed_active_users as double)
    / nullif(windows.licensed_users, 0) as active_rate,
    cast(windows.counted_user_days as double)
    / nullif(windows.active_users, 0) as avg_days_per_user,
    cast(windows.user_days as double) / nullif(
        case when windows.is_total then slices.days_with_data else slices.counted_days end, 0
    ) as avg_daily_users,
    false as is_suppressed
from {{ ref("int_usage_windows") }} as windows
inner join
    {{ ref("int_usage_slices") }} as slices
    on windows.tenant_id = slices.tenant_id
    and slices.slice_kind = 'window'
    and windows.window_days = slices.window_days
    and windows.day_kind = slices.day_kind
