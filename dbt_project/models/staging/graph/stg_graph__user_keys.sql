select user_key, tenant_id, user_id from {{ source("raw", "user_keys") }}
