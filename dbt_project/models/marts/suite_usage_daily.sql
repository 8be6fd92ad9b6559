select
    days.tenant_id,
    days.report_date,
    days.state as day_state,
    days.is_observed,
    max(case when usage.app = 'suite' then usage.active_users end) as active_users,
    max(case when usage.app = 'suite' then usage.unknown_users end) as unknown_users,
    cast(sum(case when usage.in_suite then usage.active_users end) as bigint) as app_user_days
from {{ ref("int_report_days") }} as days
left join
    {{ ref("int_app_days") }} as usage
    on days.tenant_id = usage.tenant_id
    and days.report_date = usage.report_date
group by days.tenant_id, days.report_date, days.state, days.is_observed
