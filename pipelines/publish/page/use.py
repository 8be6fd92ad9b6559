"""The panels of use over time, which several views share."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts, choices, department_of, marked, values
from pipelines.publish.page.model import Column, Panel, Row, Variant, day, number, percent
from pipelines.publish.page.read import ALL, Record

COMPANY_ONLY = (
    "Single days are counted for the whole company only. The weekly chart follows the department; for the days, "
    "set the department to All."
)
NO_DAYS = "No report day is stored yet. Run a sync: the days of the last four weeks come with the first one."
HIDDEN = (
    "Hidden: in this copy, figures that would tell of fewer people than the smallest group are not shown, nor those "
    "that would give them away. The admin copy has them."
)
SETTLING = "Dashed: days that Microsoft may still correct. A gap is a day without data, never a zero."


def daily_panel(facts: Facts, key: str, title: str, series: dict[str, list[Record]], note: str = "") -> Panel:
    """People per day, one line per series, following the choice of days and period."""
    rows: list[Row] = []
    for name, days in series.items():
        marks = marked(days, "active_users")
        rows += [
            [
                name,
                *values(row, "report_date", "active_users", "unknown_users", "day_state", "weekday", "settling"),
                row["joins"],
            ]
            for row in marks
        ]
    variants = []
    for when, period, kind in choices():
        since = facts.since(period)
        finding = _daily_finding(series, since, kind)
        keep = {"weekday": True} if kind == "weekdays" else {}
        empty = "" if rows and finding else (NO_DAYS if not rows else "No day of this period has data.")
        variants.append(Variant({**when, "department": ALL}, finding, keep=keep, since=since, empty=empty))
    columns = [
        Column("series", "What", "app"),
        Column("report_date", "Day", "date"),
        Column("active_users", "People", "int"),
        Column("unknown_users", "Not named by the report", "int"),
        Column("day_state", "State of the day"),
        *(Column(name, name, "bool", hidden=True) for name in ("weekday", "settling", "joins")),
    ]
    spec = charts.lines(list(series), x="report_date", series="series", y="active_users", y_title="People")
    return Panel(
        key,
        title,
        columns,
        variants,
        rows,
        spec,
        "Line chart, one line each, a point per day.",
        f"{note} {SETTLING}".strip(),
        COMPANY_ONLY,
        by_app="series",
        date_column="report_date",
    )


def _daily_finding(series: dict[str, list[Record]], since: str, kind: str) -> str:
    """The mean of the days with data, per series."""
    means = []
    for name, days in series.items():
        chosen = [
            row["active_users"]
            for row in days
            if row["report_date"].isoformat() >= since
            and row["active_users"] is not None
            and (kind == "all" or row["report_date"].weekday() < 5)
        ]
        if chosen:
            means.append((sum(chosen) / len(chosen), name, len(chosen)))
    if not means:
        return ""
    ordered = sorted(means, reverse=True)
    kind_name = "weekday" if kind == "weekdays" else "day"
    most = ", ".join(f"{name} {number(mean)}" for mean, name, _ in ordered[:3])
    least = f"; fewest {ordered[-1][1]} with {number(ordered[-1][0])}" if len(ordered) > 3 else ""
    return f"People on an average {kind_name}: {most}{least} (mean of {ordered[0][2]} days with data)."


def weekly_panel(facts: Facts, key: str, title: str, apps: Iterable[str]) -> Panel:
    """People per complete week, following the department."""
    chosen = list(apps)
    names = [facts.names[app] for app in chosen if app in facts.names]
    variants = []
    for department in [ALL, *facts.departments]:
        rows: list[Row] = []
        hidden = False
        for app in chosen:
            weeks = [row for row in facts.weeks if row["app"] == app and department_of(row) == department]
            hidden = hidden or any(row["is_suppressed"] for row in weeks)
            shown = [
                row
                | {
                    "shown": row["active_users"] if row["is_complete"] else None,
                    "report_date": row["week_start"],
                    "day_state": "provisional" if row["provisional_days"] else "final",
                }
                for row in weeks
            ]
            rows += [
                [
                    facts.names[app],
                    *values(row, "week_start", "shown", "licensed_users", "active_rate", "days_with_data"),
                    *values(row, "is_complete", "is_suppressed", "settling", "joins"),
                ]
                for row in marked(shown, "shown")
            ]
        found = [row for row in rows if row[2] is not None]
        finding, empty = "", ""
        if found:
            latest = max(row[1] for row in found)
            parts = [
                f"{row[0]} {number(row[2])}" + (f" ({percent(row[4])})" if row[4] is not None else "")
                for row in found
                if row[1] == latest
            ]
            finding = f"Week from {day(latest)}, people (share of the licensed): {', '.join(parts)}."
            # Part weeks at either end would only be empty space.
            rows = [row for row in rows if min(r[1] for r in found) <= row[1] <= latest]
        else:
            empty = HIDDEN if hidden else "No complete week of seven days with data yet."
        variants.append(Variant({"department": department}, finding, rows, empty=empty))
    columns = [
        Column("series", "What", "app"),
        Column("week_start", "Week from", "date"),
        Column("shown", "People", "int"),
        Column("licensed_users", "Licensed", "int"),
        Column("active_rate", "Active of the licensed", "rate"),
        Column("days_with_data", "Days with data", "int"),
        Column("is_complete", "Complete", "bool"),
        *(Column(name, name, "bool", hidden=True) for name in ("is_suppressed", "settling", "joins")),
    ]
    spec = charts.lines(names, x="week_start", series="series", y="shown", y_title="People in the week")
    return Panel(
        key,
        title,
        columns,
        variants,
        (),
        spec,
        "Line chart, a point per week.",
        "Complete weeks only, Monday to Sunday. Dashed: days of the week may still be corrected.",
        by_app="series",
    )


def windows_panel(facts: Facts, key: str, title: str, apps: Iterable[str]) -> Panel:
    """The ready-made totals of each window: a table per department, period and kind of day."""
    columns = [
        Column("app", "What", "app"),
        Column("active_users", "People", "int"),
        Column("licensed_users", "Licensed", "int"),
        Column("active_rate", "Active of the licensed", "rate"),
        Column("avg_daily_users", "People on a day", "float"),
        Column("user_days", "Days of use", "int"),
        Column("avg_days_per_user", "Days per person", "float"),
        Column("is_suppressed", "is_suppressed", "bool", hidden=True),
    ]
    chosen = list(apps)
    variants = []
    for when, period, kind in choices():
        for department in [ALL, *facts.departments]:
            found = [facts.window(app, department, period, kind) for app in chosen]
            rows = [[facts.names[row["app"]], *values(row, *(c.key for c in columns[1:]))] for row in found if row]
            place = {**when, "department": department}
            variants.append(Variant(place, window_finding(found), rows, empty="" if rows else NO_DAYS))
    return Panel(
        key,
        title,
        columns,
        variants,
        form="Table.",
        by_app="app",
        kind="table",
        note="People are counted once in each row, so rows do not add up. Licensed: members who hold a licence "
        "that includes the app.",
    )


def window_finding(rows: list[Record]) -> str:
    """The dates of a window, and how many of its days have data."""
    known = [row for row in rows if row]
    if not known:
        return ""
    row = known[0]
    dates = f"{day(row['window_start'])} to {day(row['window_end'])}"
    missing = f"; {row['missing_days']} without" if row["missing_days"] else ""
    hidden = " Figures that would tell of a small group are hidden." if any(r["is_suppressed"] for r in known) else ""
    return f"{dates}: {row['days_with_data']} days with data{missing}.{hidden}"


def suite_and_teams(facts: Facts) -> dict[str, list[Record]]:
    """The daily rows of the suite and of Teams, each under its name."""
    teams = [row for row in facts.app_days if row["app"] == "teams"]
    return {"Office suite": facts.suite_days, facts.names.get("teams", "Teams"): teams}
