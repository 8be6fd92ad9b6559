{{ config(alias="sync_runs") }}
select run_id, tenant_id, started_at, ended_at, outcome, requests, throttled_seconds, rows, bytes
from {{ ref("sync_runs") }}
