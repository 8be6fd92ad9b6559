{%- set apps = packed_apps() -%}
{{ config(materialized="view") }}
-- Almost everybody has one name, and so one row per day already: only the others are put together.
select tenant_id, report_date, user_key, {{ apps | join(", ") }}
from {{ ref("int_resolved_days") }}
where not has_several_names

union all

select
    tenant_id,
    report_date,
    user_key,
    {% for app in apps %}
        bit_or({{ app }}) as {{ app }} {%- if not loop.last %}, {% endif %}
    {% endfor %}
from {{ ref("int_resolved_days") }}
where has_several_names
group by tenant_id, report_date, user_key
