with
    windows as (
        select
            'current' as which_window,
            {{ window_start() }} as window_start,
            {{ window_end() }} as window_end
        union all
        select
            'previous' as which_window,
            {{ window_start(1) }} as window_start,
            {{ window_end(1) }} as window_end
    ),

    day_counts as (
        select
            days.tenant_id,
            windows.which_window,
            count(*) as days_with_data,
            sum(case when days.state = 'provisional' then 1 else 0 end) as provisional_days,
            sum(case when days.is_weekday then 1 else 0 end) as weekdays_with_data,
            sum(case when days.is_concealed then 1 else 0 end) as concealed_days,
            sum(
                case when days.is_concealed or not days.is_weekday then 0 else 1 end
            ) as named_weekdays
        from {{ ref("int_report_days") }} as days
        inner join
            windows
            on days.report_date >= windows.window_start
            and days.report_date <= windows.window_end
        where days.is_observed
        group by days.tenant_id, windows.which_window
    ),

    counted as (
        select
            tenants.tenant_id,
            windows.which_window,
            windows.window_start,
            windows.window_end,
            coalesce(day_counts.days_with_data, 0) as days_with_data,
            coalesce(day_counts.provisional_days, 0) as provisional_days,
            coalesce(day_counts.weekdays_with_data, 0) as weekdays_with_data,
            coalesce(day_counts.concealed_days, 0) as concealed_days,
            coalesce(day_counts.named_weekdays, 0) as named_weekdays,
            coalesce(stability.is_stable, false) as has_stable_hashes
        from {{ ref("int_tenants") }} as tenants
        cross join windows
        left join
            day_counts
            on tenants.tenant_id = day_counts.tenant_id
            and windows.which_window = day_counts.which_window
        left join
            {{ ref("int_hash_stability") }} as stability
            on tenants.tenant_id = stability.tenant_id
            and windows.which_window = stability.which_window
    )

select
    tenant_id,
    which_window,
    window_start,
    window_end,
    cast(days_with_data as int) as days_with_data,
    cast(days_with_data - provisional_days as int) as observed_days,
    cast(provisional_days as int) as provisional_days,
    cast({{ var("window_days") }} - days_with_data as int) as missing_days,
    cast(weekdays_with_data as int) as weekdays_with_data,
    cast(days_with_data - concealed_days as int) as named_days,
    cast(concealed_days as int) as concealed_days,
    case
        when days_with_data = 0
        then null
        when concealed_days = 0
        then 'named'
        when concealed_days = days_with_data
        then 'concealed'
        else 'mixed'
    end as identity_basis,
    case
        when days_with_data = 0
        then false
        when concealed_days < days_with_data
        then true
        else has_stable_hashes or days_with_data = 1
    end as counts_people,
    cast(
        case
            when concealed_days < days_with_data then named_weekdays else weekdays_with_data
        end as int
    ) as counted_weekdays,
    days_with_data * 28 >= 20 * {{ var("window_days") }} as is_comparable
from counted
