select
    tenant_id,
    user_key,
    sku_id,
    case when assigned_by_group is null then 'direct' else 'group' end as source,
    assigned_by_group,
    is_held,
    valid_from,
    valid_from_basis,
    case when not is_current then valid_to end as valid_to,
    is_current,
    state,
    error
from {{ ref("int_license_periods") }}
