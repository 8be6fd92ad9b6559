{{ config(alias="app_usage_daily") }}
with judged as ({{ judged_platforms("app_usage_daily") }})

select
    tenant_id,
    app,
    report_date,
    day_state,
    is_observed,
    active_users,
    unknown_users,
    case when shows_desktop then windows_users end as windows_users,
    case when shows_desktop then mac_users end as mac_users,
    case when shows_desktop then desktop_users end as desktop_users,
    case when shows_mobile then mobile_users end as mobile_users,
    case when shows_web then web_users end as web_users,
    active_users is not null and not (shows_desktop and shows_mobile and shows_web) as is_suppressed
from judged
