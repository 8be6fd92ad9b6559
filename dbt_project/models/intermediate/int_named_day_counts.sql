-- How many days have told about named people by each day of the calendar.
select
    tenant_id,
    report_date,
    is_observed and not is_concealed as is_named,
    cast(
        sum(case when is_observed and not is_concealed then 1 else 0 end) over (
            partition by tenant_id
            order by report_date
            rows between unbounded preceding and current row
        ) as int
    ) as named_days
from {{ ref("int_report_days") }}
