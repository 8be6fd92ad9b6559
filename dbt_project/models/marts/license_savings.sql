-- A licence that is held twice over saves nothing, and what is free or on trial costs nothing.
with
    reclaimable as (
        select
            tenant_id,
            sku_id,
            count(case when reason <> 'duplicate_assignment' then 1 end) as licenses,
            count(case when reason = 'disabled' then 1 end) as disabled,
            count(case when reason = 'never_used' then 1 end) as never_used,
            count(case when reason = 'idle' then 1 end) as idle,
            count(case when reason = 'overlapping_sku' then 1 end) as overlapping_sku,
            count(case when reason = 'duplicate_assignment' then 1 end) as duplicate_assignment
        from {{ ref("int_judged_licenses") }}
        where is_current
        group by tenant_id, sku_id
    ),

    units as (
        select
            inventory.tenant_id,
            inventory.sku_id,
            inventory.product_name,
            inventory.assigned,
            inventory.enabled,
            inventory.unassigned,
            coalesce(reclaimable.licenses, 0) as reclaimable,
            coalesce(reclaimable.disabled, 0) as disabled,
            coalesce(reclaimable.never_used, 0) as never_used,
            coalesce(reclaimable.idle, 0) as idle,
            coalesce(reclaimable.overlapping_sku, 0) as overlapping_sku,
            coalesce(reclaimable.duplicate_assignment, 0) as duplicate_assignment,
            inventory.unassigned + coalesce(reclaimable.licenses, 0) as exposure_units,
            least(
                coalesce(reclaimable.licenses, 0),
                greatest(
                    inventory.enabled
                    + inventory.warning
                    - inventory.assigned
                    + coalesce(reclaimable.licenses, 0),
                    0
                )
            ) as reassignable_units,
            greatest(
                least(
                    inventory.enabled - inventory.assigned + coalesce(reclaimable.licenses, 0),
                    inventory.enabled
                ),
                0
            ) as reducible_units,
            inventory.renewal_date,
            inventory.unit_price,
            inventory.currency
        from {{ ref("license_inventory") }} as inventory
        left join
            reclaimable
            on inventory.tenant_id = reclaimable.tenant_id
            and inventory.sku_id = reclaimable.sku_id
        where
            inventory.applies_to = 'User'
            and not inventory.is_free
            and not coalesce(inventory.is_trial, false)
    )

select
    tenant_id,
    sku_id,
    product_name,
    cast(unassigned as bigint) as unassigned,
    reclaimable,
    disabled,
    never_used,
    idle,
    overlapping_sku,
    duplicate_assignment,
    cast(exposure_units as bigint) as exposure_units,
    cast(reassignable_units as bigint) as reassignable_units,
    cast(reducible_units as bigint) as reducible_units,
    renewal_date,
    cast(exposure_units * unit_price as decimal(18, 2)) as exposure,
    cast(reassignable_units * unit_price as decimal(18, 2)) as reassignable,
    cast(
        case when renewal_date is not null then reducible_units * unit_price end as decimal(18, 2)
    ) as reducible_at_renewal,
    currency,
    false as is_suppressed
from units
