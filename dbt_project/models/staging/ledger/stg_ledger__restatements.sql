select
    tenant_id,
    report_date,
    fetch_id,
    app,
    is_applied,
    rows_added,
    rows_removed,
    switched_on,
    switched_off
from {{ source("ledger", "restatements") }}
