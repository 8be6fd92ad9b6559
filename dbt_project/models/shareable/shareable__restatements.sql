{{ config(alias="restatements") }}
select
    tenant_id,
    report,
    report_date,
    fetch_id,
    app,
    is_applied,
    rows_added,
    rows_removed,
    switched_on,
    switched_off
from {{ ref("restatements") }}
