{# Whether a count of people, or the rest of the total it is taken from, would show a small group. #}
{% macro is_small_group(count, total) -%}
    {%- set largest = var("min_group_size") - 1 -%}
    coalesce(
        {{ count }} between 1 and {{ largest }}
        or {{ total }} - {{ count }} between 1 and {{ largest }},
        false
    )
{%- endmacro %}

{# Those of a department's users by whom it is judged: the licensed ones, or all where licences are unknown. #}
{% macro judged_users(prefix="") -%}
    coalesce({{ prefix }}licensed_active_users, {{ prefix }}active_users)
{%- endmacro %}

{# Whether the use of a department shows a small group: the users, or the licensed people who are none. #}
{% macro is_small_use(users=judged_users(), licensed="licensed_users") -%}
    {%- set largest = var("min_group_size") - 1 -%}
    (
        coalesce({{ users }} between 1 and {{ largest }}, false)
        or coalesce({{ licensed }} - {{ users }} between 1 and {{ largest }}, false)
    )
{%- endmacro %}

{# Whether all users beside the licensed ones show a small group: those who used the app without a licence. #}
{% macro is_small_rest() -%}
    coalesce(
        active_users - licensed_active_users between 1 and {{ var("min_group_size") - 1 }}, false
    )
{%- endmacro %}

{# What is hidden must not follow from the total and the other departments: one department that is not small is #}
{# hidden with the small ones. It can cover them if its count may differ and stay a possible one: neither its users #}
{# nor its other licensed people are few, and the suite and its apps, which bound each other, leave room, or can #}
{# be hidden with it (hides_with_suite, hides_with_apps), as there are small ones in their lines too. #}
{% macro can_cover(users=judged_users(), licensed="licensed_users") -%}
    coalesce(
        {{ users }} > {{ var("min_group_size") }}
        and coalesce({{ licensed }} - {{ users }} > {{ var("min_group_size") }}, true)
        and case
            app
            when 'teams'
            then true
            when 'suite'
            then
                case
                    when {{ users }} > largest_app
                    then apps_together > {{ users }}
                    else has_open_twin = 0
                end
            else not {{ hides_with_suite(users) }} or suite_has_small = 1
        end,
        false
    )
{%- endmacro %}

{# Whether the suite, were it shown, would leave the users of an app no room. #}
{% macro hides_with_suite(users=judged_users()) -%}
    (app not in ('suite', 'teams') and ({{ users }} >= suite_users or apps_together <= suite_users))
{%- endmacro %}

{# Beside each app of a slice: the users of the suite, of its largest app, and of its apps added up. #}
{% macro apps_beside_suite(slice, users=judged_users()) -%}
    {%- set in_suite = "case when app not in ('suite', 'teams') then " ~ users ~ " end" -%}
    max(case when app = 'suite' then {{ users }} end) over (
        partition by {{ slice }}
    ) as suite_users,
    max({{ in_suite }}) over (partition by {{ slice }}) as largest_app,
    sum({{ in_suite }}) over (partition by {{ slice }}) as apps_together
{%- endmacro %}

{# Whether the suite has small ones in a slice, and whether an app with the same users as the suite has none. #}
{% macro twins_of_suite(line, slice, users=judged_users()) -%}
    max(case when app = 'suite' then has_small else 0 end) over (
        partition by {{ line }}
    ) as suite_has_small,
    max(
        case
            when app not in ('suite', 'teams') and {{ users }} = suite_users and has_small = 0
            then 1
            else 0
        end
    ) over (partition by {{ slice }}) as has_open_twin
{%- endmacro %}
