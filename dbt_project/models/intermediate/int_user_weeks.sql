with
    used as (
        select
            days.tenant_id,
            usage_days.week_start,
            days.user_key,
            bit_or(cast({{ apps_used("days.") }} as smallint)) as used
        from {{ ref("int_user_days") }} as days
        inner join
            {{ ref("int_usage_days") }} as usage_days
            on days.tenant_id = usage_days.tenant_id
            and days.report_date = usage_days.report_date
        where usage_days.week_start is not null
        group by days.tenant_id, usage_days.week_start, days.user_key
    ),

    licensed as (
        select people.tenant_id, weeks.slice_start as week_start, people.user_key, people.licensed
        from {{ ref("int_licensed_people") }} as people
        inner join
            {{ ref("int_usage_slices") }} as weeks
            on people.tenant_id = weeks.tenant_id
            and people.license_day = weeks.license_day
        where weeks.slice_kind = 'week'
    )

select
    coalesce(used.tenant_id, licensed.tenant_id) as tenant_id,
    coalesce(used.week_start, licensed.week_start) as week_start,
    coalesce(used.user_key, licensed.user_key) as user_key,
    coalesce(used.used, 0) as used,
    coalesce(licensed.licensed, 0) as licensed
from used
full outer join
    licensed
    on used.tenant_id = licensed.tenant_id
    and used.week_start = licensed.week_start
    and used.user_key = licensed.user_key
