-- From the first state with a disabled account to the next one that is otherwise.
with
    states as (
        select
            tenant_id,
            user_key,
            observed_at,
            observed_on,
            is_present and not coalesce(account_enabled, true) as is_disabled,
            lead(observed_on) over (
                partition by tenant_id, user_key order by observed_at
            ) as next_observed_on
        from {{ ref("stg_graph__users") }}
    )

select
    tenant_id,
    user_key,
    observed_on as disabled_from,
    coalesce(next_observed_on, {{ last_day() }}) as disabled_to
from states
where is_disabled and observed_on < coalesce(next_observed_on, {{ last_day() }})
