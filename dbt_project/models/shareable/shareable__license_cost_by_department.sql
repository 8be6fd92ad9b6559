{{ config(alias="license_cost_by_department") }}
-- What is assigned is no use: nothing is hidden. A tenant that shows no splits shows none here.
select
    costs.tenant_id,
    case when sizes.shows_splits then costs.department else 'All' end as department,
    costs.sku_id,
    max(costs.product_name) as product_name,
    cast(sum(costs.licenses) as bigint) as licenses,
    max(case when costs.is_free then 1 else 0 end) = 1 as is_free,
    max(costs.unit_price) as unit_price,
    cast(sum(costs.monthly_cost) as decimal(18, 6)) as monthly_cost,
    max(costs.currency) as currency
from {{ ref("license_cost_by_department") }} as costs
inner join {{ ref("int_tenant_sizes") }} as sizes on costs.tenant_id = sizes.tenant_id
group by
    costs.tenant_id, case when sizes.shows_splits then costs.department else 'All' end, costs.sku_id
