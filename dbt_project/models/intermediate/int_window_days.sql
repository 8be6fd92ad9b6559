select
    windows.tenant_id,
    days.report_date,
    windows.slice_kind as which_window,
    days.is_weekday,
    -- Named and concealed people are never mixed: with both in a window, named days count people.
    windows.counted_days > 0
    and (windows.identity_basis <> 'mixed' or not days.is_concealed) as counts_people
from {{ ref("int_usage_slices") }} as windows
inner join
    {{ ref("int_report_days") }} as days
    on windows.tenant_id = days.tenant_id
    and days.report_date >= windows.slice_start
    and days.report_date <= windows.slice_end
where windows.slice_kind in ('current', 'previous') and days.is_observed
