-- A report day holds what the last applied answer said; the version of a slice is made of all
-- answers
-- that were ever applied to its days, so that their order does not matter, and of which days count
-- people in it.
with
    days as (
        select
            tenant_id,
            report_date,
            bit_xor({{ hash_of("concat(cast(report_date as string), fetch_id)") }}) as version
        from {{ ref("stg_ledger__fetches") }}
        where source = 'getM365AppUserDetail' and report_date is not null and verdict = 'applied'
        group by tenant_id, report_date
    ),

    parts as (
        select
            tenant_id,
            'day' as slice_kind,
            report_date as slice_start,
            report_date,
            true as is_counted,
            version
        from days
        union all
        select
            days.tenant_id,
            'week' as slice_kind,
            usage_days.week_start as slice_start,
            days.report_date,
            true as is_counted,
            days.version
        from days
        inner join
            {{ ref("int_usage_days") }} as usage_days
            on days.tenant_id = usage_days.tenant_id
            and days.report_date = usage_days.report_date
        where usage_days.week_start is not null
        union all
        select
            days.tenant_id,
            'month' as slice_kind,
            cast(date_trunc('month', days.report_date) as date) as slice_start,
            days.report_date,
            usage_days.month_start is not null as is_counted,
            days.version + case when usage_days.month_start is not null then 1 else 0 end as version
        from days
        left join
            {{ ref("int_usage_days") }} as usage_days
            on days.tenant_id = usage_days.tenant_id
            and days.report_date = usage_days.report_date
    ),

    versions as (
        select tenant_id, slice_kind, slice_start, bit_xor(version) as slice_version
        from parts
        group by tenant_id, slice_kind, slice_start
    )

select
    parts.tenant_id,
    parts.slice_kind,
    parts.slice_start,
    parts.report_date,
    parts.is_counted,
    versions.slice_version
from parts
inner join
    versions
    on parts.tenant_id = versions.tenant_id
    and parts.slice_kind = versions.slice_kind
    and parts.slice_start = versions.slice_start
