select
    days.tenant_id,
    days.report_date,
    days.state as day_state,
    days.is_observed,
    suite_days.active_users,
    suite_days.unknown_users,
    suite_days.app_user_days
from {{ ref("int_report_days") }} as days
left join
    {{ ref("int_suite_days") }} as suite_days
    on days.tenant_id = suite_days.tenant_id
    and days.report_date = suite_days.report_date
