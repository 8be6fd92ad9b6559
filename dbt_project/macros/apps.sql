{# The packed columns of a person-day: the only list of apps in SQL. A data test holds it against seed apps. #}
{% macro suite_apps() %}
    {{ return(["outlook", "word", "excel", "powerpoint", "onenote"]) }}
{% endmacro %}

{% macro packed_apps() %} {{ return(suite_apps() + ["teams"]) }} {% endmacro %}

{# The apps and, as one more that is in no suite, the suite. #}
{% macro apps_and_suite() -%}
    (
        select app, in_suite
        from {{ ref("seed_apps") }}
        union all
        select 'suite' as app, false as in_suite
    )
{%- endmacro %}
