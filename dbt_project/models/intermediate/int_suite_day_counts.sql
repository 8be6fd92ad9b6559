select tenant_id, report_date, count(*) as people
from {{ ref("int_user_days") }}
where {{ is_suite_used() }}
group by tenant_id, report_date
