{{ config(materialized="view") }}
select
    tenants.tenant_id,
    count(people.user_key) as enabled_members,
    count(people.user_key) >= {{ var("min_tenant_size") }} as shows_splits
from {{ ref("int_tenants") }} as tenants
left join
    {{ ref("int_people") }} as people
    on tenants.tenant_id = people.tenant_id
    and not people.is_deleted
    and coalesce(people.account_enabled, true)
    and coalesce(people.user_type, 'Member') = 'Member'
group by tenants.tenant_id
