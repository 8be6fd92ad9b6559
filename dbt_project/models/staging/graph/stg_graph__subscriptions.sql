select
    tenant_id,
    observed_on,
    observed_at,
    subscription_id,
    commerce_subscription_id,
    lower(sku_id) as sku_id,
    sku_part_number,
    status,
    is_trial,
    total_licenses,
    created_at,
    next_lifecycle_at,
    {{ utc_date("next_lifecycle_at") }} as next_lifecycle_on
from {{ source("raw", "subscriptions") }}
