select run_id, tenant_id, started_at, ended_at, outcome, requests, throttled_seconds, rows, bytes
from {{ source("ledger", "sync_runs") }}
