select
    tenant_id,
    user_key,
    observed_at,
    lower(sku_id) as sku_id,
    assigned_by_group,
    state,
    error,
    last_updated_at,
    {{ utc_date("last_updated_at") }} as last_updated_on,
    disabled_plans
from {{ source("raw", "user_licenses") }}
