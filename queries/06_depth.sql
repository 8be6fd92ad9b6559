-- How deep is the use?
--
-- People by the number of days, of the last 28, on which they used the suite, per department. "none" holds people
-- who are licensed and did not use it; the bands do not overlap, so they may be added. In the shareable copy a band
-- that would show a small group is null; people and share are then null, too.
select
    department,
    case when count(*) = count(people) then cast(sum(people) as bigint) end as people,
    max(case when band = '0' then people end) as none,
    max(case when band = '1-3' then people end) as days_1_3,
    max(case when band = '4-9' then people end) as days_4_9,
    max(case when band = '10-19' then people end) as days_10_19,
    max(case when band = '20+' then people end) as days_20_and_more,
    case
        when count(*) = count(people)
        then round(sum(case when band_number >= 3 then people else 0 end) / nullif(sum(people), 0), 3)
    end as share_of_10_days_and_more
from usage_depth
group by tenant_id, department, is_total
order by tenant_id, is_total desc, department
