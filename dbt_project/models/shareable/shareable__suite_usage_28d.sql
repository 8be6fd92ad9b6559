{{ config(alias="suite_usage_28d") }}
select
    tenant_id,
    window_start,
    window_end,
    days_with_data,
    observed_days,
    provisional_days,
    missing_days,
    identity_basis,
    named_days,
    concealed_days,
    active_users,
    suite_user_days,
    app_user_days,
    avg_days_per_user,
    unknown_user_days,
    prev_active_users,
    prev_suite_user_days,
    prev_app_user_days,
    prev_observed_days,
    change_rate
from {{ ref("suite_usage_28d") }}
