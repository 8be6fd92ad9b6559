-- Is the Office suite or Teams the main tool?
--
-- Each month's people in three parts that do not overlap, so these may be added: only the suite, only Teams, both.
-- A month that is not complete yet is marked. For the two side by side day by day, see 02_apps_by_day.sql.
with months as (
    select *, nullif(suite_only_users + both_users + teams_only_users, 0) as people
    from suite_teams_segments
)
select
    month_start,
    is_complete,
    suite_only_users,
    both_users,
    teams_only_users,
    round(suite_only_users / people, 3) as suite_only_share,
    round(both_users / people, 3) as both_share,
    round(teams_only_users / people, 3) as teams_only_share
from months
order by tenant_id, month_start desc
