-- What the directory says (strengths 1, 2 and 5), then the user's own list of renames (3), then an
-- e-mail alias (4), which tells of a rename that nobody saw. An alias counts only where nobody is
-- known to have held the name itself: a leaver's address is often given to a colleague as an alias,
-- and the leaver's use stays the leaver's.
with
    people as (select * from {{ ref("int_people") }}),

    names as (select * from {{ ref("int_identity_names") }}),

    renames as (select * from {{ ref("int_renames") }}),

    -- That a name was somebody's since their creation is only taken for granted: the list says from
    -- when they had it, or until when somebody else did.
    given_up as (
        select tenant_id, old_upn as upn, max(ended_on) as ended_on
        from renames
        group by tenant_id, old_upn
    ),

    taken_up as (
        select tenant_id, new_upn as upn, user_key, max(ended_on) as taken_on
        from renames
        group by tenant_id, new_upn, user_key
    ),

    dated_names as (
        select
            names.tenant_id,
            names.upn,
            names.user_key,
            names.strength,
            case
                when not names.is_since_creation or names.seen_from is null
                then names.held_from
                else
                    greatest(
                        coalesce(names.held_from, {{ first_day() }}),
                        coalesce(taken_up.taken_on, {{ first_day() }}),
                        coalesce(
                            case
                                when given_up.ended_on is not null
                                then least(given_up.ended_on, names.seen_from)
                            end,
                            {{ first_day() }}
                        )
                    )
            end as held_from,
            names.seen_until,
            names.deleted_on
        from names
        left join given_up on names.tenant_id = given_up.tenant_id and names.upn = given_up.upn
        left join
            taken_up
            on names.tenant_id = taken_up.tenant_id
            and names.upn = taken_up.upn
            and names.user_key = taken_up.user_key
    ),

    renamed as (
        select
            renames.tenant_id,
            renames.old_upn as upn,
            renames.user_key,
            3 as strength,
            coalesce(taken_up.taken_on, people.created_on) as held_from,
            renames.ended_on as seen_until,
            cast(null as date) as deleted_on
        from renames
        inner join
            people on renames.tenant_id = people.tenant_id and renames.user_key = people.user_key
        left join
            taken_up
            on renames.tenant_id = taken_up.tenant_id
            and renames.old_upn = taken_up.upn
            and renames.user_key = taken_up.user_key
            and taken_up.taken_on < renames.ended_on
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
            tenant_id, lower(substring(address, 6)) as upn, user_key, created_on, deleted_on
        from addresses
        where lower(substring(address, 1, 5)) = 'smtp:'
    ),

    known as (
        select tenant_id, upn
        from names
        union
        select tenant_id, upn
        from renamed
    ),

    claims as (
        select *
        from dated_names
        union all
        select *
        from renamed
        union all
        select
            aliases.tenant_id,
            aliases.upn,
            aliases.user_key,
            4 as strength,
            aliases.created_on as held_from,
            {{ last_day() }} as seen_until,
            aliases.deleted_on
        from aliases
        left join known on aliases.tenant_id = known.tenant_id and aliases.upn = known.upn
        where known.upn is null
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
