select sku_id, sku_part_number, product_name from {{ source("rules", "product_names") }}
