select
    tenant_id,
    user_key,
    user_id,
    observed_at,
    observed_on,
    user_principal_name,
    original_upn,
    lower(original_upn) as upn,
    display_name,
    department,
    user_type,
    deleted_at,
    {{ utc_date("deleted_at") }} as deleted_on
from {{ source("raw", "deleted_users") }}
