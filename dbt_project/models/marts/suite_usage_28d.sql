with
    app_days as (
        select
            tenant_id,
            cast(sum(user_days) as bigint) as app_user_days,
            cast(sum(prev_user_days) as bigint) as prev_app_user_days
        from {{ ref("int_app_windows") }}
        where in_suite
        group by tenant_id
    )

select
    usage.tenant_id,
    usage.window_start,
    usage.window_end,
    usage.days_with_data,
    usage.observed_days,
    usage.provisional_days,
    usage.missing_days,
    usage.identity_basis,
    usage.named_days,
    usage.concealed_days,
    usage.active_users,
    usage.user_days as suite_user_days,
    app_days.app_user_days,
    usage.avg_days_per_user,
    usage.unknown_user_days,
    usage.prev_active_users,
    usage.prev_user_days as prev_suite_user_days,
    app_days.prev_app_user_days,
    usage.prev_observed_days,
    usage.change_rate
from {{ ref("int_app_windows") }} as usage
inner join app_days on usage.tenant_id = app_days.tenant_id
where usage.app = 'suite'
