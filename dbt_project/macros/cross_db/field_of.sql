{# One of the eight-bit fields that are packed into a bigint; the number of the field may be a column. #}
{% macro field_of(column, field) -%}
    {{ return(adapter.dispatch("field_of", "m365_usage")(column, field)) }}
{%- endmacro %}

{% macro default__field_of(column, field) -%}
    (({{ column }} >> (8 * {{ field }})) & 255)
{%- endmacro %}

{% macro spark__field_of(column, field) -%}
    (shiftright({{ column }}, 8 * {{ field }}) & 255)
{%- endmacro %}

{% macro fabricspark__field_of(column, field) -%}
    {{ return(spark__field_of(column, field)) }}
{%- endmacro %}
