-- How many licensed people are active, and is it rising?
--
-- Week by week, complete weeks only: people who hold a licence that includes the suite (Outlook, Word, Excel,
-- PowerPoint, OneNote), and those of them who used any of the five. Teams is not in it: take app = 'teams' for
-- Teams, or app = 'excel' for one app. The rows of department 'All' count everybody anew; never add departments
-- of different apps, or people over weeks.
select
    week_start,
    licensed_users,
    licensed_active_users,
    active_rate,
    -- In percentage points against the week before; null after a gap.
    case
        when lag(week_start) over weeks = week_start - 7
        then round(100 * (active_rate - lag(active_rate) over weeks), 1)
    end as change_in_points
from usage_weekly
where app = 'suite' and is_total and is_complete
window weeks as (partition by tenant_id order by week_start)
order by tenant_id, week_start desc
