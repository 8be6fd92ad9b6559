{{ config(alias="app_usage_windows") }}
select
    usage.tenant_id,
    usage.app,
    usage.department,
    usage.is_total,
    usage.window_days,
    usage.day_kind,
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
    case
        when not usage.is_hidden and not usage.hides_unlicensed then usage.active_users
    end as active_users,
    case
        when not usage.is_hidden and not usage.hides_unlicensed then usage.user_days
    end as user_days,
    usage.licensed_users,
    case when not usage.is_hidden then usage.licensed_active_users end as licensed_active_users,
    case
        when not usage.is_hidden
        then cast(usage.licensed_active_users as double) / nullif(usage.licensed_users, 0)
    end as active_rate,
    case
        when not usage.is_hidden and not usage.hides_unlicensed
        then cast(usage.counted_user_days as double) / nullif(usage.active_users, 0)
    end as avg_days_per_user,
    case
        when not usage.is_hidden and not usage.hides_unlicensed
        then
            cast(usage.user_days as double) / nullif(
                case when usage.is_total then slices.days_with_data else slices.counted_days end, 0
            )
    end as avg_daily_users,
    usage.is_hidden or usage.hides_unlicensed as is_suppressed
from {{ ref("int_shared_windows") }} as usage
inner join
    {{ ref("int_usage_slices") }} as slices
    on usage.tenant_id = slices.tenant_id
    and slices.slice_kind = 'window'
    and usage.window_days = slices.window_days
    and usage.day_kind = slices.day_kind
