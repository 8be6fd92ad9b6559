with
    answers as (
        select
            *,
            applies_to = 'User' as is_for_people,
            coalesce(consumed_units, 0) as assigned,
            coalesce(enabled, 0) as paid,
            coalesce(warning, 0) as in_grace,
            rank() over (partition by tenant_id order by observed_on desc) as recency
        from {{ ref("stg_graph__subscribed_skus") }}
    )

select
    tenant_id,
    sku_id,
    observed_on,
    recency = 1 as is_newest,
    sku_part_number,
    applies_to,
    capability_status,
    assigned,
    paid as enabled,
    in_grace as warning,
    coalesce(suspended, 0) as suspended,
    coalesce(locked_out, 0) as locked_out,
    case when is_for_people then greatest(paid - assigned, 0) end as unassigned,
    case
        when is_for_people and paid + in_grace = 0
        then 0
        when is_for_people
        then greatest(assigned - paid - in_grace, 0)
    end as over_assigned,
    case
        when is_for_people and paid + in_grace = 0 then assigned when is_for_people then 0
    end as assigned_on_expired
from answers
