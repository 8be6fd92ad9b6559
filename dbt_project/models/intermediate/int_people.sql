-- What is known of somebody who is gone is what was known while they were there.
with
    states as (
        select
            user_key,
            max(observed_at) as newest_at,
            max(case when is_present then observed_at end) as present_at
        from {{ ref("stg_graph__users") }}
        group by user_key
    ),

    -- Somebody in the bin may have been restored since: they are then read as present again, later.
    described as (
        select
            users.*,
            coalesce(
                states.newest_at <> states.present_at
                or states.present_at is null
                or states.newest_at <= bin.observed_at,
                false
            ) as is_deleted
        from {{ ref("stg_graph__users") }} as users
        inner join
            states
            on users.user_key = states.user_key
            and users.observed_at = coalesce(states.present_at, states.newest_at)
        left join {{ ref("stg_graph__deleted_users") }} as bin on users.user_key = bin.user_key
    )

select
    described.tenant_id,
    described.user_key,
    described.is_deleted,
    described.user_id,
    coalesce(described.user_principal_name, bin.original_upn) as user_principal_name,
    coalesce(described.display_name, bin.display_name) as display_name,
    coalesce(described.department, bin.department) as department,
    described.job_title,
    described.office_location,
    described.country,
    described.company_name,
    described.manager_id,
    described.manager_name,
    described.employee_id,
    described.mail,
    coalesce(described.user_type, bin.user_type) as user_type,
    described.account_enabled,
    described.created_at,
    described.created_on,
    bin.deleted_at,
    bin.deleted_on,
    described.observed_at,
    described.proxy_addresses
from described
left join
    {{ ref("stg_graph__deleted_users") }} as bin
    -- As a condition of its own this would have every person compared with every deleted one.
    on case when described.is_deleted then described.user_key end = bin.user_key

union all

-- Nobody but the bin knows them.
select
    bin.tenant_id,
    bin.user_key,
    true as is_deleted,
    bin.user_id,
    bin.original_upn as user_principal_name,
    bin.display_name,
    bin.department,
    null as job_title,
    null as office_location,
    null as country,
    null as company_name,
    null as manager_id,
    null as manager_name,
    null as employee_id,
    null as mail,
    bin.user_type,
    null as account_enabled,
    null as created_at,
    null as created_on,
    bin.deleted_at,
    bin.deleted_on,
    null as observed_at,
    null as proxy_addresses
from {{ ref("stg_graph__deleted_users") }} as bin
left join states on bin.user_key = states.user_key
where states.user_key is null
