with
    fetches as (
        select *, {{ days_between("report_date", "as_of") }} as age
        from {{ ref("stg_ledger__fetches") }}
        where
            source = 'getM365AppUserDetail'
            and report_date is not null
            and report_date <= {{ window_end() }}
    ),

    -- A day is asked for until it comes; what was tried last says why it is not there.
    attempts as (
        select
            tenant_id,
            report_date,
            outcome,
            row_number() over (
                partition by tenant_id, report_date order by completed_at desc, fetch_id desc
            ) as recency
        from fetches
    ),

    stored as (
        select
            *,
            row_number() over (
                partition by tenant_id, report_date order by completed_at desc, fetch_id desc
            ) as recency
        from fetches
        where outcome = 'ok' and verdict in ('applied', 'unchanged')
    ),

    stored_days as (
        select
            tenant_id,
            report_date,
            min(completed_at) as first_fetched_at,
            max(completed_at) as last_fetched_at
        from stored
        group by tenant_id, report_date
    ),

    -- Microsoft's own counts make a report without rows a real zero.
    counted_zero as (
        select tenant_id, report_date
        from {{ ref("stg_graph__m365_app_user_counts") }}
        group by tenant_id, report_date
        having
            {% for app in packed_apps() %}
                max({{ app }}) = 0 {%- if not loop.last %} and {% endif %}
            {% endfor %}
    ),

    first_days as (select tenant_id, min(report_date) as first_day from fetches group by tenant_id),

    calendar as (
        select tenant_id, {{ date_series("first_day", window_end()) }} as report_date
        from first_days
    ),

    days as (
        select
            calendar.tenant_id,
            calendar.report_date,
            {{ is_weekday("calendar.report_date") }} as is_weekday,
            case
                when stored.fetch_id is null and calendar.report_date < {{ window_start() }}
                then 'lost'
                when stored.fetch_id is null and attempts.outcome in ('lost', 'late')
                then attempts.outcome
                when stored.fetch_id is null and attempts.outcome is null
                then 'missing'
                when stored.fetch_id is null
                then 'failed'
                when stored.rows = 0
                then 'header_only'
                when stored.age >= {{ var("settle_days") }}
                then 'final'
                when attempts.outcome = 'lost' or calendar.report_date < {{ window_start() }}
                then 'unsettled_lost'
                else 'provisional'
            end as state,
            counted_zero.report_date is not null as is_counted_zero,
            stored.rows,
            stored.unknown_rows,
            stored.concealed_rows,
            stored.flag_disagreements,
            stored.report_refresh_date,
            stored_days.first_fetched_at,
            stored_days.last_fetched_at
        from calendar
        left join
            attempts
            on calendar.tenant_id = attempts.tenant_id
            and calendar.report_date = attempts.report_date
            and attempts.recency = 1
        left join
            stored
            on calendar.tenant_id = stored.tenant_id
            and calendar.report_date = stored.report_date
            and stored.recency = 1
        left join
            stored_days
            on calendar.tenant_id = stored_days.tenant_id
            and calendar.report_date = stored_days.report_date
        left join
            counted_zero
            on calendar.tenant_id = counted_zero.tenant_id
            and calendar.report_date = counted_zero.report_date
    )

select
    tenant_id,
    report_date,
    is_weekday,
    state,
    coalesce(rows > 0 or (state = 'header_only' and is_counted_zero), false) as is_observed,
    coalesce(concealed_rows * 2 > rows - coalesce(unknown_rows, 0), false) as is_concealed,
    rows,
    unknown_rows,
    flag_disagreements,
    first_fetched_at,
    last_fetched_at,
    report_refresh_date
from days
