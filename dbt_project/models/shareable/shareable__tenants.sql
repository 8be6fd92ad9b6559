{{ config(alias="tenants") }}
select tenant_id, name, domain, cloud, data_through, last_synced_at, is_concealed_now
from {{ ref("tenants") }}
