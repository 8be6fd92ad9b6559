{%- set apps = packed_apps() -%}
-- Each of the person's names of that day counts in the counts of names; the person counts once.
with
    merged as (
        select
            tenant_id,
            report_date,
            user_key,
            {% for app in apps %} bit_or({{ app }}) as {{ app }}, {% endfor %}
            count(*) as names
        from {{ ref("int_resolved_days") }}
        where has_several_names
        group by tenant_id, report_date, user_key
        having count(*) > 1
    )

select tenant_id, report_date, user_key, {% for app in apps %} {{ app }}, {% endfor %} 1 as counts
from merged

union all

select
    days.tenant_id,
    days.report_date,
    days.user_key,
    {% for app in apps %} days.{{ app }}, {% endfor %}
    -1 as counts
from {{ ref("int_resolved_days") }} as days
inner join merged on days.user_key = merged.user_key and days.report_date = merged.report_date
where days.has_several_names
