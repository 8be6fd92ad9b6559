select tenant_id, user_name, sku, kind, reason, valid_until from {{ source("rules", "allow_list") }}
