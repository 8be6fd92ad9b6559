select
    tenant_id,
    user_key,
    sku_id,
    case when assigned_by_group is null then 'direct' else 'group' end as source,
    assigned_by_group,
    state,
    error,
    valid_from as assigned_since,
    valid_from_basis as assigned_since_basis
from {{ ref("int_license_periods") }}
where is_current
