-- Which apps are used each day?
--
-- People per app on each of the last 28 days. Null is a day without data, 0 a day without use. The same person can
-- be in every column, so the columns must not be added; "suite" counts everybody in it once.
select
    d.report_date,
    dayname(d.report_date) as weekday,
    d.day_state,
    d.active_users as suite,
    max(case when a.app = 'outlook' then a.active_users end) as outlook,
    max(case when a.app = 'word' then a.active_users end) as word,
    max(case when a.app = 'excel' then a.active_users end) as excel,
    max(case when a.app = 'powerpoint' then a.active_users end) as powerpoint,
    max(case when a.app = 'onenote' then a.active_users end) as onenote,
    max(case when a.app = 'teams' then a.active_users end) as teams_on_its_own
from suite_usage_daily as d
inner join suite_usage_28d as w
    on w.tenant_id = d.tenant_id and d.report_date between w.window_start and w.window_end
left join app_usage_daily as a on a.tenant_id = d.tenant_id and a.report_date = d.report_date
group by d.tenant_id, d.report_date, d.day_state, d.active_users
order by d.tenant_id, d.report_date desc
