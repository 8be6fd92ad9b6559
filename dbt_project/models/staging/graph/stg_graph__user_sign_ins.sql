select
    tenant_id,
    user_key,
    observed_at,
    last_sign_in_at,
    last_non_interactive_sign_in_at,
    last_successful_sign_in_at
from {{ source("raw", "user_sign_ins") }}
