{%- set smallest = var("min_group_size") -%}
-- Departments of fewer people than a group may have are put together, with the next smallest if
-- they are still too few.
with
    sizes as (
        select
            departments.tenant_id,
            departments.department,
            count(
                case
                    when
                        accounts.account_kind = 'member'
                        and not people.is_deleted
                        and coalesce(people.account_enabled, true)
                    then 1
                end
            ) as people
        from {{ ref("int_departments") }} as departments
        left join
            {{ ref("int_people") }} as people
            on departments.tenant_id = people.tenant_id
            and departments.user_key = people.user_key
        left join
            {{ ref("int_accounts") }} as accounts
            on departments.tenant_id = accounts.tenant_id
            and departments.user_key = accounts.user_key
        group by departments.tenant_id, departments.department
    ),

    ordered as (
        select
            *,
            row_number() over (partition by tenant_id order by people, department) as place,
            sum(people) over (
                partition by tenant_id
                order by people, department
                rows between unbounded preceding and 1 preceding
            ) as people_before
        from sizes
    ),

    grouped as (
        select
            tenant_id,
            department,
            people,
            people < {{ smallest }} or (place > 1 and people_before < {{ smallest }}) as is_merged
        from ordered
    ),

    -- One group is no split.
    counted as (
        select
            *,
            sum(case when is_merged then 0 else 1 end) over (partition by tenant_id)
            + max(case when is_merged then 1 else 0 end) over (partition by tenant_id) as groups
        from grouped
    )

select
    counted.tenant_id,
    counted.department,
    counted.people,
    case when counted.is_merged then 'Small groups' else counted.department end as shown_department,
    tenants.shows_splits and counted.groups > 1 as is_shown
from counted
inner join {{ ref("int_tenant_sizes") }} as tenants on counted.tenant_id = tenants.tenant_id
