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
    -- Every week is a window of seven days that is bounded by its own apps alone.
    windows as (
        {% for actual, shown, slice_start, slice_end, days, day_kind in [
            (
                "int_shared_windows",
                "shareable__app_usage_windows",
                first_day(),
                window_end(),
                "actual.window_days",
                "actual.day_kind",
            ),
            (
                "int_shared_weeks",
                "shareable__usage_weekly",
                "actual.week_start",
                "actual.week_end",
                "7",
                "'all'",
            ),
        ] %}
            select
                actual.tenant_id,
                actual.app,
                actual.department,
                actual.is_total,
                {{ slice_start }} as week_start,
                {{ slice_end }} as slice_end,
                {{ days }} as window_days,
                {{ day_kind }} as day_kind,
                actual.licensed_users,
                {{ judged_users("actual.") }} as actual,
                case
                    when actual.licensed_active_users is null
                    then shown.active_users
                    else shown.licensed_active_users
                end as shown
            from {{ ref(actual) }} as actual
            inner join
                {{ ref(shown) }} as shown
                on actual.tenant_id = shown.tenant_id
                and actual.app = shown.app
                and actual.department = shown.department
                and actual.is_total = shown.is_total
            {% if loop.first %}
                    and actual.window_days = shown.window_days and actual.day_kind = shown.day_kind
                union all
                {% else %} and actual.week_start = shown.week_start
                {% endif %}
        {% endfor %}
    ),

    -- What other rows tell about a hidden count.
    bounds as (
        select
            hidden.tenant_id,
            hidden.app,
            hidden.department,
            hidden.week_start,
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
            and hidden.week_start = others.week_start
            and (
                hidden.app = others.app
                or (hidden.app = 'suite' and others.app <> 'teams')
                or (others.app = 'suite' and hidden.app <> 'teams')
            )
        where hidden.shown is null and others.shown is not null
        group by
            hidden.tenant_id,
            hidden.app,
            hidden.department,
            hidden.week_start,
            hidden.window_days,
            hidden.day_kind
    ),

    cells as (
        select
            concat(
                cast(windows.week_start as varchar(10)),
                ' ',
                cast(windows.window_days as varchar(3)),
                windows.day_kind
            ) as line,
            windows.tenant_id,
            windows.app,
            windows.department,
            windows.is_total,
            windows.licensed_users,
            windows.actual,
            coalesce(windows.shown, same_days.shown) as shown,
            bounds.at_least,
            bounds.at_most
        from windows
        left join
            bounds
            on windows.tenant_id = bounds.tenant_id
            and windows.app = bounds.app
            and windows.department = bounds.department
            and windows.week_start = bounds.week_start
            and windows.window_days = bounds.window_days
            and windows.day_kind = bounds.day_kind
            and not windows.is_total
        left join
            windows as same_days
            on windows.tenant_id = same_days.tenant_id
            and windows.app = same_days.app
            and windows.department = same_days.department
            and windows.is_total = same_days.is_total
            and windows.slice_end = same_days.slice_end
            and windows.window_days = same_days.window_days
            and windows.day_kind = same_days.day_kind
            and windows.week_start <> same_days.week_start
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
