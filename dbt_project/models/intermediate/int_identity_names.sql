-- Strength 1: held now. 2: held in an earlier directory state. 5: the name of a deleted user.
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
            seen.first_state = 1 as is_since_creation,
            seen.seen_from,
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
            5 as strength,
            case when seen.upn is null then people.created_on end as held_from,
            false as is_since_creation,
            cast(null as date) as seen_from,
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
    )

select *
from held
union all
select *
from in_bin
