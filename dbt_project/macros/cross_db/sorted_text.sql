{# The elements of a list of texts, in order, with commas between; empty where there is no list. #}
{% macro sorted_text(list) -%}
    {{ return(adapter.dispatch("sorted_text", "m365_usage")(list)) }}
{%- endmacro %}

{% macro default__sorted_text(list) -%}
    coalesce(array_to_string(list_sort({{ list }}), ','), '')
{%- endmacro %}

{% macro spark__sorted_text(list) -%}
    coalesce(concat_ws(',', array_sort({{ list }})), '')
{%- endmacro %}

{% macro fabricspark__sorted_text(list) -%} {{ return(spark__sorted_text(list)) }} {%- endmacro %}
