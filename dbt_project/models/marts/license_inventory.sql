select
    counts.tenant_id,
    counts.sku_id,
    counts.sku_part_number,
    skus.product_name,
    counts.applies_to,
    counts.capability_status,
    counts.observed_on,
    counts.assigned,
    counts.enabled,
    counts.warning,
    counts.suspended,
    counts.locked_out,
    counts.unassigned,
    counts.over_assigned,
    counts.assigned_on_expired,
    skus.renewal_date,
    skus.is_trial,
    skus.is_self_service,
    skus.is_free,
    counts.enabled >= 10000 and skus.monthly_price is null and not skus.is_free as looks_unlimited,
    skus.monthly_price as unit_price,
    skus.currency
from {{ ref("int_license_counts") }} as counts
inner join
    {{ ref("int_skus") }} as skus
    on counts.tenant_id = skus.tenant_id
    and counts.sku_id = skus.sku_id
where counts.is_newest
