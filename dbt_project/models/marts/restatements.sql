select
    tenant_id,
    'getM365AppUserDetail' as report,
    report_date,
    fetch_id,
    app,
    is_applied,
    rows_added,
    rows_removed,
    switched_on,
    switched_off
from {{ ref("stg_ledger__restatements") }}
