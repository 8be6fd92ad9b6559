-- From the month of the first licence that a step freed to the current one, judged on the last day.
with
    firsts as (
        select tenant_id, min(freed_on) as first_on
        from {{ ref("int_freed_licenses") }}
        group by tenant_id
    ),

    days as (
        select tenant_id, {{ date_series("first_on", day_from_today(0)) }} as judged_on
        from firsts
        where first_on <= {{ day_from_today(0) }}
    )

select
    tenant_id,
    cast(date_trunc('month', judged_on) as date) as saving_month,
    max(judged_on) as judged_on,
    max(judged_on) < {{ day_from_today(0) }} as is_complete
from days
group by tenant_id, cast(date_trunc('month', judged_on) as date)
