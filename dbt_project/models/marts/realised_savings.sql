with
    counted as (
        select
            months.tenant_id,
            freed.sku_id,
            months.saving_month,
            months.judged_on,
            months.is_complete,
            cast(
                sum(
                    case
                        when cast(date_trunc('month', freed.freed_on) as date) = months.saving_month
                        then 1
                        else 0
                    end
                ) as bigint
            ) as taken_back,
            cast(
                sum(
                    case
                        when
                            cast(date_trunc('month', freed.held_again_on) as date)
                            = months.saving_month
                        then 1
                        else 0
                    end
                ) as bigint
            ) as assigned_again,
            cast(
                sum(case when freed.held_again_on > months.judged_on then 1 else 0 end) as bigint
            ) as still_free
        from {{ ref("int_saving_months") }} as months
        inner join
            {{ ref("int_freed_licenses") }} as freed
            on months.tenant_id = freed.tenant_id
            and months.judged_on >= freed.freed_on
        group by
            months.tenant_id,
            freed.sku_id,
            months.saving_month,
            months.judged_on,
            months.is_complete
    )

select
    counted.tenant_id,
    counted.sku_id,
    counted.saving_month,
    counted.judged_on,
    counted.is_complete,
    inventory.product_name,
    counted.taken_back,
    counted.assigned_again,
    counted.still_free,
    cast(counted.still_free * prices.monthly_price as decimal(18, 2)) as realised_monthly_saving,
    prices.currency
from counted
left join
    {{ ref("license_inventory") }} as inventory
    on counted.tenant_id = inventory.tenant_id
    and counted.sku_id = inventory.sku_id
left join
    {{ ref("int_sku_prices") }} as prices
    on counted.tenant_id = prices.tenant_id
    and counted.sku_id = prices.sku_id
    and counted.judged_on >= prices.valid_from
    and counted.judged_on < prices.valid_to
where counted.taken_back + counted.assigned_again + counted.still_free > 0
