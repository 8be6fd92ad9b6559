{{ config(alias="license_inventory_daily") }}
select
    tenant_id,
    sku_id,
    observed_on,
    sku_part_number,
    product_name,
    applies_to,
    capability_status,
    assigned,
    enabled,
    warning,
    suspended,
    locked_out,
    unassigned,
    over_assigned,
    assigned_on_expired
from {{ ref("license_inventory_daily") }}
