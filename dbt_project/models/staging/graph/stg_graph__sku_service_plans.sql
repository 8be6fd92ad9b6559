select
    tenant_id,
    observed_on,
    lower(sku_id) as sku_id,
    service_plan_id,
    service_plan_name,
    provisioning_status,
    applies_to
from {{ source("raw", "sku_service_plans") }}
