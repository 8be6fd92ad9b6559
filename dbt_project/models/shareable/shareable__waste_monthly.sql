{{ config(alias="waste_monthly") }}
-- One month follows from the next by what came and went, so those who use their licence again are
-- never shown: without them a hidden month cannot be worked out.
with
    judged as (
        select
            waste.*,
            not sizes.shows_splits
            or {{ is_small_group("waste.reclaimable", "waste.holders") }}
            or {{ is_small_group("waste.new_waste", "waste.new_waste") }}
            or {{ is_small_group("waste.realised", "waste.realised") }} as hides_use
        from {{ ref("waste_monthly") }} as waste
        inner join {{ ref("int_tenant_sizes") }} as sizes on waste.tenant_id = sizes.tenant_id
    )

select
    tenant_id,
    sku_id,
    waste_month,
    judged_on,
    is_complete,
    product_name,
    holders,
    case when not hides_use then reclaimable end as reclaimable,
    case when not hides_use then new_waste end as new_waste,
    case when not hides_use then realised end as realised,
    cast(null as bigint) as used_again,
    case when not hides_use then reclaimable_monthly_cost end as reclaimable_monthly_cost,
    case when not hides_use then new_waste_monthly_cost end as new_waste_monthly_cost,
    case when not hides_use then realised_monthly_saving end as realised_monthly_saving,
    currency,
    hides_use as is_suppressed
from judged
