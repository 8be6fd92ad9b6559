-- The plans of a SKU are those of the newest answer that named any; of a SKU whose plans the tenant
-- never named, as in a list exported by hand, those that Microsoft's table gives. A companion plan
-- counts in a SKU that has a plan of its own, even where that one is switched off for the person.
with
    answers as (
        select
            tenant_id,
            sku_id,
            lower(service_plan_id) as service_plan_id,
            rank() over (partition by tenant_id, sku_id order by observed_on desc) as recency
        from {{ ref("stg_graph__sku_service_plans") }}
    ),

    skus as (
        select tenant_id, sku_id
        from {{ ref("stg_graph__subscribed_skus") }}
        union
        select tenant_id, sku_id
        from {{ ref("stg_graph__user_licenses") }}
    ),

    plans as (
        select tenant_id, sku_id, service_plan_id
        from answers
        where recency = 1
        union all
        select skus.tenant_id, skus.sku_id, known.service_plan_id
        from skus
        inner join {{ ref("known_sku_plans") }} as known on skus.sku_id = known.sku_id
        left join
            answers
            on skus.tenant_id = answers.tenant_id
            and skus.sku_id = answers.sku_id
            and answers.recency = 1
        where answers.sku_id is null
    ),

    plan_apps as (
        select
            plans.tenant_id,
            plans.sku_id,
            plans.service_plan_id,
            apps.app,
            apps.has_desktop,
            apps.has_web,
            apps.has_mobile,
            apps.is_companion,
            min(case when apps.is_companion then 1 else 0 end) over (
                partition by plans.tenant_id, plans.sku_id
            )
            = 1 as has_companions_only
        from plans
        inner join
            {{ ref("service_plan_apps") }} as apps on plans.service_plan_id = apps.service_plan_id
    ),

    -- As held by somebody, and as sold, with every plan switched on.
    variants as (
        select tenant_id, sku_id, entitlement_key, switched_off
        from {{ ref("stg_graph__user_licenses") }}
        union
        select
            tenant_id,
            sku_id,
            {{ entitlement_key("tenant_id", "sku_id") }} as entitlement_key,
            '' as switched_off
        from plans
    )

select
    variants.entitlement_key,
    variants.tenant_id,
    variants.sku_id,
    plan_apps.app,
    max(case when plan_apps.has_desktop then 1 else 0 end) = 1 as has_desktop,
    max(case when plan_apps.has_web then 1 else 0 end) = 1 as has_web,
    max(case when plan_apps.has_mobile then 1 else 0 end) = 1 as has_mobile
from variants
inner join
    plan_apps
    on variants.tenant_id = plan_apps.tenant_id
    and variants.sku_id = plan_apps.sku_id
    and position(plan_apps.service_plan_id in variants.switched_off) = 0
where not plan_apps.has_companions_only
group by variants.entitlement_key, variants.tenant_id, variants.sku_id, plan_apps.app
