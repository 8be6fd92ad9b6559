-- How many licences are bought, assigned, spare, and over-assigned?
--
-- Products that are assigned to people and cost money; free ones, trials and those that look unlimited are left out.
-- Over-assigned: more assigned than purchased and in grace (units of an ended subscription that still work for a
-- while). An unknown price is null, never 0; amounts are a month and in the currency of the row, which is never
-- converted.
select
    product_name,
    enabled as purchased,
    warning as in_grace,
    assigned,
    unassigned,
    over_assigned,
    assigned_on_expired,
    round(assigned / nullif(enabled, 0), 3) as assigned_share,
    cast(unit_price as decimal(18, 2)) as unit_price,
    cast(unassigned * unit_price as decimal(18, 2)) as unassigned_cost,
    currency,
    renewal_date
from license_inventory
where applies_to = 'User' and not is_free and not coalesce(is_trial, false) and not looks_unlimited
order by tenant_id, unassigned_cost desc nulls last, product_name
