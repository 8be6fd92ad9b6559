-- A unit is freed when somebody who held the product, in whatever way, is seen without it after the
-- step. Two steps that free it together (direct, and through a group) have freed it once.
with
    holdings as (
        select distinct tenant_id, user_key, observed_at, sku_id
        from {{ ref("stg_graph__user_licenses") }}
        where coalesce(state, 'Active') in ('Active', 'ActiveWithError')
    ),

    steps as (
        select
            steps.tenant_id,
            steps.plan_digest,
            steps.step_id,
            steps.user_key,
            steps.begun_at,
            skus.sku_id
        from {{ ref("int_action_steps") }} as steps
        inner join
            {{ ref("int_action_skus") }} as skus
            on steps.tenant_id = skus.tenant_id
            and steps.plan_digest = skus.plan_digest
            and steps.step_id = skus.step_id
        where
            steps.done_at is not null
            and steps.user_key is not null
            and steps.action in ('remove_license', 'remove_group_membership')
    ),

    before as (
        select
            steps.tenant_id,
            steps.plan_digest,
            steps.step_id,
            steps.user_key,
            steps.sku_id,
            max(users.observed_at) as observed_at
        from steps
        inner join
            {{ ref("stg_graph__users") }} as users
            on steps.tenant_id = users.tenant_id
            and steps.user_key = users.user_key
            and steps.begun_at >= users.observed_at
        group by steps.tenant_id, steps.plan_digest, steps.step_id, steps.user_key, steps.sku_id
    ),

    -- What no read had seen held before the step saves nothing that is known.
    held as (
        select before.tenant_id, before.plan_digest, before.step_id, before.user_key, before.sku_id
        from before
        inner join
            holdings
            on before.tenant_id = holdings.tenant_id
            and before.user_key = holdings.user_key
            and before.observed_at = holdings.observed_at
            and before.sku_id = holdings.sku_id
    ),

    looks as (
        select
            held.tenant_id,
            held.plan_digest,
            held.step_id,
            held.user_key,
            held.sku_id,
            sights.seen_at,
            sights.seen_on,
            holdings.sku_id is not null and sights.is_present as is_held,
            min(
                case when holdings.sku_id is null or not sights.is_present then sights.seen_at end
            ) over (partition by held.tenant_id, held.plan_digest, held.step_id, held.sku_id)
            as freed_at
        from held
        inner join
            {{ ref("int_action_sights") }} as sights
            on held.tenant_id = sights.tenant_id
            and held.plan_digest = sights.plan_digest
            and held.step_id = sights.step_id
        left join
            holdings
            on sights.tenant_id = holdings.tenant_id
            and sights.user_key = holdings.user_key
            and sights.observed_at = holdings.observed_at
            and held.sku_id = holdings.sku_id
    ),

    freed as (
        select
            tenant_id,
            plan_digest,
            step_id,
            user_key,
            sku_id,
            min(case when seen_at = freed_at then seen_on end) as freed_on,
            min(case when is_held and seen_at > freed_at then seen_on end) as held_again_on
        from looks
        where freed_at is not null
        group by tenant_id, plan_digest, step_id, user_key, sku_id
    )

select
    tenant_id,
    user_key,
    sku_id,
    freed_on,
    coalesce(min(held_again_on), {{ last_day() }}) as held_again_on,
    count(*) as steps
from freed
group by tenant_id, user_key, sku_id, freed_on
