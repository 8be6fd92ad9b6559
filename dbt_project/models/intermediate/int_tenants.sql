select tenant_id
from {{ ref("stg_graph__organization") }}
union
select tenant_id
from {{ ref("stg_ledger__fetches") }}
