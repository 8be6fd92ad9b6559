-- The figures of each observed day: 0 where nobody used the suite. Days without data are not here.
with
    app_user_days as (
        select tenant_id, report_date, cast(sum(active_users) as bigint) as app_user_days
        from {{ ref("int_app_days") }}
        where in_suite
        group by tenant_id, report_date
    )

select
    days.tenant_id,
    days.report_date,
    days.is_weekday,
    coalesce(counts.people, 0) as active_users,
    coalesce(unknown.unknown_users, 0) as unknown_users,
    coalesce(app_user_days.app_user_days, 0) as app_user_days
from {{ ref("int_report_days") }} as days
left join
    {{ ref("int_suite_day_counts") }} as counts
    on days.tenant_id = counts.tenant_id
    and days.report_date = counts.report_date
left join
    {{ ref("int_unknown_suite_day_counts") }} as unknown
    on days.tenant_id = unknown.tenant_id
    and days.report_date = unknown.report_date
left join
    app_user_days
    on days.tenant_id = app_user_days.tenant_id
    and days.report_date = app_user_days.report_date
where days.is_observed
