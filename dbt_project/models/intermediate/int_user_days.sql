{%- set apps = packed_apps() -%}
with
    resolved as (
        select
            days.tenant_id,
            days.report_date,
            identity_map.user_key,
            {% for app in apps %} days.{{ app }}, {% endfor %}
            identity_map.has_several_names
        from {{ ref("stg_graph__m365_app_user_days") }} as days
        inner join
            {{ ref("int_identity_map") }} as identity_map
            on days.upn_key = identity_map.upn_key
            and days.report_date >= identity_map.valid_from
            and days.report_date < identity_map.valid_to
    )

-- Almost everybody has one name, and so one row per day already: only the others are put together.
select tenant_id, report_date, user_key, {{ apps | join(", ") }}
from resolved
where not has_several_names

union all

select
    tenant_id,
    report_date,
    user_key,
    {% for app in apps %}
        bit_or({{ app }}) as {{ app }} {%- if not loop.last %}, {% endif %}
    {% endfor %}
from resolved
where has_several_names
group by tenant_id, report_date, user_key
