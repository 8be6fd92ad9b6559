-- The people of a window are those of its person rows: nobody is added up twice.
{{
    config(
        meta={
            "description": "The people of a window are those of its person rows: nobody is added up twice.",
            "dagster": {"ref": {"name": "app_usage_28d"}},
        }
    )
}}
with
    people as (
        select tenant_id, app, count(*) as active_users, sum(user_days) as user_days
        from {{ ref("user_app_usage_28d") }}
        group by tenant_id, app
    )

select usage.tenant_id, usage.app, usage.active_users, people.active_users as people
from {{ ref("app_usage_28d") }} as usage
left join people on usage.tenant_id = people.tenant_id and usage.app = people.app
where
    usage.active_users <> coalesce(people.active_users, 0)
    or people.user_days > usage.user_days
    or (usage.identity_basis = 'named' and coalesce(people.user_days, 0) <> usage.user_days)
