{# A date so many days later, or earlier. #}
{% macro plus_days(day, days) -%}
    {{ return(adapter.dispatch("plus_days", "m365_usage")(day, days)) }}
{%- endmacro %}

{% macro default__plus_days(day, days) -%} ({{ day }} + ({{ days }})) {%- endmacro %}

{% macro spark__plus_days(day, days) -%} date_add({{ day }}, {{ days }}) {%- endmacro %}

{% macro fabricspark__plus_days(day, days) -%}
    {{ return(spark__plus_days(day, days)) }}
{%- endmacro %}
