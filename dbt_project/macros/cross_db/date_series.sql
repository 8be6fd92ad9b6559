{# One row per day from first to last, both included; to be used in the projection of a select. #}
{# The caller sees to it that first is not after last. #}
{% macro date_series(first, last) -%}
    {{ return(adapter.dispatch("date_series", "m365_usage")(first, last)) }}
{%- endmacro %}

{% macro default__date_series(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}

{% macro spark__date_series(first, last) -%}
    explode(sequence({{ first }}, {{ last }}, interval 1 day))
{%- endmacro %}

{% macro fabricspark__date_series(first, last) -%}
    {{ return(spark__date_series(first, last)) }}
{%- endmacro %}
