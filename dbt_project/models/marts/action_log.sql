select
    steps.tenant_id,
    steps.plan_id,
    steps.plan_digest,
    steps.step_id,
    steps.source,
    steps.action,
    steps.user_key,
    steps.user_id,
    steps.user_principal_name,
    inventory.sku_id,
    inventory.product_name,
    steps.group_id,
    steps.reason,
    steps.outcome,
    steps.detail,
    steps.attempts,
    steps.first_at as started_at,
    steps.last_at as ended_at,
    steps.done_at,
    confirmations.confirmed_on,
    case
        when steps.done_at is null or confirmations.last_seen_on is null
        then null
        else confirmations.confirmed_on is not null and confirmations.reversed_on is null
    end as is_confirmed,
    confirmations.reversed_on,
    cast(steps.monthly_saving as decimal(18, 2)) as planned_monthly_saving,
    steps.currency,
    steps.os_user,
    steps.host,
    steps.client_id,
    steps.request_id,
    steps.state_before,
    steps.state_after,
    steps.undo
from {{ ref("int_action_steps") }} as steps
left join
    {{ ref("int_action_confirmations") }} as confirmations
    on steps.tenant_id = confirmations.tenant_id
    and steps.plan_digest = confirmations.plan_digest
    and steps.step_id = confirmations.step_id
-- A step about one product names it; a group may give several.
left join
    (
        select
            skus.tenant_id,
            skus.plan_digest,
            skus.step_id,
            max(skus.sku_id) as sku_id,
            max(coalesce(names.product_name, skus.sku_id)) as product_name
        from {{ ref("int_action_skus") }} as skus
        left join
            {{ ref("license_inventory") }} as names
            on skus.tenant_id = names.tenant_id
            and skus.sku_id = names.sku_id
        group by skus.tenant_id, skus.plan_digest, skus.step_id
        having count(*) = 1
    ) as inventory
    on steps.tenant_id = inventory.tenant_id
    and steps.plan_digest = inventory.plan_digest
    and steps.step_id = inventory.step_id
