-- What the directory says of a step that was done, at every look after it. Sessions, mailboxes and
-- files are not in the directory, so nothing is said of them.
with
    skus as (
        select sights.tenant_id, sights.plan_digest, sights.step_id, count(*) as skus
        from {{ ref("int_action_skus") }} as sights
        group by sights.tenant_id, sights.plan_digest, sights.step_id
    ),

    assigned as (
        select
            sights.tenant_id,
            sights.plan_digest,
            sights.step_id,
            sights.observed_at,
            count(*) as wanted_or_given,
            sum(
                case
                    when coalesce(licenses.state, 'Active') in ('Active', 'ActiveWithError')
                    then 1
                    else 0
                end
            ) as given
        from {{ ref("int_action_sights") }} as sights
        inner join
            {{ ref("int_action_skus") }} as skus
            on sights.tenant_id = skus.tenant_id
            and sights.plan_digest = skus.plan_digest
            and sights.step_id = skus.step_id
        inner join
            {{ ref("stg_graph__user_licenses") }} as licenses
            on sights.tenant_id = licenses.tenant_id
            and sights.user_key = licenses.user_key
            and sights.observed_at = licenses.observed_at
            and skus.sku_id = licenses.sku_id
        where
            case
                when sights.action in ('assign_license', 'remove_license')
                then licenses.assigned_by_group is null
                else licenses.assigned_by_group = sights.group_id
            end
        group by sights.tenant_id, sights.plan_digest, sights.step_id, sights.observed_at
    ),

    judged as (
        select
            sights.tenant_id,
            sights.plan_digest,
            sights.step_id,
            sights.seen_at,
            sights.seen_on,
            case
                when sights.action in ('remove_license', 'remove_group_membership')
                then
                    case
                        when skus.skus > 0
                        then not sights.is_present or coalesce(assigned.wanted_or_given, 0) = 0
                    end
                when sights.action in ('assign_license', 'add_group_membership')
                then
                    case
                        when skus.skus > 0
                        then sights.is_present and coalesce(assigned.given, 0) > 0
                    end
                when sights.action = 'disable_account'
                then not sights.is_present or not coalesce(sights.account_enabled, true)
                when sights.action = 'enable_account'
                then sights.is_present and coalesce(sights.account_enabled, true)
                when sights.action in ('create_user', 'restore_user')
                then sights.is_present
                when sights.action = 'delete_user'
                then not sights.is_present
                when sights.action = 'set_manager'
                then
                    sights.is_present
                    and coalesce(lower(sights.manager_id), '')
                    = coalesce(lower(sights.wanted_manager_id), '')
                when sights.action = 'set_user_type'
                then
                    sights.is_present
                    and coalesce(sights.user_type, '') = coalesce(sights.wanted_user_type, '')
            end as is_so
        from {{ ref("int_action_sights") }} as sights
        left join
            skus
            on sights.tenant_id = skus.tenant_id
            and sights.plan_digest = skus.plan_digest
            and sights.step_id = skus.step_id
        left join
            assigned
            on sights.tenant_id = assigned.tenant_id
            and sights.plan_digest = assigned.plan_digest
            and sights.step_id = assigned.step_id
            and sights.observed_at = assigned.observed_at
    ),

    confirmed as (
        select
            *,
            min(case when is_so then seen_at end) over (
                partition by tenant_id, plan_digest, step_id
            ) as confirmed_at
        from judged
        where is_so is not null
    )

select
    tenant_id,
    plan_digest,
    step_id,
    min(case when is_so then seen_on end) as confirmed_on,
    min(case when not is_so and seen_at > confirmed_at then seen_on end) as reversed_on,
    max(seen_on) as last_seen_on
from confirmed
group by tenant_id, plan_digest, step_id
