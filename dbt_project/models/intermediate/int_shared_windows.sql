-- What of app_usage_windows may be shared: departments put together, and which counts are hidden.
-- All days and weekdays are nearly the same people: they are hidden together. The department that
-- covers the small ones of a window is hidden in every window with small ones, since the longer
-- windows contain the shorter ones.
with
    grouped as (
        select
            windows.tenant_id,
            windows.app,
            case when windows.is_total then 'All' else groups.shown_department end as department,
            windows.is_total,
            windows.window_days,
            windows.day_kind,
            cast(sum(windows.active_users) as bigint) as active_users,
            cast(sum(windows.user_days) as bigint) as user_days,
            cast(sum(windows.counted_user_days) as bigint) as counted_user_days,
            cast(sum(windows.licensed_users) as bigint) as licensed_users,
            cast(sum(windows.licensed_active_users) as bigint) as licensed_active_users
        from {{ ref("int_usage_windows") }} as windows
        left join
            {{ ref("int_department_groups") }} as groups
            on windows.tenant_id = groups.tenant_id
            and windows.department = groups.department
        where windows.is_total or groups.is_shown
        group by
            windows.tenant_id,
            windows.app,
            case when windows.is_total then 'All' else groups.shown_department end,
            windows.is_total,
            windows.window_days,
            windows.day_kind
    ),

    compared as (
        select *, {{ apps_beside_suite("tenant_id, department, is_total, window_days, day_kind") }}
        from grouped
    ),

    judged as (
        select
            *,
            case when not is_total and ({{ is_small_use() }}) then 1 else 0 end as is_small,
            case when not is_total and {{ is_small_rest() }} then 1 else 0 end as is_small_rest
        from compared
    ),

    lines as (
        select
            *,
            max(is_small) over (
                partition by tenant_id, app, department, is_total, window_days
            ) as is_small_here,
            max(is_small) over (partition by tenant_id, app, window_days) as has_small,
            max(is_small_rest) over (partition by tenant_id, app, window_days) as has_small_rest
        from judged
    ),

    twins as (
        select
            *,
            {{
                twins_of_suite(
                    "tenant_id, window_days",
                    "tenant_id, department, is_total, window_days, day_kind",
                )
            }}
        from lines
    ),

    able as (select *, case when {{ can_cover() }} then 1 else 0 end as can_cover from twins),

    -- A cover must not be given away by a window that hides nothing: with the same number of users
    -- there, it would be known here.
    given_away as (
        select distinct lines.tenant_id, lines.app, lines.department, lines.window_days
        from lines
        inner join
            lines as others
            on lines.tenant_id = others.tenant_id
            and lines.app = others.app
            and lines.department = others.department
            and lines.is_total = others.is_total
            and lines.day_kind = others.day_kind
        where
            lines.has_small = 1
            and others.has_small = 0
            and {{ judged_users("lines.") }} = {{ judged_users("others.") }}
            and not lines.is_total
    ),

    candidates as (
        select
            lines.tenant_id,
            lines.app,
            lines.department,
            lines.window_days,
            max(lines.licensed_users) as licensed_users
        from able as lines
        left join
            given_away
            on lines.tenant_id = given_away.tenant_id
            and lines.app = given_away.app
            and lines.department = given_away.department
            and lines.window_days = given_away.window_days
        where lines.has_small = 1 and not lines.is_total and given_away.app is null
        group by lines.tenant_id, lines.app, lines.department, lines.window_days
        having max(lines.is_small) = 0 and min(lines.can_cover) = 1
    ),

    -- The department that can cover most windows, else the smallest.
    counted as (
        select *, count(*) over (partition by tenant_id, app, department) as windows from candidates
    ),

    ordered as (
        select
            *,
            row_number() over (
                partition by tenant_id, app, window_days
                order by windows desc, licensed_users, department
            ) as choice
        from counted
    ),

    chosen as (select * from ordered where choice = 1),

    -- Where the suite and an app would give each other away, a cover of one is hidden in both.
    hidden_together as (
        select
            twins.tenant_id,
            twins.department,
            twins.window_days,
            twins.app,
            max(case when {{ hides_with_suite() }} then 1 else 0 end) as hides_with_suite,
            max(
                case when {{ judged_users() }} = suite_users then 1 else 0 end
            ) as has_users_of_suite
        from twins
        where not twins.is_total and twins.app not in ('suite', 'teams')
        group by twins.tenant_id, twins.department, twins.window_days, twins.app
    ),

    covers as (
        select tenant_id, app, department
        from chosen
        union
        select chosen.tenant_id, 'suite' as app, chosen.department
        from chosen
        inner join
            hidden_together
            on chosen.tenant_id = hidden_together.tenant_id
            and chosen.department = hidden_together.department
            and chosen.window_days = hidden_together.window_days
            and chosen.app = hidden_together.app
        where hidden_together.hides_with_suite = 1
        union
        select chosen.tenant_id, hidden_together.app, chosen.department
        from chosen
        inner join
            hidden_together
            on chosen.tenant_id = hidden_together.tenant_id
            and chosen.department = hidden_together.department
            and chosen.window_days = hidden_together.window_days
        where chosen.app = 'suite' and hidden_together.has_users_of_suite = 1
    ),

    -- Without a cover all departments are hidden, in all windows: the others would tell too much.
    uncovered as (
        select distinct lines.tenant_id, lines.app
        from lines
        left join
            chosen
            on lines.tenant_id = chosen.tenant_id
            and lines.app = chosen.app
            and lines.window_days = chosen.window_days
        where lines.has_small = 1 and chosen.app is null
    )

select
    lines.tenant_id,
    lines.app,
    lines.department,
    lines.is_total,
    lines.window_days,
    lines.day_kind,
    lines.active_users,
    lines.user_days,
    lines.counted_user_days,
    lines.licensed_users,
    lines.licensed_active_users,
    not lines.is_total
    and (
        uncovered.app is not null
        or (lines.has_small = 1 and (lines.is_small_here = 1 or covers.department is not null))
    ) as is_hidden,
    not lines.is_total and lines.has_small_rest = 1 as hides_unlicensed
from lines
left join
    covers
    on lines.tenant_id = covers.tenant_id
    and lines.app = covers.app
    and lines.department = covers.department
left join uncovered on lines.tenant_id = uncovered.tenant_id and lines.app = uncovered.app
