select tenant_id, plan_digest, step_id, {{ unnest_list("sku_ids") }} as sku_id
from {{ ref("int_action_steps") }}
