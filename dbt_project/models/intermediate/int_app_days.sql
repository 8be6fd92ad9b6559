{%- set platforms = ["windows", "mac", "desktop", "mobile", "web"] -%}
-- The figures of each observed day: 0 where nobody used the app. Days without data are not here.
with
    counts as (
        select
            tenant_id,
            report_date,
            app,
            cast(sum(people) as bigint) as active_users,
            {% for platform in platforms %}
                cast(
                    sum(case when {{ used_on("bits", platform) }} then people else 0 end) as bigint
                ) as {{ platform }}_users
                {%- if not loop.last %}, {% endif %}
            {% endfor %}
        from {{ ref("int_app_day_counts") }}
        group by tenant_id, report_date, app
    ),

    unknown as (
        {% for app in packed_apps() + ["suite"] %}
            select
                tenant_id,
                report_date,
                '{{ app }}' as app,
                cast(sum(user_rows) as bigint) as unknown_users
            from {{ ref("stg_graph__m365_app_unknown_days") }}
            where {{ is_suite_used() if app == "suite" else is_used(app) }}
            group by tenant_id, report_date
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select
    days.tenant_id,
    days.report_date,
    apps.app,
    apps.in_suite,
    days.is_weekday,
    coalesce(counts.active_users, 0) as active_users,
    coalesce(unknown.unknown_users, 0) as unknown_users,
    {% for platform in platforms %}
        case
            when apps.app <> 'suite' then coalesce(counts.{{ platform }}_users, 0)
        end as {{ platform }}_users
        {%- if not loop.last %}, {% endif %}
    {% endfor %}
from {{ ref("int_report_days") }} as days
cross join {{ apps_and_suite() }} as apps
left join
    counts
    on days.tenant_id = counts.tenant_id
    and days.report_date = counts.report_date
    and apps.app = counts.app
left join
    unknown
    on days.tenant_id = unknown.tenant_id
    and days.report_date = unknown.report_date
    and apps.app = unknown.app
where days.is_observed
