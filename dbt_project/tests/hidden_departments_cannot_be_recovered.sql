-- Tries to work out the departments' counts that the shareable tables hide. The reader knows the
-- total and the departments that are shown, so what the hidden ones have together; knows how many
-- are licensed (or nobody does: then all users are looked at); knows the rule, that a hidden count
-- or its rest is a small group, unless no department is shown at all; and looks it up wherever the
-- same people are counted: in longer windows, which have at least as many users, and shorter ones;
-- in the suite, which has at least those of each app; in the week or the weeks that are the window.
-- A count is found out when only one value is left that it can have. (Where nobody or everybody
-- uses an app, or only one department is licensed for it, the total says it of every department.)
{{
    config(
        meta={
            "description": "No hidden figure of a department follows from what is shown.",
            "dagster": {"ref": {"name": "shareable__app_usage_windows"}},
        }
    )
}}
{% set largest = var("min_group_size") - 1 %}
with
    windows as (
        select
            actual.tenant_id,
            actual.app,
            actual.department,
            actual.is_total,
            actual.window_days,
            actual.day_kind,
            actual.licensed_users,
            coalesce(actual.licensed_active_users, actual.active_users) as actual,
            case
                when actual.licensed_active_users is null
                then shown.active_users
                else shown.licensed_active_users
            end as shown
        from {{ ref("int_shared_windows") }} as actual
        inner join
            {{ ref("shareable__app_usage_windows") }} as shown
            on actual.tenant_id = shown.tenant_id
            and actual.app = shown.app
            and actual.department = shown.department
            and actual.is_total = shown.is_total
            and actual.window_days = shown.window_days
            and actual.day_kind = shown.day_kind
    ),

    -- What other rows tell about a hidden count of a window.
    bounds as (
        select
            hidden.tenant_id,
            hidden.app,
            hidden.department,
            hidden.window_days,
            hidden.day_kind,
            max(
                case
                    when
                        others.window_days <= hidden.window_days
                        and (others.day_kind = hidden.day_kind or hidden.day_kind = 'all')
                        and (others.app = hidden.app or hidden.app = 'suite')
                    then others.shown
                end
            ) as at_least,
            min(
                case
                    when
                        others.window_days >= hidden.window_days
                        and (others.day_kind = hidden.day_kind or others.day_kind = 'all')
                        and (others.app = hidden.app or others.app = 'suite')
                    then others.shown
                end
            ) as at_most
        from windows as hidden
        inner join
            windows as others
            on hidden.tenant_id = others.tenant_id
            and hidden.department = others.department
            and hidden.is_total = others.is_total
            and (
                hidden.app = others.app
                or (hidden.app = 'suite' and others.app <> 'teams')
                or (others.app = 'suite' and hidden.app <> 'teams')
            )
        where hidden.shown is null and others.shown is not null
        group by
            hidden.tenant_id, hidden.app, hidden.department, hidden.window_days, hidden.day_kind
    ),

    weeks as (
        select
            actual.tenant_id,
            actual.app,
            actual.department,
            actual.is_total,
            actual.week_start,
            actual.week_end,
            actual.licensed_users,
            coalesce(actual.licensed_active_users, actual.active_users) as actual,
            case
                when actual.licensed_active_users is null
                then shown.active_users
                else shown.licensed_active_users
            end as shown
        from {{ ref("int_shared_weeks") }} as actual
        inner join
            {{ ref("shareable__usage_weekly") }} as shown
            on actual.tenant_id = shown.tenant_id
            and actual.app = shown.app
            and actual.department = shown.department
            and actual.is_total = shown.is_total
            and actual.week_start = shown.week_start
    ),

    week_bounds as (
        select
            hidden.tenant_id,
            hidden.app,
            hidden.department,
            hidden.week_start,
            max(case when hidden.app = 'suite' then others.shown end) as at_least,
            min(case when others.app = 'suite' then others.shown end) as at_most
        from weeks as hidden
        inner join
            weeks as others
            on hidden.tenant_id = others.tenant_id
            and hidden.department = others.department
            and hidden.is_total = others.is_total
            and hidden.week_start = others.week_start
            and (
                (hidden.app = 'suite' and others.app <> 'teams')
                or (others.app = 'suite' and hidden.app <> 'teams')
            )
        where hidden.shown is null and others.shown is not null
        group by hidden.tenant_id, hidden.app, hidden.department, hidden.week_start
    ),

    cells as (
        select
            'window ' || cast(windows.window_days as varchar(3)) || windows.day_kind as line,
            windows.tenant_id,
            windows.app,
            windows.department,
            windows.is_total,
            windows.licensed_users,
            windows.actual,
            coalesce(windows.shown, weeks.shown) as shown,
            bounds.at_least,
            bounds.at_most
        from windows
        left join
            bounds
            on windows.tenant_id = bounds.tenant_id
            and windows.app = bounds.app
            and windows.department = bounds.department
            and windows.window_days = bounds.window_days
            and windows.day_kind = bounds.day_kind
            and not windows.is_total
        left join
            weeks
            on windows.tenant_id = weeks.tenant_id
            and windows.app = weeks.app
            and windows.department = weeks.department
            and windows.is_total = weeks.is_total
            and windows.window_days = 7
            and windows.day_kind = 'all'
            and weeks.week_end = {{ window_end() }}
        union all
        select
            'week ' || cast(weeks.week_start as varchar(10)) as line,
            weeks.tenant_id,
            weeks.app,
            weeks.department,
            weeks.is_total,
            weeks.licensed_users,
            weeks.actual,
            coalesce(weeks.shown, windows.shown) as shown,
            week_bounds.at_least,
            week_bounds.at_most
        from weeks
        left join
            week_bounds
            on weeks.tenant_id = week_bounds.tenant_id
            and weeks.app = week_bounds.app
            and weeks.department = week_bounds.department
            and weeks.week_start = week_bounds.week_start
            and not weeks.is_total
        left join
            windows
            on weeks.tenant_id = windows.tenant_id
            and weeks.app = windows.app
            and weeks.department = windows.department
            and weeks.is_total = windows.is_total
            and windows.window_days = 7
            and windows.day_kind = 'all'
            and weeks.week_end = {{ window_end() }}
        union all
        select
            'adoption' as line,
            actual.tenant_id,
            actual.app,
            coalesce(groups.shown_department, actual.department) as department,
            actual.is_total,
            cast(sum(actual.licensed_users) as bigint) as licensed_users,
            cast(sum(actual.active_users) as bigint) as actual,
            max(coalesce(shown.active_users, windows.shown)) as shown,
            cast(null as bigint) as at_least,
            cast(null as bigint) as at_most
        from {{ ref("adoption_by_department") }} as actual
        left join
            {{ ref("int_department_groups") }} as groups
            on actual.tenant_id = groups.tenant_id
            and actual.department = groups.department
            and not actual.is_total
        inner join
            {{ ref("shareable__adoption_by_department") }} as shown
            on actual.tenant_id = shown.tenant_id
            and actual.app = shown.app
            and coalesce(groups.shown_department, actual.department) = shown.department
            and actual.is_total = shown.is_total
        left join
            windows
            on shown.tenant_id = windows.tenant_id
            and shown.app = windows.app
            and shown.department = windows.department
            and shown.is_total = windows.is_total
            and windows.window_days = 28
            and windows.day_kind = 'all'
            and shown.weeks = 4
            and shown.first_week_start = {{ day_from_today(-var("lag_days") - 27) }}
        where actual.active_users is not null
        group by
            actual.tenant_id,
            actual.app,
            coalesce(groups.shown_department, actual.department),
            actual.is_total
        union all
        select
            'depth' as line,
            actual.tenant_id,
            actual.band as app,
            coalesce(groups.shown_department, actual.department) as department,
            actual.is_total,
            cast(null as bigint) as licensed_users,
            cast(sum(actual.people) as bigint) as actual,
            max(shown.people) as shown,
            cast(null as bigint) as at_least,
            cast(null as bigint) as at_most
        from {{ ref("usage_depth") }} as actual
        left join
            {{ ref("int_department_groups") }} as groups
            on actual.tenant_id = groups.tenant_id
            and actual.department = groups.department
            and not actual.is_total
        inner join
            {{ ref("shareable__usage_depth") }} as shown
            on actual.tenant_id = shown.tenant_id
            and actual.band = shown.band
            and coalesce(groups.shown_department, actual.department) = shown.department
            and actual.is_total = shown.is_total
        group by
            actual.tenant_id,
            actual.band,
            coalesce(groups.shown_department, actual.department),
            actual.is_total
    ),

    judged as (
        select
            *,
            case when shown is null then coalesce(at_least, 0) end as least,
            case
                when shown is null
                then
                    coalesce(least(coalesce(at_most, licensed_users), licensed_users), at_most, 1e9)
            end as most
        from cells
        where actual is not null
    ),

    lines as (
        select
            tenant_id,
            line,
            app,
            max(case when is_total then actual end) as total,
            sum(case when not is_total then shown else 0 end) as shown,
            sum(case when not is_total then least else 0 end) as least,
            sum(case when not is_total then most else 0 end) as most,
            max(case when is_total then licensed_users end) as licensed_users,
            count(case when not is_total then shown end) = 0 as shows_none,
            count(case when not is_total and licensed_users > 0 then 1 end) as licensed_departments
        from judged
        group by tenant_id, line, app
    ),

    small as (
        select
            judged.*,
            lines.shows_none,
            lines.total - lines.shown as together,
            greatest(
                judged.least, lines.total - lines.shown - (lines.most - judged.most)
            ) as from_count,
            least(judged.most, lines.total - lines.shown - (lines.least - judged.least)) as to_count
        from judged
        inner join
            lines
            on judged.tenant_id = lines.tenant_id
            and judged.line = lines.line
            and judged.app = lines.app
        where
            not judged.is_total
            and lines.total > 0
            and (
                lines.licensed_users is null
                or (lines.total < lines.licensed_users and lines.licensed_departments > 1)
            )
            and (
                judged.actual between 1 and {{ largest }}
                or judged.licensed_users - judged.actual between 1 and {{ largest }}
            )
    ),

    candidates as (
        {% for size in range(1, largest + 1) %}
            select *, {{ size }} as candidate
            from small
            union all
            select *, licensed_users - {{ size }} as candidate
            from small
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select tenant_id, line, app, department, licensed_users, actual, shown, together
from candidates
where shown is not null or (not shows_none and candidate between from_count and to_count)
group by tenant_id, line, app, department, licensed_users, actual, shown, together
having shown is not null or count(distinct candidate) = 1
union all
select tenant_id, line, app, department, licensed_users, actual, shown, together
from small
where shown is null and shows_none and from_count = to_count
