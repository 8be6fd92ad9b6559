with
    people as (
        {% for app in packed_apps() %}
            select
                tenant_id,
                which_window,
                '{{ app }}' as app,
                count(*) as active_users,
                cast(sum({{ app }}_days) as bigint) as counted_user_days,
                {% for platform in ["windows", "mac", "desktop", "mobile", "web"] %}
                    count(
                        case when {{ used_on(app ~ "_bits", platform) }} then 1 end
                    ) as {{ platform }}_users
                    {%- if not loop.last %}, {% endif %}
                {% endfor %}
            from {{ ref("int_user_windows") }}
            where {{ app }}_days > 0
            group by tenant_id, which_window
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    days as (
        select
            app_days.tenant_id,
            window_days.which_window,
            app_days.app,
            cast(sum(app_days.active_users) as bigint) as user_days,
            cast(sum(app_days.unknown_users) as bigint) as unknown_user_days,
            cast(
                sum(
                    case when window_days.is_weekday then app_days.active_users else 0 end
                ) as bigint
            ) as weekday_user_days
        from {{ ref("int_app_days") }} as app_days
        inner join
            {{ ref("int_window_days") }} as window_days
            on app_days.tenant_id = window_days.tenant_id
            and app_days.report_date = window_days.report_date
        group by app_days.tenant_id, window_days.which_window, app_days.app
    )

select
    windows.tenant_id,
    apps.app,
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
    days.user_days,
    days.unknown_user_days,
    case when windows.counts_people then coalesce(people.active_users, 0) end as active_users,
    case
        when windows.counts_people then coalesce(people.counted_user_days, 0)
    end as counted_user_days,
    {% for platform in ["windows", "mac", "desktop", "mobile", "web"] %}
        case
            when windows.counts_people then coalesce(people.{{ platform }}_users, 0)
        end as {{ platform }}_users,
    {% endfor %}
    case
        when windows.is_comparable
        then cast(days.weekday_user_days as double) / nullif(windows.weekdays_with_data, 0)
    end as user_days_per_weekday
from {{ ref("int_windows") }} as windows
cross join {{ ref("seed_apps") }} as apps
left join
    people
    on windows.tenant_id = people.tenant_id
    and windows.which_window = people.which_window
    and apps.app = people.app
left join
    days
    on windows.tenant_id = days.tenant_id
    and windows.which_window = days.which_window
    and apps.app = days.app
