select
    run_id,
    tenant_id,
    min(requested_at) as started_at,
    max(completed_at) as ended_at,
    case
        when max(case when outcome = 'failed' or verdict = 'refused' then 1 else 0 end) = 1
        then 'failed'
        when max(case when outcome = 'refused_permission' then 1 else 0 end) = 1
        then 'permission_missing'
        else 'ok'
    end as outcome,
    cast(sum(requests) as bigint) as requests,
    sum(throttled_seconds) as throttled_seconds,
    cast(sum(rows) as bigint) as rows,
    cast(sum(body_bytes) as bigint) as bytes
from {{ ref("stg_ledger__fetches") }}
where run_id is not null
group by run_id, tenant_id
