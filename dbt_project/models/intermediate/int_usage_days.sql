-- Each day with data: the week and the month in which it counts people, and what it adds to the
-- packed windows. Null, or nothing: its people cannot be told apart there.
with
    days as (
        select
            tenant_id,
            report_date,
            is_weekday,
            is_concealed,
            cast(date_trunc('week', report_date) as date) as week_start,
            cast(date_trunc('month', report_date) as date) as month_start
        from {{ ref("int_report_days") }}
        where is_observed
    ),

    units as (
        {% for window in usage_windows() %}
            select
                {{ window.field }} as field, cast({{ field_unit(window.field) }} as bigint) as unit
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    windows as (
        select days.tenant_id, days.report_date, cast(sum(units.unit) as bigint) as window_units
        from days
        inner join
            {{ ref("int_usage_slices") }} as slices
            on days.tenant_id = slices.tenant_id
            and days.report_date >= slices.slice_start
            and days.report_date <= slices.slice_end
        inner join units on slices.field = units.field
        where
            slices.slice_kind = 'window'
            and slices.counted_days > 0
            and (slices.day_kind = 'all' or days.is_weekday)
            and (slices.identity_basis = 'concealed' or not days.is_concealed)
        group by days.tenant_id, days.report_date
    )

select
    days.tenant_id,
    days.report_date,
    days.is_weekday,
    case
        when
            weeks.counted_days > 0 and (weeks.identity_basis = 'concealed' or not days.is_concealed)
        then days.week_start
    end as week_start,
    case
        when
            months.counted_days > 0
            and (months.identity_basis = 'concealed' or not days.is_concealed)
        then days.month_start
    end as month_start,
    coalesce(windows.window_units, 0) as window_units
from days
left join
    {{ ref("int_usage_slices") }} as weeks
    on days.tenant_id = weeks.tenant_id
    and weeks.slice_kind = 'week'
    and days.week_start = weeks.slice_start
left join
    {{ ref("int_usage_slices") }} as months
    on days.tenant_id = months.tenant_id
    and months.slice_kind = 'month'
    and days.month_start = months.slice_start
left join windows on days.tenant_id = windows.tenant_id and days.report_date = windows.report_date
