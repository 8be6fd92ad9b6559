{%- set apps = packed_apps() -%}
{{ config(materialized="view") }}
-- As for int_user_weeks.
with
    resolved as (
        select months.*, identity_map.user_key, identity_map.has_several_names
        from {{ ref("int_name_months") }} as months
        inner join
            {{ ref("int_identity_map") }} as identity_map on months.upn_key = identity_map.upn_key
        where identity_map.is_for_ever
    ),

    put_together as (
        select
            tenant_id,
            month_start,
            user_key,
            used,
            {% for app in apps %} {{ app }}_last {%- if not loop.last %}, {% endif %} {% endfor %}
        from resolved
        where has_several_names
        union all
        select
            days.tenant_id,
            cast(date_trunc('month', days.report_date) as date) as month_start,
            days.user_key,
            case
                when usage_days.month_start is not null then {{ apps_used("days.") }} else 0
            end as used,
            {% for app in apps %}
                case when {{ is_used("days." ~ app) }} then days.report_date end as {{ app }}_last
                {%- if not loop.last %}, {% endif %}
            {% endfor %}
        from {{ ref("int_resolved_days") }} as days
        left join
            {{ ref("int_usage_days") }} as usage_days
            on days.tenant_id = usage_days.tenant_id
            and days.report_date = usage_days.report_date
        where not days.is_for_ever
    )

select
    tenant_id,
    month_start,
    user_key,
    used,
    {% for app in apps %} {{ app }}_last {%- if not loop.last %}, {% endif %} {% endfor %}
from resolved
where not has_several_names

union all

select
    tenant_id,
    month_start,
    user_key,
    cast(bit_or(used) as smallint) as used,
    {% for app in apps %}
        max({{ app }}_last) as {{ app }}_last {%- if not loop.last %}, {% endif %}
    {% endfor %}
from put_together
group by tenant_id, month_start, user_key
