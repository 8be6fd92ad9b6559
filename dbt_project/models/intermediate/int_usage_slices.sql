-- Windows, weeks and months: which of their days have data, and what these can tell about people.
with
    tenants as (
        select tenants.tenant_id, min(users.observed_on) as first_directory_day
        from {{ ref("int_tenants") }} as tenants
        left join {{ ref("stg_graph__users") }} as users on tenants.tenant_id = users.tenant_id
        group by tenants.tenant_id
    ),

    windows as (
        {% for window in usage_windows() %}
            select
                {{ window.field }} as field,
                {{ window.days }} as window_days,
                '{{ window.day_kind }}' as day_kind,
                {{ window.days_inside }} as days_in_slice,
                {{ day_from_today(1 - var("lag_days") - window.days) }} as slice_start
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    periods as (
        select
            tenant_id,
            cast(date_trunc('week', report_date) as date) as week_start,
            cast(date_trunc('month', report_date) as date) as month_start
        from {{ ref("int_report_days") }}
    ),

    slices as (
        select
            tenants.tenant_id,
            'window' as slice_kind,
            windows.field,
            windows.window_days,
            windows.day_kind,
            windows.days_in_slice,
            windows.slice_start,
            {{ window_end() }} as slice_end
        from tenants
        cross join windows
        union all
        {% for slice_kind in ["current", "previous"] %}
            select
                tenant_id,
                '{{ slice_kind }}' as slice_kind,
                cast(null as int) as field,
                {{ var("window_days") }} as window_days,
                'all' as day_kind,
                {{ var("window_days") }} as days_in_slice,
                {{ window_start(loop.index0) }} as slice_start,
                {{ window_end(loop.index0) }} as slice_end
            from tenants
            union all
        {% endfor %}
        select distinct
            tenant_id,
            'week' as slice_kind,
            cast(null as int) as field,
            cast(null as int) as window_days,
            'all' as day_kind,
            7 as days_in_slice,
            week_start as slice_start,
            {{ plus_days("week_start", 6) }} as slice_end
        from periods
        union all
        select distinct
            tenant_id,
            'month' as slice_kind,
            cast(null as int) as field,
            cast(null as int) as window_days,
            'all' as day_kind,
            {{ days_between("month_start", "last_day(month_start)") }} + 1 as days_in_slice,
            month_start as slice_start,
            last_day(month_start) as slice_end
        from periods
    ),

    day_counts as (
        select
            slices.tenant_id,
            slices.slice_kind,
            slices.day_kind,
            slices.slice_start,
            count(*) as days_with_data,
            sum(case when days.state = 'provisional' then 1 else 0 end) as provisional_days,
            sum(case when days.is_concealed then 1 else 0 end) as concealed_days,
            sum(case when days.is_weekday then 1 else 0 end) as weekdays_with_data,
            sum(
                case when days.is_weekday and not days.is_concealed then 1 else 0 end
            ) as named_weekdays
        from slices
        inner join
            {{ ref("int_report_days") }} as days
            on slices.tenant_id = days.tenant_id
            and days.report_date >= slices.slice_start
            and days.report_date <= slices.slice_end
        where days.is_observed and (slices.day_kind = 'all' or days.is_weekday)
        group by slices.tenant_id, slices.slice_kind, slices.day_kind, slices.slice_start
    ),

    -- Hashes that must last for a week are looked at over four: a week alone tells too little.
    stability as (
        select
            slices.tenant_id,
            slices.slice_kind,
            slices.day_kind,
            slices.slice_start,
            sum(case when days.is_telling then days.hashes else 0 end) as hashes,
            sum(
                case when days.is_telling then least(days.found_again, days.hashes) else 0 end
            ) as found_again,
            max(case when days.is_break then 1 else 0 end) as breaks
        from slices
        inner join
            {{ ref("int_hash_days") }} as days
            on slices.tenant_id = days.tenant_id
            and days.report_date
            >= least(slices.slice_start, {{ plus_days("slices.slice_end", -27) }})
            and days.next_report_date <= slices.slice_end
        group by slices.tenant_id, slices.slice_kind, slices.day_kind, slices.slice_start
    ),

    counted as (
        select
            slices.tenant_id,
            slices.slice_kind,
            slices.field,
            slices.window_days,
            slices.day_kind,
            slices.days_in_slice,
            slices.slice_start,
            slices.slice_end,
            coalesce(day_counts.days_with_data, 0) as days_with_data,
            coalesce(day_counts.provisional_days, 0) as provisional_days,
            coalesce(day_counts.concealed_days, 0) as concealed_days,
            coalesce(day_counts.weekdays_with_data, 0) as weekdays_with_data,
            coalesce(day_counts.named_weekdays, 0) as named_weekdays,
            coalesce(
                {{ is_stable("stability.hashes", "stability.found_again", "stability.breaks") }},
                false
            ) as has_stable_hashes,
            least(slices.slice_end, {{ window_end() }}) as last_day,
            tenants.first_directory_day
        from slices
        inner join tenants on slices.tenant_id = tenants.tenant_id
        left join
            day_counts
            on slices.tenant_id = day_counts.tenant_id
            and slices.slice_kind = day_counts.slice_kind
            and slices.day_kind = day_counts.day_kind
            and slices.slice_start = day_counts.slice_start
        left join
            stability
            on slices.tenant_id = stability.tenant_id
            and slices.slice_kind = stability.slice_kind
            and slices.day_kind = stability.day_kind
            and slices.slice_start = stability.slice_start
    ),

    judged as (
        select
            *,
            case
                when days_with_data = 0
                then null
                when concealed_days = 0
                then 'named'
                when concealed_days = days_with_data
                then 'concealed'
                else 'mixed'
            end as identity_basis
        from counted
    )

select
    tenant_id,
    slice_kind,
    field,
    window_days,
    day_kind,
    slice_start,
    slice_end,
    cast(days_in_slice as int) as days_in_slice,
    cast(days_with_data as int) as days_with_data,
    cast(days_with_data - provisional_days as int) as observed_days,
    cast(provisional_days as int) as provisional_days,
    cast(days_with_data - concealed_days as int) as named_days,
    cast(concealed_days as int) as concealed_days,
    cast(weekdays_with_data as int) as weekdays_with_data,
    days_with_data * 28 >= 20 * days_in_slice as has_enough_days,
    identity_basis,
    -- Named and concealed people are never mixed: with both, only the named days count people.
    cast(
        case
            when identity_basis = 'mixed'
            then days_with_data - concealed_days
            when identity_basis = 'concealed' and not has_stable_hashes and days_with_data > 1
            then 0
            else days_with_data
        end as int
    ) as counted_days,
    cast(
        case
            when identity_basis = 'mixed'
            then named_weekdays
            when identity_basis = 'concealed' and not has_stable_hashes and days_with_data > 1
            then 0
            else weekdays_with_data
        end as int
    ) as counted_weekdays,
    coalesce(identity_basis, 'named') <> 'concealed' as knows_people,
    greatest(last_day, coalesce(first_directory_day, last_day)) as license_day,
    coalesce(first_directory_day <= last_day, false) as license_known
from judged
