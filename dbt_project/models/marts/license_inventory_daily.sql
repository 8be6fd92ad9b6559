select
    counts.tenant_id,
    counts.sku_id,
    counts.observed_on,
    counts.sku_part_number,
    skus.product_name,
    counts.applies_to,
    counts.capability_status,
    counts.assigned,
    counts.enabled,
    counts.warning,
    counts.suspended,
    counts.locked_out,
    counts.unassigned,
    counts.over_assigned,
    counts.assigned_on_expired
from {{ ref("int_license_counts") }} as counts
inner join
    {{ ref("int_skus") }} as skus
    on counts.tenant_id = skus.tenant_id
    and counts.sku_id = skus.sku_id
