{# One row per element of a list; to be used in the projection of a select. #}
{% macro unnest_list(list) -%}
    {{ return(adapter.dispatch("unnest_list", "m365_usage")(list)) }}
{%- endmacro %}

{% macro default__unnest_list(list) -%} unnest({{ list }}) {%- endmacro %}

{% macro spark__unnest_list(list) -%} explode({{ list }}) {%- endmacro %}

{% macro fabricspark__unnest_list(list) -%} {{ return(spark__unnest_list(list)) }} {%- endmacro %}
