with
    counts as (
        {% for app in packed_apps() %}
            select
                tenant_id,
                report_date,
                '{{ app }}' as app,
                cast({{ app }} as bigint) as microsoft_users
            from {{ ref("stg_graph__m365_app_user_counts") }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    compared as (
        select
            usage.tenant_id,
            usage.app,
            usage.report_date,
            usage.day_state,
            usage.is_observed,
            usage.active_users,
            usage.unknown_users,
            usage.active_users + usage.unknown_users as counted_users,
            counts.microsoft_users,
            usage.active_users + usage.unknown_users - counts.microsoft_users as difference,
            days.is_concealed,
            coalesce(deletions.deleted_people, 0) as deleted_people
        from {{ ref("app_usage_daily") }} as usage
        inner join
            {{ ref("int_report_days") }} as days
            on usage.tenant_id = days.tenant_id
            and usage.report_date = days.report_date
        left join
            counts
            on usage.tenant_id = counts.tenant_id
            and usage.report_date = counts.report_date
            and usage.app = counts.app
        left join
            {{ ref("int_deletions_before_fetch") }} as deletions
            on usage.tenant_id = deletions.tenant_id
            and usage.report_date = deletions.report_date
    )

select
    tenant_id,
    app,
    report_date,
    day_state,
    active_users,
    unknown_users,
    counted_users,
    microsoft_users,
    difference,
    cast(difference as double) / nullif(microsoft_users, 0) as difference_rate,
    -- One person is a large share of a quiet day, and no sign of anything.
    abs(difference)
    <= greatest(1, {{ var("reconciliation_tolerance") }} * microsoft_users) as is_within_tolerance,
    case
        when not is_observed
        then 'no_report'
        when microsoft_users is null
        then 'no_count'
        when difference = 0
        then 'none'
        when day_state in ('provisional', 'unsettled_lost')
        then 'not_settled'
        when is_concealed
        then 'concealed'
        when difference > 0 and difference <= unknown_users
        then 'unknown_names'
        -- Microsoft's totals keep people who were deleted since, a report fetched afterwards may
        -- not.
        when difference < 0 and - difference <= deleted_people
        then 'deleted_people'
        else 'unexplained'
    end as cause
from compared
