select
    states.tenant_id,
    states.user_key,
    states.sku_id,
    case when states.assigned_by_group is null then 'direct' else 'group' end as source,
    states.assigned_by_group,
    states.state,
    states.error,
    case
        when states.last_updated_on <= states.first_seen_on
        then states.last_updated_on
        else states.first_seen_on
    end as assigned_since,
    case
        when states.last_updated_on <= states.first_seen_on then 'last_updated' else 'first_seen'
    end as assigned_since_basis
from {{ ref("int_license_states") }} as states
inner join
    {{ ref("int_people") }} as people
    on states.tenant_id = people.tenant_id
    and states.user_key = people.user_key
where states.is_newest and not people.is_deleted
