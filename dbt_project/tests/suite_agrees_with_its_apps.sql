-- App-days are the five apps added up; people are at least those of the largest app, and at most as
-- many as the apps together.
{{
    config(
        meta={
            "description": "App-days are the sum of the five apps; people are at least those of the largest app.",
            "dagster": {"ref": {"name": "suite_usage_daily"}},
        }
    )
}}
with
    by_app as (
        select
            'day ' || cast(report_date as varchar(10)) as slice,
            usage.tenant_id,
            sum(usage.active_users) as user_days,
            max(usage.active_users) as largest,
            sum(usage.active_users) as together
        from {{ ref("app_usage_daily") }} as usage
        inner join {{ ref("apps") }} as apps on usage.app = apps.app
        where apps.in_suite
        group by usage.tenant_id, usage.report_date
        union all
        select
            'window' as slice,
            usage.tenant_id,
            sum(usage.user_days) as user_days,
            max(usage.active_users) as largest,
            sum(usage.active_users) as together
        from {{ ref("app_usage_28d") }} as usage
        inner join {{ ref("apps") }} as apps on usage.app = apps.app
        where apps.in_suite
        group by usage.tenant_id
    ),

    suite as (
        select
            'day ' || cast(report_date as varchar(10)) as slice,
            tenant_id,
            active_users,
            app_user_days
        from {{ ref("suite_usage_daily") }}
        union all
        select 'window' as slice, tenant_id, active_users, app_user_days
        from {{ ref("suite_usage_28d") }}
    )

select suite.*, by_app.user_days, by_app.largest, by_app.together
from suite
left join by_app on suite.tenant_id = by_app.tenant_id and suite.slice = by_app.slice
where
    by_app.slice is null
    or coalesce(suite.app_user_days, -1) <> coalesce(by_app.user_days, -1)
    or suite.active_users < by_app.largest
    or suite.active_users > by_app.together
