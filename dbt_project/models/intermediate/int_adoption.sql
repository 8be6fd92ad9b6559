{%- set apps = app_masks() -%}
-- The people who are licensed at the end of the weeks of adoption, and who of them used the app in
-- any of these weeks.
with
    weeks as (select * from {{ ref("int_adoption_weeks") }}),

    used as (
        select people.tenant_id, people.user_key, bit_or(people.used) as used
        from {{ ref("int_user_weeks") }} as people
        inner join
            weeks on people.tenant_id = weeks.tenant_id and people.week_start = weeks.week_start
        group by people.tenant_id, people.user_key
    ),

    people as (
        select spans.tenant_id, spans.user_key, coalesce(used.used, 0) as used, spans.licensed
        from {{ ref("int_license_spans") }} as spans
        inner join
            weeks on spans.tenant_id = weeks.tenant_id and weeks.week_start = weeks.last_week_start
        inner join
            {{ ref("int_usage_slices") }} as slices
            on weeks.tenant_id = slices.tenant_id
            and slices.slice_kind = 'week'
            and weeks.last_week_start = slices.slice_start
            and slices.license_day >= spans.valid_from
            and slices.license_day < spans.valid_to
        left join used on spans.user_key = used.user_key
    ),

    alike as (
        select
            people.tenant_id,
            coalesce(departments.department, 'Unknown department') as department,
            people.used,
            people.licensed,
            count(*) as people
        from people
        left join
            {{ ref("int_departments") }} as departments
            on people.tenant_id = departments.tenant_id
            and people.user_key = departments.user_key
        group by
            people.tenant_id,
            coalesce(departments.department, 'Unknown department'),
            people.used,
            people.licensed
    ),

    by_app as (
        {% for app, mask in apps.items() %}
            select
                tenant_id,
                department,
                '{{ app }}' as app,
                people,
                {{ has_app("used", mask) }} as is_active,
                {{ has_app("licensed", mask) }} as is_licensed
            from alike
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    counts as (
        select
            tenant_id,
            app,
            case when grouping(department) = 1 then 'All' else department end as department,
            cast(sum(case when is_licensed then people else 0 end) as bigint) as licensed_users,
            cast(
                sum(case when is_licensed and is_active then people else 0 end) as bigint
            ) as active_users
        from by_app
        group by grouping sets ((tenant_id, app, department), (tenant_id, app))
    )

select
    lines.tenant_id,
    lines.app,
    lines.department,
    lines.is_total,
    case when lines.knows_licenses then coalesce(counts.licensed_users, 0) end as licensed_users,
    case when lines.knows_licenses then coalesce(counts.active_users, 0) end as active_users
from {{ ref("int_usage_lines") }} as lines
inner join weeks on lines.tenant_id = weeks.tenant_id and weeks.week_start = weeks.last_week_start
left join
    counts
    on lines.tenant_id = counts.tenant_id
    and lines.app = counts.app
    and lines.department = counts.department
