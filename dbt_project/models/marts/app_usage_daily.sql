select
    days.tenant_id,
    apps.app,
    days.report_date,
    days.state as day_state,
    days.is_observed,
    app_days.active_users,
    app_days.unknown_users,
    app_days.windows_users,
    app_days.mac_users,
    app_days.desktop_users,
    app_days.mobile_users,
    app_days.web_users,
    false as is_suppressed
from {{ ref("int_report_days") }} as days
cross join {{ ref("seed_apps") }} as apps
left join
    {{ ref("int_app_days") }} as app_days
    on days.tenant_id = app_days.tenant_id
    and days.report_date = app_days.report_date
    and apps.app = app_days.app
