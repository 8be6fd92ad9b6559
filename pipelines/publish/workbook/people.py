"""The sheets on how the use of people goes on: week by week, suite beside Teams, who comes back, how often."""

from __future__ import annotations

from pipelines.publish.workbook.model import Sheet

WEEKLY = Sheet(
    name="Weekly usage",
    table="tbl_weekly_usage",
    named_by=2,
    title="How many of the licensed are active in a week, and is it rising?",
    about="One row per app or suite, and week. licensed_active_users: the licensed who used it; active_users: "
    "everybody who did. An unknown rate is empty.",
    needs=("tenants", "apps", "usage_weekly"),
    empty="No week can be shown yet: it needs a week with data.",
    year_of="week_start",
    sql="""
        select t.name as tenant, coalesce(a.display_name, 'Office suite') as app, u.week_start, u.is_complete,
            u.days_with_data, u.provisional_days, u.licensed_users, u.licensed_active_users, u.active_rate,
            u.active_users, u.is_suppressed
        from usage_weekly as u
        left join apps as a on a.app = u.app
        inner join tenants as t on t.tenant_id = u.tenant_id
        where u.is_total
        order by t.name, u.tenant_id, coalesce(a.sort_order, 0), u.week_start desc
    """,
)
SEGMENTS = Sheet(
    name="Suite or Teams",
    table="tbl_suite_or_teams",
    title="Do people use the suite, Teams, or both?",
    about="One row per month. Its people in three parts that do not overlap, so these may be added.",
    needs=("tenants", "suite_teams_segments"),
    empty="No month can be shown yet: it needs a report day with open names.",
    sql="""
        select t.name as tenant, s.month_start, s.is_complete, s.days_with_data, s.suite_only_users, s.both_users,
            s.teams_only_users, s.is_suppressed
        from suite_teams_segments as s
        inner join tenants as t on t.tenant_id = s.tenant_id
        order by t.name, s.tenant_id, s.month_start desc
    """,
)
RETURN = Sheet(
    name="Return",
    table="tbl_return",
    named_by=2,
    title="Do people come back?",
    about="One row per app or suite, and month. First-time and lost are empty until there is enough history. "
    "stickiness: of the month's people, how many are there on a weekday.",
    needs=("tenants", "apps", "engagement_monthly"),
    empty="No month can be shown yet: it needs a report day with open names.",
    sql="""
        select t.name as tenant, coalesce(a.display_name, 'Office suite') as app, e.month_start, e.is_complete,
            e.active_users, e.returning_users, e.first_time_users, e.resumed_users, e.lost_users, e.return_rate,
            e.stickiness, e.history_days, e.is_suppressed
        from engagement_monthly as e
        left join apps as a on a.app = e.app
        inner join tenants as t on t.tenant_id = e.tenant_id
        order by t.name, e.tenant_id, coalesce(a.sort_order, 0), e.month_start desc
    """,
)
DEPTH = Sheet(
    name="Depth",
    table="tbl_depth",
    named_by=2,
    title="On how many days do people use the Office suite?",
    about="People by the days, of the last 28, on which they used the suite. 0: licensed, and not used. The bands do "
    "not overlap, so they may be added within a department.",
    needs=("tenants", "usage_depth"),
    empty="No day with open names is there yet.",
    sql="""
        select t.name as tenant, d.department, d.is_total, d.band as active_days, d.people, d.window_start,
            d.window_end, d.days_with_data, d.is_suppressed
        from usage_depth as d
        inner join tenants as t on t.tenant_id = d.tenant_id
        order by t.name, d.tenant_id, not d.is_total, d.department, d.band_number
    """,
)
