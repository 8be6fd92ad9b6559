-- The last four complete weeks whose names are open, of the last eight.
with
    complete as (
        select
            tenant_id,
            slice_start as week_start,
            slice_end as week_end,
            row_number() over (partition by tenant_id order by slice_start desc) as recency
        from {{ ref("int_usage_slices") }}
        where
            slice_kind = 'week'
            and counted_days = 7
            and identity_basis = 'named'
            and slice_start > {{ day_from_today(-var("lag_days") - 56) }}
    )

select
    tenant_id,
    week_start,
    cast(count(*) over (partition by tenant_id) as int) as weeks,
    min(week_start) over (partition by tenant_id) as first_week_start,
    max(week_start) over (partition by tenant_id) as last_week_start,
    max(week_end) over (partition by tenant_id) as last_week_end
from complete
where recency <= 4
