-- Concealed names come as hashes. Whether a hash stays with a person from day to day is not
-- documented, so it is measured: how many of one weekday's hashes come back on any of the next five
-- (nobody works every day, but few are away for a whole week). Days are compared by the smaller of
-- the two sides: before a holiday many hashes stay away, and are stable all the same.
with
    weekdays as (
        select
            tenant_id,
            report_date,
            row_number() over (partition by tenant_id order by report_date) as day_number,
            lead(report_date) over (partition by tenant_id order by report_date) as next_report_date
        from {{ ref("int_report_days") }}
        where is_observed and is_concealed and is_weekday
    ),

    hashes as (
        select
            days.tenant_id,
            weekdays.day_number,
            lead(weekdays.day_number) over (
                partition by days.upn_key order by weekdays.day_number
            ) as seen_again
        from {{ ref("stg_graph__m365_app_user_days") }} as days
        inner join
            weekdays
            on days.tenant_id = weekdays.tenant_id
            and days.report_date = weekdays.report_date
        inner join {{ ref("stg_graph__upn_keys") }} as upn_keys on days.upn_key = upn_keys.upn_key
        where upn_keys.is_concealed
    ),

    day_counts as (
        select
            tenant_id,
            day_number,
            count(*) as hashes,
            count(case when seen_again <= day_number + 5 then 1 end) as found_again
        from hashes
        group by tenant_id, day_number
    ),

    followed as (
        select
            *,
            max(hashes) over (
                partition by tenant_id order by day_number rows between 1 following and 5 following
            ) as next_hashes,
            count(*) over (
                partition by tenant_id order by day_number rows between 1 following and 5 following
            ) as days_after
        from day_counts
    )

select
    followed.tenant_id,
    weekdays.report_date,
    weekdays.next_report_date,
    followed.days_after = 5 as is_telling,
    cast(least(followed.hashes, followed.next_hashes) as bigint) as hashes,
    cast(followed.found_again as bigint) as found_again,
    followed.found_again * 2 < least(followed.hashes, followed.next_hashes) as is_break
from followed
inner join
    weekdays
    on followed.tenant_id = weekdays.tenant_id
    and followed.day_number = weekdays.day_number
where followed.next_hashes is not null
