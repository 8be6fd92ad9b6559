-- Do people come back?
--
-- Per month: who used the suite this month and last (returning), for the first time, again after a pause (resumed),
-- and who stayed away (lost). First-time and lost are null until 60 days of history exist: before that everybody
-- would be new. Stickiness: of the month's people, how many are there on an average working day.
select
    month_start,
    is_complete,
    active_users,
    returning_users,
    first_time_users,
    resumed_users,
    lost_users,
    round(return_rate, 3) as return_rate,
    round(stickiness, 3) as stickiness,
    history_days
from engagement_monthly
where app = 'suite'
order by tenant_id, month_start desc
