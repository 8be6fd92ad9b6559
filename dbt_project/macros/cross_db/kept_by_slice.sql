{# How a table is built of which only the slices are made anew that changed (macros/slices.sql): Spark makes it whole. #}
{% macro kept_by_slice() %}
    {{ return(adapter.dispatch("kept_by_slice", "m365_usage")()) }}
{% endmacro %}

{% macro default__kept_by_slice() %} {{ return("incremental") }} {% endmacro %}

{% macro spark__kept_by_slice() %} {{ return("table") }} {% endmacro %}

{% macro fabricspark__kept_by_slice() %} {{ return(spark__kept_by_slice()) }} {% endmacro %}
