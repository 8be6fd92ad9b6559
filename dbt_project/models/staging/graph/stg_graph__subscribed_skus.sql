select
    tenant_id,
    observed_on,
    observed_at,
    lower(sku_id) as sku_id,
    sku_part_number,
    applies_to,
    capability_status,
    consumed_units,
    enabled,
    suspended,
    warning,
    locked_out,
    subscription_ids
from {{ source("raw", "subscribed_skus") }}
