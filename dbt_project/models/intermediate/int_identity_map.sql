-- One name may have been held by several people in turn: a new hire is given the name of a leaver.
-- The holders are put in the order in which they gave it up. A holder's days begin on the day the
-- holder before was deleted, or on the day they themselves were created or renamed, if later. Where
-- the holder before is not known to be deleted, they begin on the day of creation or renaming, or,
-- for the older of the two, on the day the name was seen to have gone.
with
    -- Most names of the directory are in no report.
    claims as (
        select claims.*, upn_keys.upn_key
        from {{ ref("int_identity_claims") }} as claims
        inner join
            {{ ref("stg_graph__upn_keys") }} as upn_keys
            on claims.tenant_id = upn_keys.tenant_id
            and claims.upn = upn_keys.upn
    ),

    turns as (
        select
            *,
            row_number() over (
                partition by upn_key order by coalesce(deleted_on, seen_until), held_from, user_key
            ) as turn,
            lag(held_from) over (
                partition by upn_key order by coalesce(deleted_on, seen_until), held_from, user_key
            ) as previous_held_from,
            lag(seen_until) over (
                partition by upn_key order by coalesce(deleted_on, seen_until), held_from, user_key
            ) as previous_seen_until,
            lag(deleted_on) over (
                partition by upn_key order by coalesce(deleted_on, seen_until), held_from, user_key
            ) as previous_deleted_on
        from claims
    ),

    beginnings as (
        select
            *,
            case
                when turn = 1
                then {{ first_day() }}
                when previous_deleted_on is not null
                then greatest(held_from, previous_deleted_on)
                when held_from > previous_held_from or previous_seen_until = {{ last_day() }}
                then held_from
                else previous_seen_until
            end as begins_on
        from turns
    ),

    in_order as (
        select
            upn_key,
            user_key,
            strength,
            turn,
            max(begins_on) over (
                partition by upn_key order by turn rows between unbounded preceding and current row
            ) as valid_from
        from beginnings
    ),

    ends as (
        select
            *,
            coalesce(
                lead(valid_from) over (partition by upn_key order by turn), {{ last_day() }}
            ) as valid_to
        from in_order
    ),

    periods as (select * from ends where valid_from < valid_to),

    mapped as (
        select
            upn_keys.tenant_id,
            upn_keys.upn_key,
            coalesce(periods.user_key, - upn_keys.upn_key) as user_key,
            case
                when periods.strength = 1
                then 'upn'
                when periods.strength = 2
                then 'earlier_upn'
                when periods.strength = 3
                then 'rename_file'
                when periods.strength = 4
                then 'alias'
                when periods.strength = 5
                then 'deleted_upn'
                else 'none'
            end as basis,
            coalesce(periods.valid_from, {{ first_day() }}) as valid_from,
            coalesce(periods.valid_to, {{ last_day() }}) as valid_to,
            periods.user_key is null
            or (
                periods.valid_from = {{ first_day() }} and periods.valid_to = {{ last_day() }}
            ) as is_for_ever
        from {{ ref("stg_graph__upn_keys") }} as upn_keys
        left join periods on upn_keys.upn_key = periods.upn_key
    ),

    names_of as (
        select user_key, min(upn_key) as first_key, max(upn_key) as last_key
        from mapped
        group by user_key
    )

select
    mapped.tenant_id,
    mapped.upn_key,
    mapped.user_key,
    mapped.basis,
    mapped.valid_from,
    mapped.valid_to,
    names_of.first_key <> names_of.last_key as has_several_names,
    mapped.is_for_ever
from mapped
inner join names_of on mapped.user_key = names_of.user_key
