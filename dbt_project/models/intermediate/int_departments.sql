-- Names in the reports that no directory entry is known for belong to no department that is known.
with
    people as (
        select tenant_id, user_key, nullif(trim(department), '') as department
        from {{ ref("int_people") }}
        union all
        select identity_map.tenant_id, identity_map.user_key, null as department
        from {{ ref("int_identity_map") }} as identity_map
        inner join
            {{ ref("stg_graph__upn_keys") }} as upn_keys on identity_map.upn_key = upn_keys.upn_key
        where identity_map.basis = 'none' and not upn_keys.is_concealed
    )

select
    tenant_id,
    user_key,
    -- 'All' is the name of the total.
    case
        when department is null
        then 'Unknown department'
        when lower(department) = 'all'
        then 'All (department)'
        else department
    end as department
from people
