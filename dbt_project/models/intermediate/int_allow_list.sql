-- A name stands for whoever holds it now, else for the last one who did.
with
    names as (
        select
            tenant_id,
            upn as user_name,
            user_key,
            row_number() over (
                partition by tenant_id, upn order by strength, held_from desc, user_key
            ) as choice
        from {{ ref("int_identity_claims") }}
    ),

    called as (
        select tenant_id, user_name, user_key
        from names
        where choice = 1
        union all
        select tenant_id, lower(user_id) as user_name, user_key
        from {{ ref("int_people") }}
    )

select
    called.tenant_id,
    called.user_key,
    lists.sku,
    lists.kind,
    coalesce(lists.valid_until, {{ last_day() }}) as valid_until
from {{ ref("stg_rules__allow_list") }} as lists
inner join
    called
    on lists.user_name = called.user_name
    and called.tenant_id = coalesce(lists.tenant_id, called.tenant_id)
