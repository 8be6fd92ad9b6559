select
    windows.tenant_id,
    days.report_date,
    windows.which_window,
    days.is_weekday,
    -- Named and concealed people are never mixed: with both in a window, named days count people.
    windows.counts_people
    and (windows.identity_basis <> 'mixed' or not days.is_concealed) as counts_people
from {{ ref("int_windows") }} as windows
inner join
    {{ ref("int_report_days") }} as days
    on windows.tenant_id = days.tenant_id
    and days.report_date >= windows.window_start
    and days.report_date <= windows.window_end
where days.is_observed
