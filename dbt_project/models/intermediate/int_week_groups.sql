-- Whoever used something is looked at week by week; all others who are licensed are what is left of
-- the licensed, who are counted by their licences first.
with
    weeks as (
        select tenant_id, slice_start as week_start, license_day
        from {{ ref("int_usage_slices") }}
        where slice_kind = 'week'
    ),

    used as (
        select
            people.tenant_id,
            people.week_start,
            coalesce(departments.department, 'Unknown department') as department,
            people.used,
            coalesce(spans.licensed, 0) as licensed,
            count(*) as people
        from {{ ref("int_user_weeks") }} as people
        inner join
            weeks on people.tenant_id = weeks.tenant_id and people.week_start = weeks.week_start
        left join
            {{ ref("int_license_spans") }} as spans
            on people.user_key = spans.user_key
            and weeks.license_day >= spans.valid_from
            and weeks.license_day < spans.valid_to
        left join
            {{ ref("int_departments") }} as departments on people.user_key = departments.user_key
        group by
            people.tenant_id,
            people.week_start,
            coalesce(departments.department, 'Unknown department'),
            people.used,
            coalesce(spans.licensed, 0)
    ),

    licensed as (
        select
            spans.tenant_id,
            coalesce(departments.department, 'Unknown department') as department,
            spans.valid_from,
            spans.valid_to,
            spans.licensed,
            count(*) as people
        from {{ ref("int_license_spans") }} as spans
        left join
            {{ ref("int_departments") }} as departments on spans.user_key = departments.user_key
        group by
            spans.tenant_id,
            coalesce(departments.department, 'Unknown department'),
            spans.valid_from,
            spans.valid_to,
            spans.licensed
    ),

    counts as (
        select *
        from used
        union all
        select tenant_id, week_start, department, 0 as used, licensed, - people as people
        from used
        where licensed > 0
        union all
        select
            licensed.tenant_id,
            weeks.week_start,
            licensed.department,
            0 as used,
            licensed.licensed,
            licensed.people
        from licensed
        inner join
            weeks
            on licensed.tenant_id = weeks.tenant_id
            and weeks.license_day >= licensed.valid_from
            and weeks.license_day < licensed.valid_to
    )

select tenant_id, week_start, department, used, licensed, cast(sum(people) as bigint) as people
from counts
group by tenant_id, week_start, department, used, licensed
having sum(people) > 0
