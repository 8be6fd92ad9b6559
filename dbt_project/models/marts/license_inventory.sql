with
    skus as (
        select *, rank() over (partition by tenant_id order by observed_on desc) as recency
        from {{ ref("stg_graph__subscribed_skus") }}
    ),

    subscriptions as (
        select *, rank() over (partition by tenant_id order by observed_on desc) as recency
        from {{ ref("stg_graph__subscriptions") }}
    ),

    subscribed as (
        select
            tenant_id,
            sku_id,
            min(case when status = 'Enabled' then next_lifecycle_on end) as renewal_date,
            min(case when is_trial then 1 else 0 end) = 1 as is_trial
        from subscriptions
        where recency = 1
        group by tenant_id, sku_id
    ),

    counts as (
        select
            *,
            applies_to = 'User' as is_for_people,
            coalesce(consumed_units, 0) as assigned,
            coalesce(enabled, 0) as paid,
            coalesce(warning, 0) as in_grace
        from skus
        where recency = 1
    )

select
    counts.tenant_id,
    counts.sku_id,
    counts.sku_part_number,
    coalesce(sku_names.product_name, counts.sku_part_number) as product_name,
    counts.applies_to,
    counts.capability_status,
    counts.observed_on,
    counts.assigned,
    counts.paid as enabled,
    counts.in_grace as warning,
    coalesce(counts.suspended, 0) as suspended,
    coalesce(counts.locked_out, 0) as locked_out,
    case
        when counts.is_for_people then greatest(counts.paid - counts.assigned, 0)
    end as unassigned,
    case
        when counts.is_for_people and counts.paid + counts.in_grace = 0
        then 0
        when counts.is_for_people
        then greatest(counts.assigned - counts.paid - counts.in_grace, 0)
    end as over_assigned,
    case
        when counts.is_for_people and counts.paid + counts.in_grace = 0
        then counts.assigned
        when counts.is_for_people
        then 0
    end as assigned_on_expired,
    subscribed.renewal_date,
    subscribed.is_trial,
    free_skus.sku_id is not null as is_free,
    cast(null as decimal(18, 4)) as unit_price,
    cast(null as varchar(3)) as currency
from counts
left join
    subscribed on counts.tenant_id = subscribed.tenant_id and counts.sku_id = subscribed.sku_id
left join {{ ref("sku_names") }} as sku_names on counts.sku_id = sku_names.sku_id
left join {{ ref("free_skus") }} as free_skus on counts.sku_id = free_skus.sku_id
