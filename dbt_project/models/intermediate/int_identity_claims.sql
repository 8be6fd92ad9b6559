-- Strength 1: held now. 2: held in an earlier directory state. 4: the name of a deleted user.
-- 3: an e-mail alias, which tells of a rename that nobody saw. It counts only where nobody is known
-- to have held the name itself: a leaver's address is often given to a colleague as an alias, and
-- the leaver's use stays the leaver's.
with
    people as (select * from {{ ref("int_people") }}),

    states as (
        select
            tenant_id,
            user_key,
            upn,
            observed_on,
            is_present,
            row_number() over (
                partition by tenant_id, user_key order by observed_at
            ) as state_number,
            lead(observed_on) over (
                partition by tenant_id, user_key order by observed_at
            ) as next_observed_on
        from {{ ref("stg_graph__users") }}
    ),

    seen as (
        select
            tenant_id,
            user_key,
            upn,
            min(observed_on) as seen_from,
            min(state_number) as first_state,
            max(coalesce(next_observed_on, {{ last_day() }})) as seen_until
        from states
        where is_present and upn is not null
        group by tenant_id, user_key, upn
    ),

    held as (
        select
            seen.tenant_id,
            seen.upn,
            seen.user_key,
            case
                when seen.seen_until = {{ last_day() }} and not people.is_deleted then 1 else 2
            end as strength,
            -- The first name that a person was seen with was theirs from the day they were created.
            case
                when seen.first_state = 1 then people.created_on else seen.seen_from
            end as held_from,
            seen.seen_until,
            case when seen.seen_until = {{ last_day() }} then people.deleted_on end as deleted_on
        from seen
        inner join people on seen.tenant_id = people.tenant_id and seen.user_key = people.user_key
    ),

    in_bin as (
        select
            bin.tenant_id,
            bin.upn,
            bin.user_key,
            4 as strength,
            case when seen.upn is null then people.created_on end as held_from,
            bin.observed_on as seen_until,
            bin.deleted_on
        from {{ ref("stg_graph__deleted_users") }} as bin
        inner join people on bin.tenant_id = people.tenant_id and bin.user_key = people.user_key
        left join
            seen
            on bin.tenant_id = seen.tenant_id
            and bin.user_key = seen.user_key
            and bin.upn = seen.upn
        where people.is_deleted and bin.upn is not null
    ),

    names as (
        select *
        from held
        union all
        select *
        from in_bin
    ),

    addresses as (
        select
            tenant_id,
            user_key,
            created_on,
            deleted_on,
            {{ unnest_list("proxy_addresses") }} as address
        from people
    ),

    aliases as (
        select distinct
            addresses.tenant_id,
            lower(substring(addresses.address, 6)) as upn,
            addresses.user_key,
            addresses.created_on,
            addresses.deleted_on
        from addresses
        left join
            names
            on addresses.tenant_id = names.tenant_id
            and lower(substring(addresses.address, 6)) = names.upn
        where lower(substring(addresses.address, 1, 5)) = 'smtp:' and names.upn is null
    ),

    claims as (
        select *
        from names
        union all
        select
            tenant_id,
            upn,
            user_key,
            3 as strength,
            created_on as held_from,
            {{ last_day() }} as seen_until,
            deleted_on
        from aliases
    )

select
    tenant_id,
    upn,
    user_key,
    min(strength) as strength,
    coalesce(min(held_from), {{ first_day() }}) as held_from,
    max(seen_until) as seen_until,
    max(deleted_on) as deleted_on
from claims
group by tenant_id, upn, user_key
