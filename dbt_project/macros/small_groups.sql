{# Whether a count of people, or the rest of the total it is taken from, would show a small group. #}
{% macro is_small_group(count, total) -%}
    {%- set largest = var("min_group_size") - 1 -%}
    coalesce(
        {{ count }} between 1 and {{ largest }}
        or {{ total }} - {{ count }} between 1 and {{ largest }},
        false
    )
{%- endmacro %}

{# Whether the use of a department shows a small group: the licensed people who used the app, or who did not; #}
{# all who used it where licences are unknown. #}
{% macro is_small_use(active, licensed_active, licensed) -%}
    {%- set largest = var("min_group_size") - 1 -%}
    (
        coalesce(coalesce({{ licensed_active }}, {{ active }}) between 1 and {{ largest }}, false)
        or coalesce({{ licensed }} - {{ licensed_active }} between 1 and {{ largest }}, false)
    )
{%- endmacro %}

{# Whether all users beside the licensed ones show a small group: those who used the app without a licence. #}
{% macro is_small_rest(active, licensed_active) -%}
    coalesce(
        {{ active }} - {{ licensed_active }} between 1 and {{ var("min_group_size") - 1 }}, false
    )
{%- endmacro %}

{# What is hidden must not follow from the total and the other departments: one department that is not small is #}
{# hidden with the small ones. It can cover them if their counts may differ and leave it a possible one: neither #}
{# its users nor its other licensed people are few, and the apps and the suite, which bound each other, leave room. #}
{% macro can_cover(active, licensed_active, licensed) -%}
    coalesce(
        coalesce({{ licensed_active }}, {{ active }}) > {{ var("min_group_size") }}
        and coalesce({{ licensed }} - {{ licensed_active }} > {{ var("min_group_size") }}, true)
        and case
            app
            when 'teams'
            then true
            when 'suite'
            then {{ active }} > largest_app and apps_together > {{ active }}
            else suite_users > {{ active }} and apps_together > suite_users
        end,
        false
    )
{%- endmacro %}

{# Beside each app of a slice: the users of the suite, of its largest app, and of its apps added up. #}
{% macro apps_beside_suite(slice) -%}
    {%- set in_suite = "case when app not in ('suite', 'teams') then active_users end" -%}
    max(case when app = 'suite' then active_users end) over (
        partition by {{ slice }}
    ) as suite_users,
    max({{ in_suite }}) over (partition by {{ slice }}) as largest_app,
    sum({{ in_suite }}) over (partition by {{ slice }}) as apps_together
{%- endmacro %}
