select
    tenant_id,
    'getM365AppUserDetail' as report,
    report_date,
    state,
    is_observed,
    is_concealed,
    is_weekday,
    rows,
    unknown_rows,
    flag_disagreements,
    first_fetched_at,
    last_fetched_at,
    report_refresh_date
from {{ ref("int_report_days") }}
