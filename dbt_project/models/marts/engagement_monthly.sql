with
    months as (
        select
            engagement.*,
            lag(engagement.active_users) over (
                partition by engagement.tenant_id, engagement.app order by engagement.month_start
            ) as active_users_before
        from {{ ref("int_engagement") }} as engagement
    ),

    told as (
        select
            months.tenant_id,
            months.app,
            months.month_start,
            facts.month_end,
            facts.days_with_data,
            facts.counted_days,
            facts.is_over and facts.counted_days = facts.days_in_slice as is_complete,
            facts.history_days,
            facts.identity_basis,
            months.active_users,
            case
                when facts.has_named_month_before then months.active_users_before
            end as prev_active_users,
            case
                when facts.has_named_month_before and facts.identity_basis = 'named'
                then months.returning_users
            end as returning_users,
            case
                when facts.is_named_until_now and facts.history_days >= {{ var("history_days") }}
                then months.first_time_users
            end as first_time_users,
            case
                when
                    facts.is_over
                    and facts.has_enough_days
                    and facts.identity_basis = 'named'
                    and facts.has_named_month_before
                    and facts.history_days >= {{ var("history_days") }}
                then months.lost_users
            end as lost_users,
            case
                when facts.has_enough_days
                then cast(months.weekday_user_days as double) / nullif(facts.counted_weekdays, 0)
            end as avg_weekday_users
        from months
        inner join
            {{ ref("int_months") }} as facts
            on months.tenant_id = facts.tenant_id
            and months.month_start = facts.month_start
    )

select
    tenant_id,
    app,
    month_start,
    month_end,
    days_with_data,
    counted_days,
    is_complete,
    cast(history_days as int) as history_days,
    identity_basis,
    active_users,
    prev_active_users,
    returning_users,
    first_time_users,
    active_users - returning_users - first_time_users as resumed_users,
    lost_users,
    cast(returning_users as double) / nullif(prev_active_users, 0) as return_rate,
    avg_weekday_users,
    avg_weekday_users / nullif(active_users, 0) as stickiness,
    false as is_suppressed
from told
