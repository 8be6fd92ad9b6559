{{ config(materialized="view") }}
select
    tenant_id,
    report_date,
    user_key,
    cast(
        {% for app in suite_apps() %}
            case when {{ is_used(app) }} then 1 else 0 end {%- if not loop.last %} + {% endif %}
        {% endfor %} as int
    ) as suite_apps_used
from {{ ref("int_user_days") }}
where {{ is_suite_used() }}
