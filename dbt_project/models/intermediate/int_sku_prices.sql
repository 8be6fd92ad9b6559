-- A price names a SKU by its id or by its part number, and one tenant or all. From the first day
-- of a tenant's own price on, the prices for all tenants are not asked any more.
with
    newest as (
        select
            tenant_id,
            sku_id,
            sku_part_number,
            row_number() over (
                partition by tenant_id, sku_id order by observed_on desc, observed_at desc
            ) as recency
        from {{ ref("stg_graph__subscribed_skus") }}
    ),

    skus as (
        select tenant_id, sku_id
        from newest
        where recency = 1
        union
        select tenant_id, sku_id
        from {{ ref("stg_graph__user_licenses") }}
        union
        -- What the tenant could have instead.
        select tenants.tenant_id, known.sku_id
        from {{ ref("int_tenants") }} as tenants
        cross join {{ ref("sku_names") }} as known
    ),

    names as (
        select tenant_id, sku_id, sku_id as sku, 0 as is_by_part_number
        from skus
        union all
        select tenant_id, sku_id, lower(sku_part_number), 1
        from newest
        where recency = 1
        union all
        select skus.tenant_id, skus.sku_id, lower(known.sku_part_number), 1
        from skus
        inner join {{ ref("sku_names") }} as known on skus.sku_id = known.sku_id
        union all
        select skus.tenant_id, skus.sku_id, lower(known.sku_part_number), 1
        from skus
        inner join {{ ref("stg_rules__product_names") }} as known on skus.sku_id = known.sku_id
    ),

    candidates as (
        select
            names.tenant_id,
            names.sku_id,
            prices.tenant_id is not null as is_own,
            prices.currency,
            case
                when prices.per = 'year'
                then cast(prices.price / 12 as decimal(18, 6))
                else cast(prices.price as decimal(18, 6))
            end as monthly_price,
            coalesce(prices.valid_from, {{ first_day() }}) as valid_from,
            row_number() over (
                partition by
                    names.tenant_id, names.sku_id, coalesce(prices.valid_from, {{ first_day() }})
                order by
                    case when prices.tenant_id is null then 1 else 0 end,
                    names.is_by_part_number,
                    names.sku
            ) as choice
        from names
        inner join
            {{ ref("stg_rules__prices") }} as prices
            on names.sku = prices.sku
            and names.tenant_id = coalesce(prices.tenant_id, names.tenant_id)
    ),

    chosen as (
        select
            *,
            min(case when is_own then valid_from end) over (
                partition by tenant_id, sku_id
            ) as own_from
        from candidates
        where choice = 1
    )

select
    tenant_id,
    sku_id,
    monthly_price,
    currency,
    valid_from,
    coalesce(
        lead(valid_from) over (partition by tenant_id, sku_id order by valid_from), {{ last_day() }}
    ) as valid_to
from chosen
where is_own or valid_from < coalesce(own_from, {{ last_day() }})
