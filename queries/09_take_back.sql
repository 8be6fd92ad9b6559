-- Which licences can we take back, why, and what do we save?
--
-- Admin copy only: it names people. One row per person and product, with the first reason that fits and what it rests
-- on. A duplicate saves nothing; a null saving is an unknown price. Whoever must keep a licence goes into
-- rules/allow_list.csv. Without names: license_savings has the same as counts and sums per product.
select
    r.user_principal_name,
    u.display_name,
    r.department,
    r.product_name,
    r.reason,
    r.last_use_on,
    r.held_since,
    r.evidence_source,
    r.evidence_until,
    r.removable,
    cast(r.monthly_saving as decimal(18, 2)) as monthly_saving,
    cast(12 * r.monthly_saving as decimal(18, 2)) as yearly_saving,
    r.currency
from reclaimable_licenses as r
inner join users as u on u.tenant_id = r.tenant_id and u.user_key = r.user_key
order by r.tenant_id, r.monthly_saving desc nulls last, r.user_principal_name, r.product_name
