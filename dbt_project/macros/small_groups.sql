{# Whether a count of people, or the rest of the total it is taken from, would show a small group. #}
{% macro is_small_group(count, total) -%}
    {%- set largest = var("min_group_size") - 1 -%}
    coalesce(
        {{ count }} between 1 and {{ largest }}
        or {{ total }} - {{ count }} between 1 and {{ largest }},
        false
    )
{%- endmacro %}
