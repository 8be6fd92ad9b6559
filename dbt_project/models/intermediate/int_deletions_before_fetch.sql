-- How many people were deleted between a day and the last fetch of its report.
select days.tenant_id, days.report_date, count(*) as deleted_people
from {{ ref("int_report_days") }} as days
inner join
    {{ ref("int_people") }} as people
    on days.tenant_id = people.tenant_id
    and people.is_deleted
    and people.deleted_on >= days.report_date
    and people.deleted_on <= {{ utc_date("days.last_fetched_at") }}
group by days.tenant_id, days.report_date
