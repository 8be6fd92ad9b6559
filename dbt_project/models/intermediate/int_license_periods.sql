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
            lead(observed_on) over (
                partition by tenant_id, user_key order by observed_on, observed_at
            ) as next_state_on
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
        where next_state_on is null or next_state_on > observed_on
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

    -- A state begins a period when the one before was without the licence, and ends it when the
    -- next one is.
    beside as (
        select
            *,
            coalesce(
                state_number - lag(state_number) over (
                    partition by tenant_id, user_key, sku_id, assigned_by_group, is_held
                    order by state_number
                )
                > 1,
                true
            ) as is_first,
            coalesce(
                lead(state_number) over (
                    partition by tenant_id, user_key, sku_id, assigned_by_group, is_held
                    order by state_number
                )
                - state_number
                > 1,
                true
            ) as is_last
        from assigned
    ),

    -- Of each period its first and its last state, which may be the same.
    ends as (
        select
            *,
            lag(observed_on) over (
                partition by tenant_id, user_key, sku_id, assigned_by_group, is_held
                order by state_number, is_last
            ) as begun_on,
            lag(last_updated_on) over (
                partition by tenant_id, user_key, sku_id, assigned_by_group, is_held
                order by state_number, is_last
            ) as begun_updated_on,
            lag(previous_observed_on) over (
                partition by tenant_id, user_key, sku_id, assigned_by_group, is_held
                order by state_number, is_last
            ) as begun_not_seen_on
        from beside
        where is_first or is_last
    ),

    stretches as (
        select
            tenant_id,
            user_key,
            sku_id,
            assigned_by_group,
            is_held,
            case when is_first then observed_on else begun_on end as first_seen_on,
            observed_on as last_changed_on,
            case when is_first then last_updated_on else begun_updated_on end as first_updated_on,
            case when is_first then previous_observed_on else begun_not_seen_on end as not_seen_on,
            last_updated_on,
            state,
            error,
            entitlement_key,
            next_observed_on as ended_on,
            case when not is_present_next then next_observed_on end as gone_on
        from ends
        where is_last
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
