-- Two lists in a row are compared: a licence that left the list because nobody holds it any more
-- was
-- taken back; one that left it otherwise is used again, or kept on purpose.
with
    judged as (
        select licenses.*, days.judgement, days.judged_month
        from {{ ref("int_judged_licenses") }} as licenses
        inner join
            {{ ref("int_judgement_days") }} as days
            on licenses.tenant_id = days.tenant_id
            and licenses.judged_on = days.judged_on
    ),

    pairs as (
        select
            days.tenant_id,
            days.judgement,
            days.judged_on,
            days.judged_month,
            days.is_current,
            last_list.judged_on as judged_before
        from {{ ref("int_judgement_days") }} as days
        left join
            {{ ref("int_judgement_days") }} as last_list
            on days.tenant_id = last_list.tenant_id
            and days.judgement = last_list.judgement + 1
    ),

    wasted as (
        select
            this_list.tenant_id,
            this_list.judged_on,
            this_list.sku_id,
            count(*) as reclaimable,
            count(case when last_list.reason is null then 1 end) as added,
            cast(0 as bigint) as taken_back,
            cast(0 as bigint) as used_again
        from judged as this_list
        left join
            judged as last_list
            on this_list.tenant_id = last_list.tenant_id
            and this_list.judgement = last_list.judgement + 1
            and this_list.user_key = last_list.user_key
            and this_list.sku_id = last_list.sku_id
            and last_list.reason <> 'duplicate_assignment'
        where this_list.reason <> 'duplicate_assignment'
        group by this_list.tenant_id, this_list.judged_on, this_list.sku_id
        union all
        select
            pairs.tenant_id,
            pairs.judged_on,
            last_list.sku_id,
            cast(0 as bigint) as reclaimable,
            cast(0 as bigint) as added,
            count(case when this_list.user_key is null then 1 end) as taken_back,
            count(
                case
                    when
                        this_list.user_key is not null
                        and coalesce(this_list.reason, 'duplicate_assignment')
                        = 'duplicate_assignment'
                    then 1
                end
            ) as used_again
        from judged as last_list
        inner join
            pairs
            on last_list.tenant_id = pairs.tenant_id
            and last_list.judgement + 1 = pairs.judgement
        left join
            judged as this_list
            on last_list.tenant_id = this_list.tenant_id
            and last_list.judgement + 1 = this_list.judgement
            and last_list.user_key = this_list.user_key
            and last_list.sku_id = this_list.sku_id
        where last_list.reason <> 'duplicate_assignment'
        group by pairs.tenant_id, pairs.judged_on, last_list.sku_id
    ),

    totals as (
        select
            tenant_id,
            judged_on,
            sku_id,
            cast(sum(reclaimable) as bigint) as reclaimable,
            cast(sum(added) as bigint) as added,
            cast(sum(taken_back) as bigint) as taken_back,
            cast(sum(used_again) as bigint) as used_again
        from wasted
        group by tenant_id, judged_on, sku_id
    ),

    holders as (
        select tenant_id, judged_on, sku_id, count(*) as holders
        from {{ ref("int_held_licenses") }}
        group by tenant_id, judged_on, sku_id
    )

select
    pairs.tenant_id,
    totals.sku_id,
    pairs.judged_month as waste_month,
    pairs.judged_on,
    not pairs.is_current as is_complete,
    inventory.product_name,
    coalesce(holders.holders, 0) as holders,
    totals.reclaimable,
    case when pairs.judged_before is not null then totals.added end as new_waste,
    case when pairs.judged_before is not null then totals.taken_back end as realised,
    case when pairs.judged_before is not null then totals.used_again end as used_again,
    cast(totals.reclaimable * prices.monthly_price as decimal(18, 2)) as reclaimable_monthly_cost,
    cast(
        case
            when pairs.judged_before is not null then totals.added * prices.monthly_price
        end as decimal(18, 2)
    ) as new_waste_monthly_cost,
    cast(
        case
            when pairs.judged_before is not null then totals.taken_back * prices.monthly_price
        end as decimal(18, 2)
    ) as realised_monthly_saving,
    prices.currency,
    false as is_suppressed
from totals
inner join pairs on totals.tenant_id = pairs.tenant_id and totals.judged_on = pairs.judged_on
left join
    holders
    on totals.tenant_id = holders.tenant_id
    and totals.judged_on = holders.judged_on
    and totals.sku_id = holders.sku_id
left join
    {{ ref("license_inventory") }} as inventory
    on totals.tenant_id = inventory.tenant_id
    and totals.sku_id = inventory.sku_id
left join
    {{ ref("int_sku_prices") }} as prices
    on totals.tenant_id = prices.tenant_id
    and totals.sku_id = prices.sku_id
    and totals.judged_on >= prices.valid_from
    and totals.judged_on < prices.valid_to
