-- Can I trust the data today?
--
-- One row per tenant: how far the data reach, when they were loaded, what is known of the last 28 days, and on how many
-- of these days an app's count differs from Microsoft's own by more than the tolerance. For the days themselves:
-- from report_days; for the differences and their causes: from reconciliation_daily.
select
    t.name as tenant,
    t.data_through,
    w.window_end as newest_day_expected,
    t.last_synced_at,
    t.is_concealed_now,
    w.observed_days as settled_days,
    w.provisional_days,
    w.missing_days,
    (
        select string_agg(distinct cast(r.report_date as varchar) || ' ' || r.state, ', ')
        from report_days as r
        where
            r.tenant_id = t.tenant_id
            and r.report_date between w.window_start and w.window_end
            and not r.is_observed
    ) as missing,
    (
        select count(distinct c.report_date)
        from reconciliation_daily as c
        where
            c.tenant_id = t.tenant_id
            and c.report_date between w.window_start and w.window_end
            and not c.is_within_tolerance
    ) as days_that_differ
from tenants as t
left join suite_usage_28d as w on w.tenant_id = t.tenant_id
order by t.name
