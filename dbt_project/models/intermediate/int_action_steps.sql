-- A step may be tried more than once: what it came to is what the last line says, and what the log
-- once calls done stays done. An attempt without an outcome was cut off.
with
    lines as (
        select
            *,
            row_number() over (
                partition by tenant_id, plan_digest, step_id, kind order by logged_at
            ) as number_of_kind,
            row_number() over (
                partition by tenant_id, plan_digest, step_id order by logged_at desc, kind desc
            ) as recency,
            row_number() over (
                partition by tenant_id, plan_digest, step_id
                order by case when kind = 'outcome' then 0 else 1 end, logged_at desc
            ) as outcome_recency
        from {{ ref("stg_actions__action_log") }}
    ),

    steps as (
        select
            tenant_id,
            plan_digest,
            step_id,
            min(logged_at) as first_at,
            max(logged_at) as last_at,
            min(case when kind = 'intent' then logged_at end) as begun_at,
            min(case when outcome = 'done' then logged_at end) as done_at,
            cast(sum(case when kind = 'intent' then 1 else 0 end) as bigint) as attempts
        from lines
        group by tenant_id, plan_digest, step_id
    )

select
    steps.tenant_id,
    steps.plan_digest,
    steps.step_id,
    told.plan_id,
    told.source,
    told.action,
    coalesce(people.user_key, namesakes.user_key) as user_key,
    told.user_id,
    told.user_principal_name,
    coalesce(announced.sku_ids, told.sku_ids) as sku_ids,
    told.group_id,
    told.manager_id,
    told.user_type,
    told.reason,
    case
        when steps.done_at is not null
        then 'done'
        when last_line.kind = 'intent'
        then 'unknown'
        else told.outcome
    end as outcome,
    told.detail,
    announced.state_before,
    told.state_after,
    told.undo,
    told.monthly_saving,
    told.currency,
    told.os_user,
    told.host,
    told.client_id,
    told.request_id,
    told.client_request_id,
    steps.attempts,
    steps.first_at,
    coalesce(steps.begun_at, steps.first_at) as begun_at,
    steps.last_at,
    steps.done_at
from steps
inner join
    lines as told
    on steps.tenant_id = told.tenant_id
    and steps.plan_digest = told.plan_digest
    and steps.step_id = told.step_id
    and told.outcome_recency = 1
inner join
    lines as last_line
    on steps.tenant_id = last_line.tenant_id
    and steps.plan_digest = last_line.plan_digest
    and steps.step_id = last_line.step_id
    and last_line.recency = 1
left join
    lines as announced
    on steps.tenant_id = announced.tenant_id
    and steps.plan_digest = announced.plan_digest
    and steps.step_id = announced.step_id
    and announced.kind = 'intent'
    and announced.number_of_kind = 1
left join
    {{ ref("int_people") }} as people
    on told.tenant_id = people.tenant_id
    and told.user_id = people.user_id
-- Somebody whom the step made has an id only since; several may have had the name.
left join
    (
        select tenant_id, lower(user_principal_name) as upn, max(user_key) as user_key
        from {{ ref("int_people") }}
        where not is_deleted
        group by tenant_id, lower(user_principal_name)
    ) as namesakes
    on told.user_id is null
    and told.tenant_id = namesakes.tenant_id
    and lower(told.user_principal_name) = namesakes.upn
