select tenant_id, report_date, cast(sum(user_rows) as bigint) as unknown_users
from {{ ref("stg_graph__m365_app_unknown_days") }}
where {{ is_suite_used() }}
group by tenant_id, report_date
