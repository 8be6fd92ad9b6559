-- The figures of each observed day: 0 where nobody used the app. Days without data are not here.
with
    counts as (
        select
            tenant_id,
            report_date,
            app,
            cast(sum(people) as bigint) as active_users,
            {% for platform in ["windows", "mac", "desktop", "mobile", "web"] %}
                cast(
                    sum(case when {{ used_on("bits", platform) }} then people else 0 end) as bigint
                ) as {{ platform }}_users
                {%- if not loop.last %}, {% endif %}
            {% endfor %}
        from {{ ref("int_app_day_counts") }}
        group by tenant_id, report_date, app
    )

select
    days.tenant_id,
    days.report_date,
    apps.app,
    apps.in_suite,
    days.is_weekday,
    coalesce(counts.active_users, 0) as active_users,
    coalesce(unknown.unknown_users, 0) as unknown_users,
    coalesce(counts.windows_users, 0) as windows_users,
    coalesce(counts.mac_users, 0) as mac_users,
    coalesce(counts.desktop_users, 0) as desktop_users,
    coalesce(counts.mobile_users, 0) as mobile_users,
    coalesce(counts.web_users, 0) as web_users
from {{ ref("int_report_days") }} as days
cross join {{ ref("seed_apps") }} as apps
left join
    counts
    on days.tenant_id = counts.tenant_id
    and days.report_date = counts.report_date
    and apps.app = counts.app
left join
    {{ ref("int_unknown_app_day_counts") }} as unknown
    on days.tenant_id = unknown.tenant_id
    and days.report_date = unknown.report_date
    and apps.app = unknown.app
where days.is_observed
