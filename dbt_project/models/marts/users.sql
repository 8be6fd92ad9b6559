select
    people.tenant_id,
    people.user_key,
    people.user_id,
    people.user_principal_name,
    people.display_name,
    people.department,
    people.job_title,
    people.office_location,
    people.country,
    people.company_name,
    people.manager_name,
    people.user_type,
    accounts.account_kind,
    accounts.kind_basis as account_kind_basis,
    people.account_enabled,
    people.created_at,
    people.deleted_at,
    sign_ins.last_sign_in_at,
    case when people.is_deleted then 'deleted' else 'matched' end as identity_state
from {{ ref("int_people") }} as people
left join
    {{ ref("int_accounts") }} as accounts
    on people.tenant_id = accounts.tenant_id
    and people.user_key = accounts.user_key
left join
    {{ ref("stg_graph__user_sign_ins") }} as sign_ins
    on people.tenant_id = sign_ins.tenant_id
    and people.user_key = sign_ins.user_key

union all

-- Names in the reports that no directory entry is known for.
select
    upn_keys.tenant_id,
    identity_map.user_key,
    null as user_id,
    upn_keys.upn as user_principal_name,
    null as display_name,
    null as department,
    null as job_title,
    null as office_location,
    null as country,
    null as company_name,
    null as manager_name,
    null as user_type,
    null as account_kind,
    null as account_kind_basis,
    null as account_enabled,
    null as created_at,
    null as deleted_at,
    null as last_sign_in_at,
    case when upn_keys.is_concealed then 'concealed' else 'unmatched' end as identity_state
from {{ ref("int_identity_map") }} as identity_map
inner join {{ ref("stg_graph__upn_keys") }} as upn_keys on identity_map.upn_key = upn_keys.upn_key
where identity_map.basis = 'none'
