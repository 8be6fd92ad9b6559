select
    tenant_id,
    user_key,
    app,
    cast(report_period as bigint) as report_period,
    report_refresh_date,
    max(case when used then 1 else 0 end) = 1 as used,
    max(last_activity_date) as last_activity_date
from {{ ref("int_user_app_periods") }}
group by tenant_id, user_key, app, report_period, report_refresh_date
