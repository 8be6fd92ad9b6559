{{ config(alias="license_cost_by_department") }}
-- What is assigned is no use, and no count is hidden; but departments of a few people are merged,
-- and a tenant that shows no splits shows none here.
with
    shown as (
        select
            costs.*,
            case when merged.is_shown then merged.shown_department else 'All' end as shown_as
        from {{ ref("license_cost_by_department") }} as costs
        inner join
            {{ ref("int_department_groups") }} as merged
            on costs.tenant_id = merged.tenant_id
            and costs.department = merged.department
    )

select
    tenant_id,
    shown_as as department,
    sku_id,
    max(product_name) as product_name,
    cast(sum(licenses) as bigint) as licenses,
    max(case when is_free then 1 else 0 end) = 1 as is_free,
    max(unit_price) as unit_price,
    cast(sum(monthly_cost) as decimal(18, 6)) as monthly_cost,
    max(currency) as currency
from shown
group by tenant_id, shown_as, sku_id
