{{ config(alias="reconciliation_daily") }}
select
    tenant_id,
    app,
    report_date,
    day_state,
    active_users,
    unknown_users,
    counted_users,
    microsoft_users,
    difference,
    difference_rate,
    is_within_tolerance,
    cause
from {{ ref("reconciliation_daily") }}
