-- first_seen_on: since when the person holds the SKU from this source without a break. It is a
-- break
-- when a state lies between in which they did not hold it.
with
    states as (
        select
            tenant_id,
            user_key,
            observed_at,
            observed_on,
            is_present,
            row_number() over (
                partition by tenant_id, user_key order by observed_at
            ) as state_number,
            row_number() over (
                partition by tenant_id, user_key order by observed_at desc
            ) as recency
        from {{ ref("stg_graph__users") }}
    ),

    held as (
        select
            states.*,
            licenses.sku_id,
            licenses.assigned_by_group,
            licenses.state,
            licenses.error,
            licenses.last_updated_on,
            row_number() over (
                partition by
                    licenses.tenant_id,
                    licenses.user_key,
                    licenses.sku_id,
                    licenses.assigned_by_group
                order by states.state_number
            ) as held_number
        from {{ ref("stg_graph__user_licenses") }} as licenses
        inner join
            states
            on licenses.tenant_id = states.tenant_id
            and licenses.user_key = states.user_key
            and licenses.observed_at = states.observed_at
        where states.is_present
    )

select
    tenant_id,
    user_key,
    sku_id,
    assigned_by_group,
    state,
    error,
    last_updated_on,
    recency = 1 as is_newest,
    min(observed_on) over (
        partition by tenant_id, user_key, sku_id, assigned_by_group, state_number - held_number
    ) as first_seen_on
from held
