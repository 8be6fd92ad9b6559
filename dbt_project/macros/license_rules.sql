{# The length of the shortest period report that tells of idleness; 0 where none reaches that far. #}
{% macro idle_period() %}
    {%- set long_enough = [7, 30, 90, 180] | select("ge", var("idle_days")) | list -%}
    {{ return(long_enough[0] if long_enough else 0) }}
{% endmacro %}
