{{ config(alias="license_inventory") }}
select
    tenant_id,
    sku_id,
    sku_part_number,
    product_name,
    applies_to,
    capability_status,
    observed_on,
    assigned,
    enabled,
    warning,
    suspended,
    locked_out,
    unassigned,
    over_assigned,
    assigned_on_expired,
    renewal_date,
    is_trial,
    is_free,
    unit_price,
    currency
from {{ ref("license_inventory") }}
