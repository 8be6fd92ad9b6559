{# Whether a date is a Monday to Friday. #}
{% macro is_weekday(day) -%}
    {{ return(adapter.dispatch("is_weekday", "m365_usage")(day)) }}
{%- endmacro %}

{% macro default__is_weekday(day) -%} (extract(isodow from {{ day }}) <= 5) {%- endmacro %}

{% macro spark__is_weekday(day) -%}(weekday({{ day }}) <= 4) {%- endmacro %}

{% macro fabricspark__is_weekday(day) -%} {{ return(spark__is_weekday(day)) }} {%- endmacro %}
