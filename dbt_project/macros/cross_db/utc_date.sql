{# The day, in UTC, of an instant. #}
{% macro utc_date(instant) -%}
    {{ return(adapter.dispatch("utc_date", "m365_usage")(instant)) }}
{%- endmacro %}

{% macro default__utc_date(instant) -%}
    cast({{ instant }} at time zone 'UTC' as date)
{%- endmacro %}

{# Spark has no zone in its instants: the session runs in UTC. #}
{% macro spark__utc_date(instant) -%} cast({{ instant }} as date) {%- endmacro %}

{% macro fabricspark__utc_date(instant) -%} {{ return(spark__utc_date(instant)) }} {%- endmacro %}
