select
    days.tenant_id,
    days.user_key,
    {% for app in packed_apps() %}
        cast(
            sum(
                case when {{ is_used("days." ~ app) }} then usage_days.window_units else 0 end
            ) as bigint
        ) as {{ app }}_days,
    {% endfor %}
    cast(
        sum(
            case when {{ is_suite_used("days.") }} then usage_days.window_units else 0 end
        ) as bigint
    ) as suite_days
from {{ ref("int_user_days") }} as days
inner join
    {{ ref("int_usage_days") }} as usage_days
    on days.tenant_id = usage_days.tenant_id
    and days.report_date = usage_days.report_date
where usage_days.window_units > 0
group by days.tenant_id, days.user_key
