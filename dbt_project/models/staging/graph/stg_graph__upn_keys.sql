select upn_key, tenant_id, lower(upn) as upn, is_concealed from {{ source("raw", "upn_keys") }}
