{{ config(alias="app_usage_28d") }}
with judged as ({{ judged_platforms("app_usage_28d") }})

select
    tenant_id,
    app,
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
    user_days,
    avg_days_per_user,
    unknown_user_days,
    case when shows_desktop then windows_users end as windows_users,
    case when shows_desktop then mac_users end as mac_users,
    case when shows_desktop then desktop_users end as desktop_users,
    case when shows_mobile then mobile_users end as mobile_users,
    case when shows_web then web_users end as web_users,
    prev_active_users,
    prev_user_days,
    prev_observed_days,
    change_rate,
    active_users is not null and not (shows_desktop and shows_mobile and shows_web) as is_suppressed
from judged
