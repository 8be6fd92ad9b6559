-- Directory states are written only when something changed, so a period is an unbroken row of
-- states with the licence; the last state of a day counts. Held and wanted-but-not-given (Error,
-- Disabled) are different things, and make different periods.
with
    days as (
        select
            tenant_id,
            user_key,
            observed_at,
            observed_on,
            is_present,
            row_number() over (
                partition by tenant_id, user_key, observed_on order by observed_at desc
            ) as recency
        from {{ ref("stg_graph__users") }}
    ),

    states as (
        select
            tenant_id,
            user_key,
            observed_at,
            observed_on,
            is_present,
            row_number() over (
                partition by tenant_id, user_key order by observed_on
            ) as state_number,
            lag(observed_on) over (
                partition by tenant_id, user_key order by observed_on
            ) as previous_observed_on,
            lead(observed_on) over (
                partition by tenant_id, user_key order by observed_on
            ) as next_observed_on,
            lead(is_present) over (
                partition by tenant_id, user_key order by observed_on
            ) as is_present_next
        from days
        where recency = 1
    ),

    assigned as (
        select
            states.tenant_id,
            states.user_key,
            licenses.sku_id,
            licenses.assigned_by_group,
            coalesce(licenses.state, 'Active') in ('Active', 'ActiveWithError') as is_held,
            licenses.state,
            licenses.error,
            licenses.last_updated_on,
            licenses.entitlement_key,
            states.observed_on,
            states.state_number,
            states.previous_observed_on,
            states.next_observed_on,
            states.is_present_next
        from {{ ref("stg_graph__user_licenses") }} as licenses
        inner join
            states
            on licenses.tenant_id = states.tenant_id
            and licenses.user_key = states.user_key
            and licenses.observed_at = states.observed_at
        where states.is_present
    ),

    -- The difference of the two numbers is the same for states without a gap.
    numbered as (
        select
            *,
            state_number - dense_rank() over (
                partition by tenant_id, user_key, sku_id, assigned_by_group, is_held
                order by state_number
            ) as stretch
        from assigned
    ),

    placed as (
        select
            *,
            row_number() over (
                partition by tenant_id, user_key, sku_id, assigned_by_group, is_held, stretch
                order by state_number
            ) as place,
            row_number() over (
                partition by tenant_id, user_key, sku_id, assigned_by_group, is_held, stretch
                order by state_number desc
            ) as place_from_end
        from numbered
    ),

    stretches as (
        select
            tenant_id,
            user_key,
            sku_id,
            assigned_by_group,
            is_held,
            min(observed_on) as first_seen_on,
            max(observed_on) as last_changed_on,
            max(case when place = 1 then last_updated_on end) as first_updated_on,
            max(case when place = 1 then previous_observed_on end) as not_seen_on,
            max(case when place_from_end = 1 then last_updated_on end) as last_updated_on,
            max(case when place_from_end = 1 then state end) as state,
            max(case when place_from_end = 1 then error end) as error,
            max(case when place_from_end = 1 then entitlement_key end) as entitlement_key,
            max(case when place_from_end = 1 then next_observed_on end) as ended_on,
            max(
                case when place_from_end = 1 and not is_present_next then next_observed_on end
            ) as gone_on
        from placed
        group by tenant_id, user_key, sku_id, assigned_by_group, is_held, stretch
    ),

    periods as (
        select
            stretches.tenant_id,
            stretches.user_key,
            stretches.sku_id,
            stretches.assigned_by_group,
            stretches.is_held,
            -- The service's own day, unless the person was seen without the licence after it.
            case
                when
                    stretches.first_updated_on <= stretches.first_seen_on
                    and stretches.first_updated_on
                    > coalesce(stretches.not_seen_on, {{ first_day() }})
                then stretches.first_updated_on
            end as updated_on,
            stretches.first_seen_on,
            case
                when stretches.ended_on is not null and stretches.gone_on is null
                then stretches.ended_on
                when stretches.ended_on is null and not people.is_deleted
                then {{ last_day() }}
                -- The day of deletion is often known better than the day it was noticed.
                when
                    people.deleted_on >= stretches.last_changed_on
                    and people.deleted_on <= coalesce(stretches.gone_on, {{ last_day() }})
                then people.deleted_on
                else coalesce(stretches.gone_on, bin.observed_on)
            end as valid_to,
            stretches.last_updated_on,
            stretches.state,
            stretches.error,
            stretches.entitlement_key
        from stretches
        inner join
            {{ ref("int_people") }} as people
            on stretches.tenant_id = people.tenant_id
            and stretches.user_key = people.user_key
        left join
            {{ ref("stg_graph__deleted_users") }} as bin
            on stretches.tenant_id = bin.tenant_id
            and stretches.user_key = bin.user_key
    )

select
    tenant_id,
    user_key,
    sku_id,
    assigned_by_group,
    is_held,
    coalesce(updated_on, first_seen_on) as valid_from,
    case when updated_on is null then 'first_seen' else 'last_updated' end as valid_from_basis,
    valid_to,
    valid_to = {{ last_day() }} as is_current,
    first_seen_on,
    last_updated_on,
    state,
    error,
    entitlement_key
from periods
where coalesce(updated_on, first_seen_on) < valid_to
