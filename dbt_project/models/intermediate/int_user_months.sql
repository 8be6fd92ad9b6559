select
    days.tenant_id,
    usage_days.month_start,
    days.user_key,
    bit_or(cast({{ apps_used("days.") }} as smallint)) as used
from {{ ref("int_user_days") }} as days
inner join
    {{ ref("int_usage_days") }} as usage_days
    on days.tenant_id = usage_days.tenant_id
    and days.report_date = usage_days.report_date
where usage_days.month_start is not null
group by days.tenant_id, usage_days.month_start, days.user_key
