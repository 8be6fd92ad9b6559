{%- set apps = packed_apps() -%}
select
    days.tenant_id,
    days.user_key,
    window_days.which_window,
    {% for app in apps %}
        {%- set column = "days." ~ app %}
        count(case when {{ is_used(column) }} then 1 end) as {{ app }}_days,
        min(case when {{ is_used(column) }} then days.report_date end) as {{ app }}_first,
        max(case when {{ is_used(column) }} then days.report_date end) as {{ app }}_last,
        bit_or({{ column }}) as {{ app }}_bits,
    {% endfor %}
    count(case when {{ is_suite_used("days.") }} then 1 end) as suite_days
from {{ ref("int_user_days") }} as days
inner join
    {{ ref("int_window_days") }} as window_days
    on days.tenant_id = window_days.tenant_id
    and days.report_date = window_days.report_date
where window_days.counts_people
group by days.tenant_id, days.user_key, window_days.which_window
