"""The panels of use by day and by window, which several views share."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.publish.page.facts import Facts, choices, marked, values
from pipelines.publish.page.lines import lines
from pipelines.publish.page.model import Column, Panel, Row, Variant, day, number, signed
from pipelines.publish.page.read import ALL, Record, is_weekday

COMPANY_ONLY = (
    "Single days are counted for the whole company only. The weekly chart follows the department; for the days, "
    "set the department to All."
)
NO_DAYS = "No report day is stored yet. Run a sync: the days of the last four weeks come with the first one."
HIDDEN = (
    "Hidden: in this copy, figures that would tell of fewer people than the smallest group are not shown, nor those "
    "that would give them away. The admin copy has them."
)
SETTLING = "Dashed and shaded: days that Microsoft may still correct. A gap is a day without data, never a zero."
_MARKS = ("weekday", "settling", "joins")


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
        finding, parts = _daily_finding(series, since, kind)
        keep = {"weekday": True} if kind == "weekdays" else {}
        empty = "" if rows and finding else (NO_DAYS if not rows else "No day of this period has data.")
        when = {**when, "department": ALL}
        variants.append(Variant(when, finding, keep=keep, since=since, empty=empty, parts=parts))
    spec = lines(
        list(series),
        x="report_date",
        series="series",
        y="active_users",
        y_title="People",
        unsettled_from=facts.unsettled_from,
    )
    return Panel(
        key,
        title,
        _daily_columns(),
        variants,
        rows,
        spec,
        "Line chart, one line each, a point per day.",
        f"{note} {SETTLING}".strip(),
        COMPANY_ONLY,
        by_app="series",
        date_column="report_date",
    )


def _daily_columns() -> list[Column]:
    return [
        Column("series", "What", "app"),
        Column("report_date", "Day", "date"),
        Column("active_users", "People", "int"),
        Column("unknown_users", "Not named by the report", "int"),
        Column("day_state", "State of the day"),
        *(Column(name, name, "bool", hidden=True) for name in _MARKS),
    ]


def each_panel(facts: Facts, key: str, title: str, series: dict[str, list[Record]], rows_of: str) -> Panel:
    """The same days in small charts, one per series on a scale of its own, so that small apps show their course."""
    variants = []
    for when, period, kind in choices():
        since = facts.since(period)
        keep = {"weekday": True} if kind == "weekdays" else {}
        parts = _courses(series, since, kind)
        finding = "From the first half of these days to the second: {parts}." if parts else ""
        empty = "" if finding else (NO_DAYS if not facts.suite_days else "Too few days with data to show a course.")
        when = {**when, "department": ALL}
        variants.append(Variant(when, finding, keep=keep, since=since, empty=empty, parts=parts))
    spec = lines(list(series), x="report_date", series="series", y="active_users", y_title="People", small=True)
    return Panel(
        key,
        title,
        _daily_columns(),
        variants,
        (),
        spec,
        "Small line charts, one per app, each on its own scale from zero.",
        "Each app on its own scale: compare the course of the lines, not their height. Dashed: may still be corrected.",
        COMPANY_ONLY,
        by_app="series",
        date_column="report_date",
        each="series",
        rows_of=rows_of,
    )


def _courses(series: dict[str, list[Record]], since: str, kind: str) -> dict[str, str]:
    """How each series changed from the first half of the days with data to the second; most risen first."""
    found = []
    for name, days in series.items():
        chosen = _people(days, since, kind)
        half = len(chosen) // 2
        before, after = sum(chosen[:half]), sum(chosen[-half:])
        if half > 1 and before:
            found.append((after / before - 1, name))
    return {name: f"{name} {signed(change)}" for change, name in sorted(found, reverse=True)}


def _people(days: list[Record], since: str, kind: str) -> list[int]:
    """The people of the days with data, of this period and kind."""
    return [
        row["active_users"]
        for row in days
        if row["report_date"].isoformat() >= since
        and row["active_users"] is not None
        and (kind == "all" or is_weekday(row["report_date"]))
    ]


def _daily_finding(series: dict[str, list[Record]], since: str, kind: str) -> tuple[str, dict[str, str]]:
    """The mean of the days with data, and its part per series."""
    means = []
    for name, days in series.items():
        chosen = _people(days, since, kind)
        if chosen:
            means.append((sum(chosen) / len(chosen), name, len(chosen)))
    if not means:
        return "", {}
    means.sort(reverse=True)
    which = "weekday" if kind == "weekdays" else "day"
    finding = f"People on an average {which}: {{parts}} (mean of {means[0][2]} {which}s with data)."
    return finding, {name: f"{name} {number(mean)}" for mean, name, _ in means}


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
    days = "weekdays" if row["day_kind"] == "weekdays" else "days"
    of_all = f" of {row['days_with_data'] + row['missing_days']}" if row["missing_days"] else ""
    hidden = " Figures that would tell of a small group are hidden." if any(r["is_suppressed"] for r in known) else ""
    return f"{dates}: {row['days_with_data']}{of_all} {days} with data.{hidden}"


def suite_and_teams(facts: Facts) -> dict[str, list[Record]]:
    """The daily rows of the suite and of Teams, each under its name."""
    teams = [row for row in facts.app_days if row["app"] == "teams"]
    return {"Office suite": facts.suite_days, facts.names.get("teams", "Teams"): teams}
