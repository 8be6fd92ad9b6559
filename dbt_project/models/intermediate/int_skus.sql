-- Every SKU that the tenant ever had or somebody ever held, as it is known today.
with
    answers as (
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
        from answers
        where recency = 1
        union
        select tenant_id, sku_id
        from {{ ref("stg_graph__user_licenses") }}
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

    known as (
        select
            skus.tenant_id,
            skus.sku_id,
            coalesce(
                answers.sku_part_number, sku_names.sku_part_number, product_names.sku_part_number
            ) as sku_part_number,
            coalesce(sku_names.product_name, product_names.product_name) as product_name,
            subscribed.renewal_date,
            subscribed.is_trial,
            free_skus.sku_id is not null as is_known_free,
            self_service_skus.sku_id is not null as is_known_self_service,
            prices.monthly_price,
            prices.currency
        from skus
        left join
            answers
            on skus.tenant_id = answers.tenant_id
            and skus.sku_id = answers.sku_id
            and answers.recency = 1
        left join {{ ref("sku_names") }} as sku_names on skus.sku_id = sku_names.sku_id
        left join
            {{ ref("stg_rules__product_names") }} as product_names
            on skus.sku_id = product_names.sku_id
        left join
            subscribed on skus.tenant_id = subscribed.tenant_id and skus.sku_id = subscribed.sku_id
        left join {{ ref("free_skus") }} as free_skus on skus.sku_id = free_skus.sku_id
        left join
            {{ ref("self_service_skus") }} as self_service_skus
            on skus.sku_id = self_service_skus.sku_id
        left join
            {{ ref("int_sku_prices") }} as prices
            on skus.tenant_id = prices.tenant_id
            and skus.sku_id = prices.sku_id
            and prices.valid_from <= {{ day_from_today(0) }}
            and prices.valid_to > {{ day_from_today(0) }}
    )

select
    tenant_id,
    sku_id,
    sku_part_number,
    coalesce(product_name, sku_part_number, sku_id) as product_name,
    renewal_date,
    is_trial,
    -- A price of the user's own beats the list of free SKUs.
    case when monthly_price is null then is_known_free else monthly_price = 0 end as is_free,
    -- Microsoft ends the part numbers of what departments buy for themselves in _DEPT.
    is_known_self_service
    or coalesce(lower(right(sku_part_number, 5)) = '_dept', false) as is_self_service,
    monthly_price,
    currency
from known
