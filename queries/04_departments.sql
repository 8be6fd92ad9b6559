-- Which departments lag?
--
-- The share of licensed people who used the suite in a week, mean of the last four complete weeks, beside that of
-- the whole tenant: furthest behind first. Take app = 'teams' or one app for its own ranking. Small departments are
-- put together or hidden in the shareable copy (is_suppressed).
select
    d.department,
    d.licensed_users,
    d.active_users,
    round(d.adoption_rate, 3) as adoption_rate,
    round(t.adoption_rate, 3) as tenant_rate,
    round(100 * (d.adoption_rate - t.adoption_rate), 1) as points_to_tenant,
    d.weeks,
    d.is_suppressed
from adoption_by_department as d
inner join adoption_by_department as t on t.tenant_id = d.tenant_id and t.app = d.app and t.is_total
where d.app = 'suite' and not d.is_total
order by d.tenant_id, points_to_tenant nulls last, d.department
