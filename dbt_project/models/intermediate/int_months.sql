-- How much each month has to tell, and how much is known of the time before it.
with
    known as (
        select
            tenant_id,
            report_date,
            sum(case when is_observed then 1 else 0 end) over (
                partition by tenant_id order by report_date
            ) as days_with_data,
            sum(case when is_observed and is_concealed then 1 else 0 end) over (
                partition by tenant_id order by report_date
            ) as concealed_days
        from {{ ref("int_report_days") }}
    ),

    ends as (
        select
            tenant_id,
            cast(date_trunc('month', report_date) as date) as month_start,
            max(days_with_data) as days_with_data,
            max(concealed_days) as concealed_days
        from known
        group by tenant_id, cast(date_trunc('month', report_date) as date)
    ),

    months as (
        select
            slices.tenant_id,
            slices.slice_start as month_start,
            slices.slice_end as month_end,
            slices.days_with_data,
            slices.days_in_slice,
            slices.counted_days,
            slices.counted_weekdays,
            slices.identity_basis,
            slices.slice_end <= {{ window_end() }} as is_over,
            slices.has_enough_days,
            ends.days_with_data - slices.days_with_data as history_days,
            ends.concealed_days = 0 as is_named_until_now
        from {{ ref("int_usage_slices") }} as slices
        inner join
            ends on slices.tenant_id = ends.tenant_id and slices.slice_start = ends.month_start
        where slices.slice_kind = 'month'
    )

select
    *,
    coalesce(
        lag(has_enough_days and identity_basis = 'named') over (
            partition by tenant_id order by month_start
        ),
        false
    ) as has_named_month_before
from months
