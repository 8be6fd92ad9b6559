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
{% macro is_small_use() -%}
    {%- set largest = var("min_group_size") - 1 -%}
    (
        coalesce({{ judged_users() }} between 1 and {{ largest }}, false)
        or coalesce(licensed_users - {{ judged_users() }} between 1 and {{ largest }}, false)
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
{% macro can_cover() -%}
    coalesce(
        {{ judged_users() }} > {{ var("min_group_size") }}
        and coalesce(licensed_users - {{ judged_users() }} > {{ var("min_group_size") }}, true)
        and case
            app
            when 'teams'
            then true
            when 'suite'
            then
                case
                    when {{ judged_users() }} > largest_app
                    then apps_together > {{ judged_users() }}
                    else has_open_twin = 0
                end
            else not {{ hides_with_suite() }} or suite_has_small = 1
        end,
        false
    )
{%- endmacro %}

{# Whether the suite, were it shown, would leave the users of an app no room. #}
{% macro hides_with_suite() -%}
    (
        app not in ('suite', 'teams')
        and ({{ judged_users() }} >= suite_users or apps_together <= suite_users)
    )
{%- endmacro %}

{# Beside each app of a slice: the users of the suite, of its largest app, and of its apps added up. #}
{% macro apps_beside_suite(slice) -%}
    {%- set in_suite = "case when app not in ('suite', 'teams') then " ~ judged_users() ~ " end" -%}
    max(case when app = 'suite' then {{ judged_users() }} end) over (
        partition by {{ slice }}
    ) as suite_users,
    max({{ in_suite }}) over (partition by {{ slice }}) as largest_app,
    sum({{ in_suite }}) over (partition by {{ slice }}) as apps_together
{%- endmacro %}

{# Whether the suite has small ones in a slice, and whether an app with the same users as the suite has none. #}
{% macro twins_of_suite(line, slice) -%}
    max(case when app = 'suite' then has_small else 0 end) over (
        partition by {{ line }}
    ) as suite_has_small,
    max(
        case
            when
                app not in ('suite', 'teams')
                and {{ judged_users() }} = suite_users
                and has_small = 0
            then 1
            else 0
        end
    ) over (partition by {{ slice }}) as has_open_twin
{%- endmacro %}

{# Which departments are hidden in the lines of "grouped": those of one app, in one week or, without week, in all. #}
{# To be put after that part of the query; its end is "hidden", with is_hidden and hides_unlicensed. #}
{% macro hide_departments(week=none) -%}
    {%- set and_week = ", " ~ week if week else "" -%}
    {%- set line = "tenant_id, app" ~ and_week -%}
    {%- set slice = "tenant_id, department, is_total" ~ and_week -%}
    compared as (select *, {{ apps_beside_suite(slice) }} from grouped),

    judged as (
        select
            *,
            not is_total and {{ is_small_use() }} as is_small,
            not is_total and {{ is_small_rest() }} as is_small_rest
        from compared
    ),

    lines as (
        select
            *,
            max(case when is_small then 1 else 0 end) over (partition by {{ line }}) as has_small,
            max(case when is_small_rest then 1 else 0 end) over (
                partition by {{ line }}
            ) as has_small_rest
        from judged
    ),

    twins as (select *, {{ twins_of_suite("tenant_id" ~ and_week, slice) }} from lines),

    able as (select *, not is_total and not is_small and {{ can_cover() }} as can_cover from twins),

    -- The smallest department that can cover the small ones does.
    chosen as (
        select
            *,
            can_cover
            and has_small = 1
            and row_number() over (
                partition by {{ line }}
                order by case when can_cover then 0 else 1 end, licensed_users, department
            )
            = 1 as is_cover
        from able
    ),

    -- Where the suite and an app would give each other away, a cover of one is hidden in both.
    covers as (
        select
            *,
            max(case when is_cover then 1 else 0 end) over (partition by {{ line }}) as has_cover,
            max(case when is_cover and {{ hides_with_suite() }} then 1 else 0 end) over (
                partition by {{ slice }}
            ) as hides_suite,
            max(case when is_cover and app = 'suite' then 1 else 0 end) over (
                partition by {{ slice }}
            ) as covers_suite
        from chosen
    ),

    hidden as (
        select
            *,
            not is_total
            and has_small = 1
            and (
                is_small
                or is_cover
                or has_cover = 0
                or (app = 'suite' and hides_suite = 1)
                or (
                    app not in ('suite', 'teams')
                    and covers_suite = 1
                    and {{ judged_users() }} = suite_users
                )
            ) as is_hidden,
            not is_total and has_small_rest = 1 as hides_unlicensed
        from covers
    )
{%- endmacro %}

{# The rows of a table of apps with what of their platforms may be shown. Windows, Mac and desktop hide together, as #}
{# each of them tells about the others. A small tenant shows no platforms at all. #}
{% macro judged_platforms(table) -%}
    select
        usage.*,
        sizes.shows_splits
        {%- for platform in ["windows", "mac", "desktop"] %}
            and not {{ is_small_group("usage." ~ platform ~ "_users", "usage.active_users") }}
        {%- endfor %} as shows_desktop,
        {%- for platform in ["mobile", "web"] %}
            sizes.shows_splits
            and not {{ is_small_group("usage." ~ platform ~ "_users", "usage.active_users") }}
            as shows_{{ platform }}
            {%- if not loop.last %}, {% endif %}
        {%- endfor %}
    from {{ ref(table) }} as usage
    inner join {{ ref("int_tenant_sizes") }} as sizes on usage.tenant_id = sizes.tenant_id
{%- endmacro %}
