select
    tenant_id,
    department,
    is_total,
    band,
    band_number,
    window_start,
    window_end,
    days_with_data,
    counted_days,
    identity_basis,
    people,
    false as is_suppressed
from {{ ref("int_usage_depth") }}
