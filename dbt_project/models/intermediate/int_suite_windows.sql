with
    people as (
        select
            tenant_id,
            which_window,
            count(*) as active_users,
            cast(sum(suite_days) as bigint) as counted_user_days
        from {{ ref("int_user_windows") }}
        where suite_days > 0
        group by tenant_id, which_window
    ),

    days as (
        select
            suite_days.tenant_id,
            window_days.which_window,
            cast(sum(suite_days.active_users) as bigint) as suite_user_days,
            cast(sum(suite_days.app_user_days) as bigint) as app_user_days,
            cast(sum(suite_days.unknown_users) as bigint) as unknown_user_days,
            cast(
                sum(
                    case when window_days.is_weekday then suite_days.active_users else 0 end
                ) as bigint
            ) as weekday_user_days
        from {{ ref("int_suite_days") }} as suite_days
        inner join
            {{ ref("int_window_days") }} as window_days
            on suite_days.tenant_id = window_days.tenant_id
            and suite_days.report_date = window_days.report_date
        group by suite_days.tenant_id, window_days.which_window
    )

select
    windows.tenant_id,
    windows.which_window,
    windows.window_start,
    windows.window_end,
    windows.days_with_data,
    windows.observed_days,
    windows.provisional_days,
    windows.missing_days,
    windows.identity_basis,
    windows.named_days,
    windows.concealed_days,
    days.suite_user_days,
    days.app_user_days,
    days.unknown_user_days,
    case when windows.counts_people then coalesce(people.active_users, 0) end as active_users,
    case
        when windows.counts_people then coalesce(people.counted_user_days, 0)
    end as counted_user_days,
    case
        when windows.is_comparable
        then cast(days.weekday_user_days as double) / nullif(windows.weekdays_with_data, 0)
    end as user_days_per_weekday
from {{ ref("int_windows") }} as windows
left join
    people on windows.tenant_id = people.tenant_id and windows.which_window = people.which_window
left join days on windows.tenant_id = days.tenant_id and windows.which_window = days.which_window
