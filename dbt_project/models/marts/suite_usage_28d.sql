with
    this_window as (select * from {{ ref("int_suite_windows") }} where which_window = 'current'),

    window_before as (select * from {{ ref("int_suite_windows") }} where which_window = 'previous')

select
    this_window.tenant_id,
    this_window.window_start,
    this_window.window_end,
    this_window.days_with_data,
    this_window.observed_days,
    this_window.provisional_days,
    this_window.missing_days,
    this_window.identity_basis,
    this_window.named_days,
    this_window.concealed_days,
    this_window.active_users,
    this_window.suite_user_days,
    this_window.app_user_days,
    cast(this_window.counted_user_days as double)
    / nullif(this_window.active_users, 0) as avg_days_per_user,
    this_window.unknown_user_days,
    window_before.active_users as prev_active_users,
    window_before.suite_user_days as prev_suite_user_days,
    window_before.app_user_days as prev_app_user_days,
    window_before.days_with_data as prev_observed_days,
    this_window.user_days_per_weekday / nullif(window_before.user_days_per_weekday, 0)
    - 1 as change_rate
from this_window
inner join window_before on this_window.tenant_id = window_before.tenant_id
