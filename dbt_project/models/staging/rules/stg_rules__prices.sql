select tenant_id, sku, price, currency, per, valid_from from {{ source("rules", "prices") }}
