{# Whole days from one date to another. #}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch("days_between", "m365_usage")(first, last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%} ({{ last }} - {{ first }}) {%- endmacro %}

{% macro spark__days_between(first, last) -%} datediff({{ last }}, {{ first }}) {%- endmacro %}

{% macro fabricspark__days_between(first, last) -%}
    {{ return(spark__days_between(first, last)) }}
{%- endmacro %}
