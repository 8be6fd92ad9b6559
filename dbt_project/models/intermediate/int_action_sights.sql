-- A directory state stands until the next one is written, and a read in which somebody is as before
-- writes none: the state from before a step is seen again at the first read that began after it.
with
    steps as (
        select *
        from {{ ref("int_action_steps") }}
        where done_at is not null and user_key is not null
    ),

    next_reads as (
        select
            steps.tenant_id,
            steps.plan_digest,
            steps.step_id,
            min(reads.completed_at) as read_at,
            min(reads.as_of) as read_on
        from steps
        inner join
            {{ ref("stg_ledger__fetches") }} as reads
            on steps.tenant_id = reads.tenant_id
            and steps.done_at < reads.requested_at
        where
            reads.source in ('users', 'usersDelta')
            and reads.verdict in ('applied', 'unchanged')
            and coalesce(reads.is_complete, false)
        group by steps.tenant_id, steps.plan_digest, steps.step_id
    ),

    states as (
        select
            tenant_id,
            user_key,
            observed_at,
            observed_on,
            is_present,
            account_enabled,
            manager_id,
            user_type,
            lead(observed_at) over (
                partition by tenant_id, user_key order by observed_at
            ) as next_observed_at
        from {{ ref("stg_graph__users") }}
    ),

    sights as (
        select
            steps.tenant_id,
            steps.plan_digest,
            steps.step_id,
            steps.action,
            steps.user_key,
            steps.group_id,
            steps.manager_id as wanted_manager_id,
            steps.user_type as wanted_user_type,
            steps.begun_at,
            states.observed_at,
            states.next_observed_at,
            states.is_present,
            states.account_enabled,
            states.manager_id,
            states.user_type,
            case
                when states.observed_at > steps.done_at
                then states.observed_at
                else next_reads.read_at
            end as seen_at,
            case
                when states.observed_at > steps.done_at
                then states.observed_on
                else next_reads.read_on
            end as seen_on
        from steps
        inner join
            states
            on steps.tenant_id = states.tenant_id
            and steps.user_key = states.user_key
            and (states.next_observed_at is null or states.next_observed_at > steps.done_at)
        left join
            next_reads
            on steps.tenant_id = next_reads.tenant_id
            and steps.plan_digest = next_reads.plan_digest
            and steps.step_id = next_reads.step_id
    )

select
    tenant_id,
    plan_digest,
    step_id,
    action,
    user_key,
    group_id,
    wanted_manager_id,
    wanted_user_type,
    begun_at,
    observed_at,
    is_present,
    account_enabled,
    manager_id,
    user_type,
    seen_at,
    seen_on
from sights
where seen_at is not null and (next_observed_at is null or seen_at < next_observed_at)
