{# The packed columns of a person-day: the only list of apps in SQL. A data test holds it against seed apps. #}
{% macro suite_apps() %}
    {{ return(["outlook", "word", "excel", "powerpoint", "onenote"]) }}
{% endmacro %}

{% macro packed_apps() %} {{ return(suite_apps() + ["teams"]) }} {% endmacro %}
