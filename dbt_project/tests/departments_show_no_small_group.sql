-- Nothing that is shared of a department is a small group, tells of one, or says more than its row:
-- no small tenant has departments, and a mean of weeks is not shown beside all of its weeks but
-- one.
{{
    config(
        meta={
            "description": "No table by department shows a group too small to be shown.",
            "dagster": {"ref": {"name": "shareable__adoption_by_department"}},
        }
    )
}}
{% set largest = var("min_group_size") - 1 %}
with
    rows_shown as (
        select
            'app_usage_windows' as table_name,
            tenant_id,
            app,
            department,
            cast(window_end as varchar(10)) as slice,
            active_users,
            licensed_users,
            licensed_active_users,
            licensed_active_users is null
            and active_rate is not null
            or active_users is null
            and (
                user_days is not null
                or avg_days_per_user is not null
                or avg_daily_users is not null
            ) as says_more
        from {{ ref("shareable__app_usage_windows") }}
        where not is_total
        union all
        select
            'usage_weekly' as table_name,
            tenant_id,
            app,
            department,
            cast(week_start as varchar(10)) as slice,
            active_users,
            licensed_users,
            licensed_active_users,
            licensed_active_users is null and active_rate is not null as says_more
        from {{ ref("shareable__usage_weekly") }}
        where not is_total
        union all
        select
            'adoption_by_department' as table_name,
            adoption.tenant_id,
            adoption.app,
            adoption.department,
            cast(adoption.first_week_start as varchar(10)) as slice,
            cast(null as bigint) as active_users,
            adoption.licensed_users,
            adoption.active_users as licensed_active_users,
            adoption.adoption_rate is not null
            and (adoption.active_users is null or hidden_weeks.weeks > 0) as says_more
        from {{ ref("shareable__adoption_by_department") }} as adoption
        left join
            (
                select usage.tenant_id, usage.app, usage.department, count(*) as weeks
                from {{ ref("shareable__usage_weekly") }} as usage
                inner join
                    {{ ref("int_adoption_weeks") }} as weeks
                    on usage.tenant_id = weeks.tenant_id
                    and usage.week_start = weeks.week_start
                where not usage.is_total and usage.licensed_active_users is null
                group by usage.tenant_id, usage.app, usage.department
            ) as hidden_weeks
            on adoption.tenant_id = hidden_weeks.tenant_id
            and adoption.app = hidden_weeks.app
            and adoption.department = hidden_weeks.department
        where not adoption.is_total
        union all
        select
            'usage_depth' as table_name,
            depth.tenant_id,
            depth.band as app,
            depth.department,
            cast(depth.window_end as varchar(10)) as slice,
            depth.people as active_users,
            cast(null as bigint) as licensed_users,
            cast(null as bigint) as licensed_active_users,
            depth.people is not null
            and (
                windows.is_hidden
                or windows.active_users - windows.licensed_active_users between 1 and {{ largest }}
            ) as says_more
        from {{ ref("shareable__usage_depth") }} as depth
        inner join
            {{ ref("int_shared_windows") }} as windows
            on depth.tenant_id = windows.tenant_id
            and depth.department = windows.department
            and depth.is_total = windows.is_total
            and windows.app = 'suite'
            and windows.window_days = 28
            and windows.day_kind = 'all'
        where not depth.is_total
    )

select rows_shown.*
from rows_shown
inner join {{ ref("int_tenant_sizes") }} as sizes on rows_shown.tenant_id = sizes.tenant_id
where
    not sizes.shows_splits
    or rows_shown.says_more
    or rows_shown.active_users between 1 and {{ largest }}
    or rows_shown.licensed_active_users between 1 and {{ largest }}
    or rows_shown.licensed_users - rows_shown.licensed_active_users between 1 and {{ largest }}
    or rows_shown.active_users - rows_shown.licensed_active_users between 1 and {{ largest }}
