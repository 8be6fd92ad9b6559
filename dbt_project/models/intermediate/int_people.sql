with
    states as (
        select
            tenant_id,
            user_key,
            observed_at,
            is_present,
            row_number() over (
                partition by tenant_id, user_key order by observed_at desc
            ) as recency,
            -- What is known of somebody who is gone is what was known while they were there.
            row_number() over (
                partition by tenant_id, user_key
                order by case when is_present then 0 else 1 end, observed_at desc
            ) as telling
        from {{ ref("stg_graph__users") }}
    ),

    newest as (select tenant_id, user_key, observed_at, is_present from states where recency = 1),

    described as (
        select users.*
        from {{ ref("stg_graph__users") }} as users
        inner join
            states
            on users.tenant_id = states.tenant_id
            and users.user_key = states.user_key
            and users.observed_at = states.observed_at
        where states.telling = 1
    ),

    keys as (
        select tenant_id, user_key
        from {{ ref("stg_graph__users") }}
        union
        select tenant_id, user_key
        from {{ ref("stg_graph__deleted_users") }}
    ),

    -- Somebody in the bin may have been restored since: they are then read as present again, later.
    people as (
        select
            keys.tenant_id,
            keys.user_key,
            case
                when newest.is_present and bin.observed_at is null
                then false
                when newest.is_present and newest.observed_at > bin.observed_at
                then false
                else true
            end as is_deleted
        from keys
        left join newest on keys.tenant_id = newest.tenant_id and keys.user_key = newest.user_key
        left join
            {{ ref("stg_graph__deleted_users") }} as bin
            on keys.tenant_id = bin.tenant_id
            and keys.user_key = bin.user_key
    )

select
    people.tenant_id,
    people.user_key,
    people.is_deleted,
    coalesce(described.user_id, bin.user_id) as user_id,
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
from people
left join
    described on people.tenant_id = described.tenant_id and people.user_key = described.user_key
left join
    {{ ref("stg_graph__deleted_users") }} as bin
    on people.tenant_id = bin.tenant_id
    -- As a condition of its own this would have every person compared with every deleted one.
    and case when people.is_deleted then people.user_key end = bin.user_key
