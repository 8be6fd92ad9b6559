-- Hashes must come back on the whole, and nowhere may most of them change at once: hashes that
-- change in the middle of the window would count everybody twice.
with
    windows as (
        select
            'current' as which_window,
            {{ window_start() }} as window_start,
            {{ window_end() }} as window_end
        union all
        select
            'previous' as which_window,
            {{ window_start(1) }} as window_start,
            {{ window_end(1) }} as window_end
    ),

    compared as (
        select
            days.tenant_id,
            windows.which_window,
            cast(sum(case when days.is_telling then days.hashes else 0 end) as bigint) as hashes,
            cast(
                sum(
                    case when days.is_telling then least(days.found_again, days.hashes) else 0 end
                ) as bigint
            ) as found_again,
            max(case when days.is_break then 1 else 0 end) as breaks
        from {{ ref("int_hash_days") }} as days
        inner join
            windows
            on days.report_date >= windows.window_start
            and days.next_report_date <= windows.window_end
        group by days.tenant_id, windows.which_window
    )

select
    tenant_id,
    which_window,
    hashes,
    found_again,
    {{ is_stable("hashes", "found_again", "breaks") }} as is_stable
from compared
