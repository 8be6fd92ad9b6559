{#
The day that is taken for today, as a Python date. A run gives it by the environment and it is looked up when SQL runs:
another variable on the command line, and dbt would parse the whole project anew every day.
#}
{% macro today() %}
    {%- set pinned = var("today", none) or (env_var("M365_DBT_TODAY", "") if execute else none) -%}
    {%- if pinned -%}
        {{ return(modules.datetime.datetime.strptime((pinned ~ "")[:10], "%Y-%m-%d").date()) }}
    {%- else -%} {{ return(run_started_at.date()) }}
    {%- endif -%}
{% endmacro %}

{# A day as a literal, a number of days after (or before) today. #}
{% macro day_from_today(days) -%}
    cast('{{ today() + modules.datetime.timedelta(days=days) }}' as date)
{%- endmacro %}

{# The newest report date that can be expected: the last day of the window. #}
{% macro window_end(windows_back=0) -%}
    {{ day_from_today(-var("lag_days") - windows_back * var("window_days")) }}
{%- endmacro %}

{% macro window_start(windows_back=0) -%}
    {{ day_from_today(1 - var("lag_days") - (windows_back + 1) * var("window_days")) }}
{%- endmacro %}

{# The last days of so many months before today's, newest first, as Python dates. #}
{% macro month_ends(months) %}
    {%- set ends = [] -%}
    {%- for _ in range(months) -%}
        {%- set first = (ends[-1] if ends else today()).replace(day=1) -%}
        {%- do ends.append(first - modules.datetime.timedelta(days=1)) -%}
    {%- endfor -%}
    {{ return(ends) }}
{% endmacro %}

{# Before and after everything: the ends of a period without end. #}
{% macro first_day() -%} cast('1900-01-01' as date) {%- endmacro %}

{% macro last_day() -%} cast('9999-12-31' as date) {%- endmacro %}
