select tenant_id, observed_on, observed_at, is_concealed from {{ source("raw", "report_settings") }}
