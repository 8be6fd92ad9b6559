-- The same SKU held directly and through a group is one licence.
with
    holders as (
        select distinct tenant_id, sku_id, user_key
        from {{ ref("int_license_periods") }}
        where is_current and is_held
    ),

    counts as (
        select holders.tenant_id, departments.department, holders.sku_id, count(*) as licenses
        from holders
        inner join
            {{ ref("int_departments") }} as departments
            on holders.tenant_id = departments.tenant_id
            and holders.user_key = departments.user_key
        group by holders.tenant_id, departments.department, holders.sku_id
    )

select
    counts.tenant_id,
    counts.department,
    counts.sku_id,
    skus.product_name,
    counts.licenses,
    skus.is_free,
    skus.monthly_price as unit_price,
    cast(counts.licenses * skus.monthly_price as decimal(18, 6)) as monthly_cost,
    skus.currency
from counts
inner join
    {{ ref("int_skus") }} as skus
    on counts.tenant_id = skus.tenant_id
    and counts.sku_id = skus.sku_id
