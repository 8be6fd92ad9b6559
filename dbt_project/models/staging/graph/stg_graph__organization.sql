select
    tenant_id,
    observed_on,
    observed_at,
    organization_id,
    display_name,
    default_domain,
    initial_domain,
    country_letter_code,
    created_at
from {{ source("raw", "organization") }}
