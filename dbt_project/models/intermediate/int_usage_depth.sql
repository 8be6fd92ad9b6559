{%- set suite = app_masks()["suite"] %}
-- Everybody who used the suite in the last 28 days, and the licensed people who did not, by the
-- number of days.
with
    window_28 as (
        select *
        from {{ ref("int_usage_slices") }}
        where slice_kind = 'window' and window_days = 28 and day_kind = 'all'
    ),

    licensed as (
        select people.tenant_id, people.user_key
        from {{ ref("int_licensed_people") }} as people
        inner join
            window_28
            on people.tenant_id = window_28.tenant_id
            and people.license_day = window_28.license_day
        where {{ has_app("people.licensed", suite) }}
    ),

    used as (
        select
            days.tenant_id,
            days.user_key,
            {{ field_of("days.suite_days", "window_28.field") }} as active_days
        from {{ ref("int_user_window_days") }} as days
        inner join window_28 on days.tenant_id = window_28.tenant_id
    ),

    people as (
        select
            coalesce(used.tenant_id, licensed.tenant_id) as tenant_id,
            coalesce(used.user_key, licensed.user_key) as user_key,
            coalesce(used.active_days, 0) as active_days,
            licensed.user_key is not null as is_licensed
        from used
        full outer join
            licensed on used.tenant_id = licensed.tenant_id and used.user_key = licensed.user_key
    ),

    banded as (
        select
            people.tenant_id,
            coalesce(departments.department, 'Unknown department') as department,
            case
                when people.active_days = 0
                then 0
                when people.active_days <= 3
                then 1
                when people.active_days <= 9
                then 2
                when people.active_days <= 19
                then 3
                else 4
            end as band_number
        from people
        left join
            {{ ref("int_departments") }} as departments
            on people.tenant_id = departments.tenant_id
            and people.user_key = departments.user_key
        where people.is_licensed or people.active_days > 0
    ),

    counts as (
        select
            tenant_id,
            case when grouping(department) = 1 then 'All' else department end as department,
            band_number,
            count(*) as people
        from banded
        group by grouping sets ((tenant_id, department, band_number), (tenant_id, band_number))
    ),

    bands as (
        select 0 as band_number, '0' as band
        union all
        select 1 as band_number, '1-3' as band
        union all
        select 2 as band_number, '4-9' as band
        union all
        select 3 as band_number, '10-19' as band
        union all
        select 4 as band_number, '20+' as band
    )

select
    lines.tenant_id,
    lines.department,
    lines.is_total,
    bands.band,
    bands.band_number,
    window_28.slice_start as window_start,
    window_28.slice_end as window_end,
    window_28.days_with_data,
    window_28.counted_days,
    window_28.identity_basis,
    case
        -- Nobody can be seen on twenty days when few days have data.
        when window_28.counted_days < 20
        then null
        -- Who did not use it at all is known of people with names only, and with licences.
        when bands.band_number = 0 and not (lines.knows_licenses and window_28.knows_people)
        then null
        else coalesce(counts.people, 0)
    end as people
from {{ ref("int_usage_lines") }} as lines
inner join
    window_28
    on lines.tenant_id = window_28.tenant_id
    and (lines.is_total or window_28.knows_people)
cross join bands
left join
    counts
    on lines.tenant_id = counts.tenant_id
    and lines.department = counts.department
    and bands.band_number = counts.band_number
where lines.app = 'suite'
