{%- set apps = app_masks() -%}
{%- set fields = usage_windows() | map(attribute="field") | list -%}
-- Everybody is counted once per department and once more in the total: nobody adds distinct counts.
with
    licensed as (
        select people.tenant_id, people.user_key, people.licensed
        from {{ ref("int_licensed_people") }} as people
        inner join
            {{ ref("int_usage_slices") }} as slices
            on people.tenant_id = slices.tenant_id
            and people.license_day = slices.license_day
        where slices.slice_kind = 'window' and slices.field = 0
    ),

    people as (
        select
            coalesce(used.tenant_id, licensed.tenant_id) as tenant_id,
            coalesce(used.user_key, licensed.user_key) as user_key,
            coalesce(licensed.licensed, 0) as licensed,
            {% for app in apps %}
                coalesce(used.{{ app }}_days, 0) as {{ app }}_days
                {%- if not loop.last %}, {% endif %}
            {% endfor %}
        from {{ ref("int_user_window_days") }} as used
        full outer join
            licensed on used.tenant_id = licensed.tenant_id and used.user_key = licensed.user_key
    ),

    -- One row per department, with a column for each figure of each app and window: splitting
    -- people by
    -- app and window first would make some fifty rows of each.
    departments as (
        select
            people.tenant_id,
            coalesce(departments.department, 'Unknown department') as department,
            {% for app, mask in apps.items() %}
                {%- set is_licensed = has_app("people.licensed", mask) -%}
                {% for field in fields %}
                    {%- set days = field_of("people." ~ app ~ "_days", field) -%}
                    count(case when {{ days }} > 0 then 1 end) as {{ app }}_active_{{ field }},
                    sum({{ days }}) as {{ app }}_days_{{ field }},
                    count(
                        case when {{ days }} > 0 and {{ is_licensed }} then 1 end
                    ) as {{ app }}_both_{{ field }},
                {% endfor %}
                count(case when {{ is_licensed }} then 1 end) as {{ app }}_licensed
                {%- if not loop.last %}, {% endif %}
            {% endfor %}
        from people
        left join
            {{ ref("int_departments") }} as departments on people.user_key = departments.user_key
        group by people.tenant_id, coalesce(departments.department, 'Unknown department')
    ),

    by_window as (
        {% for app in apps %}
            {%- set last_app = loop.last -%}
            {% for field in fields %}
                select
                    tenant_id,
                    department,
                    '{{ app }}' as app,
                    {{ field }} as field,
                    {{ app }}_active_{{ field }} as active_users,
                    {{ app }}_days_{{ field }} as user_days,
                    {{ app }}_licensed as licensed_users,
                    {{ app }}_both_{{ field }} as licensed_active_users
                from departments
                {% if not (last_app and loop.last) %}
                    union all
                {% endif %}
            {% endfor %}
        {% endfor %}
    ),

    -- Everybody is in one department.
    counts as (
        select
            tenant_id,
            app,
            field,
            case when grouping(department) = 1 then 'All' else department end as department,
            cast(sum(active_users) as bigint) as active_users,
            cast(sum(user_days) as bigint) as user_days,
            cast(sum(licensed_users) as bigint) as licensed_users,
            cast(sum(licensed_active_users) as bigint) as licensed_active_users
        from by_window
        group by grouping sets ((tenant_id, app, field, department), (tenant_id, app, field))
    ),

    -- What is used on days that cannot tell people apart is use all the same.
    all_user_days as (
        select
            slices.tenant_id,
            all_days.app,
            slices.field,
            cast(sum(all_days.active_users) as bigint) as user_days
        from {{ ref("int_usage_slices") }} as slices
        inner join
            {{ ref("int_app_days") }} as all_days
            on slices.tenant_id = all_days.tenant_id
            and all_days.report_date >= slices.slice_start
            and all_days.report_date <= slices.slice_end
        where slices.slice_kind = 'window' and (slices.day_kind = 'all' or all_days.is_weekday)
        group by slices.tenant_id, all_days.app, slices.field
    )

select
    lines.tenant_id,
    lines.app,
    lines.department,
    lines.is_total,
    slices.window_days,
    slices.day_kind,
    case when slices.counted_days > 0 then coalesce(counts.active_users, 0) end as active_users,
    case
        when lines.is_total
        then all_user_days.user_days
        when slices.counted_days > 0
        then coalesce(counts.user_days, 0)
    end as user_days,
    case when slices.counted_days > 0 then coalesce(counts.user_days, 0) end as counted_user_days,
    case when lines.knows_licenses then coalesce(counts.licensed_users, 0) end as licensed_users,
    case
        when lines.knows_licenses and slices.knows_people and slices.counted_days > 0
        then coalesce(counts.licensed_active_users, 0)
    end as licensed_active_users
from {{ ref("int_usage_lines") }} as lines
inner join
    {{ ref("int_usage_slices") }} as slices
    on lines.tenant_id = slices.tenant_id
    and slices.slice_kind = 'window'
    and (lines.is_total or slices.knows_people)
left join
    counts
    on lines.tenant_id = counts.tenant_id
    and lines.app = counts.app
    and lines.department = counts.department
    and slices.field = counts.field
left join
    all_user_days
    on lines.tenant_id = all_user_days.tenant_id
    and lines.app = all_user_days.app
    and slices.field = all_user_days.field
