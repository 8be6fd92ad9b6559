{%- set apps = app_masks() -%}
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

    by_app as (
        {% for app, mask in apps.items() %}
            select
                people.tenant_id,
                '{{ app }}' as app,
                coalesce(departments.department, 'Unknown department') as department,
                people.{{ app }}_days as packed_days,
                {{ has_app("people.licensed", mask) }} as is_licensed
            from people
            left join
                {{ ref("int_departments") }} as departments
                on people.tenant_id = departments.tenant_id
                and people.user_key = departments.user_key
            where people.{{ app }}_days > 0 or {{ has_app("people.licensed", mask) }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    by_window as (
        select
            by_app.tenant_id,
            by_app.app,
            by_app.department,
            slices.field,
            by_app.is_licensed,
            {{ field_of("by_app.packed_days", "slices.field") }} as user_days
        from by_app
        inner join
            {{ ref("int_usage_slices") }} as slices
            on by_app.tenant_id = slices.tenant_id
            and slices.slice_kind = 'window'
    ),

    counts as (
        select
            tenant_id,
            app,
            field,
            case when grouping(department) = 1 then 'All' else department end as department,
            count(case when user_days > 0 then 1 end) as active_users,
            cast(sum(user_days) as bigint) as user_days,
            count(case when is_licensed then 1 end) as licensed_users,
            count(case when is_licensed and user_days > 0 then 1 end) as licensed_active_users
        from by_window
        group by grouping sets ((tenant_id, app, field, department), (tenant_id, app, field))
    ),

    -- What is used on days that cannot tell people apart is use all the same.
    all_days as (
        select tenant_id, app, report_date, is_weekday, active_users
        from {{ ref("int_app_days") }}
        union all
        select tenant_id, 'suite' as app, report_date, is_weekday, active_users
        from {{ ref("int_suite_days") }}
    ),

    all_user_days as (
        select
            slices.tenant_id,
            all_days.app,
            slices.field,
            cast(sum(all_days.active_users) as bigint) as user_days
        from {{ ref("int_usage_slices") }} as slices
        inner join
            all_days
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
