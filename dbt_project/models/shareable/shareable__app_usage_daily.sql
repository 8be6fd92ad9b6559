{{ config(alias="app_usage_daily") }}
select
    tenant_id,
    app,
    report_date,
    day_state,
    is_observed,
    active_users,
    unknown_users,
    windows_users,
    mac_users,
    desktop_users,
    mobile_users,
    web_users,
    is_suppressed
from {{ ref("app_usage_daily") }}
