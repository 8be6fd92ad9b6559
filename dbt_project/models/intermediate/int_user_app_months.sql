{%- set apps = packed_apps() -%}
select
    tenant_id,
    user_key,
    cast(date_trunc('month', report_date) as date) as use_month,
    {% for app in apps %}
        max(case when {{ is_used(app) }} then report_date end) as {{ app }}_last
        {%- if not loop.last %}, {% endif %}
    {% endfor %}
from {{ ref("int_user_days") }}
where user_key > 0
group by tenant_id, user_key, cast(date_trunc('month', report_date) as date)
