{%- set apps = app_masks() -%}
-- Few rows are left to be split by app.
with
    by_app as (
        {% for app, mask in apps.items() %}
            select
                tenant_id,
                week_start,
                department,
                '{{ app }}' as app,
                people,
                {{ has_app("used", mask) }} as is_active,
                {{ has_app("licensed", mask) }} as is_licensed
            from {{ ref("int_week_groups") }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    counts as (
        select
            tenant_id,
            week_start,
            app,
            case when grouping(department) = 1 then 'All' else department end as department,
            cast(sum(case when is_active then people else 0 end) as bigint) as active_users,
            cast(sum(case when is_licensed then people else 0 end) as bigint) as licensed_users,
            cast(
                sum(case when is_active and is_licensed then people else 0 end) as bigint
            ) as licensed_active_users
        from by_app
        group by
            grouping sets ((tenant_id, week_start, app, department), (tenant_id, week_start, app))
    )

select
    lines.tenant_id,
    lines.app,
    lines.department,
    lines.is_total,
    weeks.slice_start as week_start,
    weeks.slice_end as week_end,
    case when weeks.counted_days > 0 then coalesce(counts.active_users, 0) end as active_users,
    case when lines.knows_licenses then coalesce(counts.licensed_users, 0) end as licensed_users,
    case
        when lines.knows_licenses and weeks.knows_people and weeks.counted_days > 0
        then coalesce(counts.licensed_active_users, 0)
    end as licensed_active_users
from {{ ref("int_usage_lines") }} as lines
inner join
    {{ ref("int_usage_slices") }} as weeks
    on lines.tenant_id = weeks.tenant_id
    and weeks.slice_kind = 'week'
    and (lines.is_total or weeks.knows_people)
left join
    counts
    on lines.tenant_id = counts.tenant_id
    and lines.app = counts.app
    and lines.department = counts.department
    and weeks.slice_start = counts.week_start
