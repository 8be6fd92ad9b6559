{%- set platforms = ["windows", "mac", "desktop", "mobile", "web"] -%}
with
    people as (
        {% for app in packed_apps() + ["suite"] %}
            select
                tenant_id,
                which_window,
                '{{ app }}' as app,
                count(*) as active_users,
                cast(sum({{ app }}_days) as bigint) as counted_user_days,
                {% for platform in platforms %}
                    {% if app == "suite" %} cast(null as bigint)
                    {% else %} count(case when {{ used_on(app ~ "_bits", platform) }} then 1 end)
                    {% endif %} as {{ platform }}_users
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
    ),

    windows as (
        select
            slices.*,
            apps.app,
            apps.in_suite,
            days.user_days,
            days.unknown_user_days,
            case
                when slices.counted_days > 0 then coalesce(people.active_users, 0)
            end as active_users,
            people.counted_user_days,
            {% for platform in platforms %}
                case
                    when slices.counted_days > 0 and apps.app <> 'suite'
                    then coalesce(people.{{ platform }}_users, 0)
                end as {{ platform }}_users,
            {% endfor %}
            case
                when slices.has_enough_days
                then cast(days.weekday_user_days as double) / nullif(slices.weekdays_with_data, 0)
            end as user_days_per_weekday
        from {{ ref("int_usage_slices") }} as slices
        cross join {{ apps_and_suite() }} as apps
        left join
            people
            on slices.tenant_id = people.tenant_id
            and slices.slice_kind = people.which_window
            and apps.app = people.app
        left join
            days
            on slices.tenant_id = days.tenant_id
            and slices.slice_kind = days.which_window
            and apps.app = days.app
        where slices.slice_kind in ('current', 'previous')
    )

select
    this_window.tenant_id,
    this_window.app,
    this_window.in_suite,
    this_window.slice_start as window_start,
    this_window.slice_end as window_end,
    this_window.days_with_data,
    this_window.observed_days,
    this_window.provisional_days,
    this_window.days_in_slice - this_window.days_with_data as missing_days,
    this_window.identity_basis,
    this_window.named_days,
    this_window.concealed_days,
    this_window.active_users,
    this_window.user_days,
    cast(this_window.counted_user_days as double)
    / nullif(this_window.active_users, 0) as avg_days_per_user,
    this_window.unknown_user_days,
    {% for platform in platforms %} this_window.{{ platform }}_users, {% endfor %}
    window_before.active_users as prev_active_users,
    window_before.user_days as prev_user_days,
    window_before.days_with_data as prev_observed_days,
    this_window.user_days_per_weekday / nullif(window_before.user_days_per_weekday, 0)
    - 1 as change_rate
from windows as this_window
inner join
    windows as window_before
    on this_window.tenant_id = window_before.tenant_id
    and this_window.app = window_before.app
    and window_before.slice_kind = 'previous'
where this_window.slice_kind = 'current'
