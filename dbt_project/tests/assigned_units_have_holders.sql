-- What the service counts as assigned, beside the people seen with the licence on that day.
-- A difference is no fault of the tables: people changed between the two reads, or not everybody
-- is read.
{{
    config(
        severity="warn",
        meta={
            "description": "Assigned licences have holders in the directory, as far as it is known.",
            "dagster": {"ref": {"name": "license_inventory"}},
        },
    )
}}
with
    holders as (
        select inventory.tenant_id, inventory.sku_id, count(distinct periods.user_key) as holders
        from {{ ref("license_inventory") }} as inventory
        inner join
            {{ ref("int_license_periods") }} as periods
            on inventory.tenant_id = periods.tenant_id
            and inventory.sku_id = periods.sku_id
            and inventory.observed_on >= periods.valid_from
            and inventory.observed_on < periods.valid_to
        where periods.is_held
        group by inventory.tenant_id, inventory.sku_id
    ),

    read_tenants as (select distinct tenant_id from {{ ref("stg_graph__users") }})

select
    inventory.tenant_id,
    inventory.product_name,
    inventory.assigned,
    coalesce(holders.holders, 0) as holders,
    inventory.assigned - coalesce(holders.holders, 0) as difference
from {{ ref("license_inventory") }} as inventory
inner join read_tenants on inventory.tenant_id = read_tenants.tenant_id
left join holders on inventory.tenant_id = holders.tenant_id and inventory.sku_id = holders.sku_id
where inventory.applies_to = 'User' and inventory.assigned <> coalesce(holders.holders, 0)
