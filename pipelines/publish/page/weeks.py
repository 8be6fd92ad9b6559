"""The panels of complete weeks, which follow the department as well as the period."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from pipelines.publish.page.facts import Facts, department_of, marked, values
from pipelines.publish.page.lines import lines
from pipelines.publish.page.model import Column, Panel, Row, Variant, day, number, percent
from pipelines.publish.page.read import ALL, PERIODS, Record
from pipelines.publish.page.use import HIDDEN

_NO_WEEK = "No complete week of seven days with data yet."
_SOME_HIDDEN = " Weeks that would tell of a small group are hidden."


def weekly_panel(facts: Facts, key: str, title: str, apps: Iterable[str]) -> Panel:
    """People per complete week, following the department and the period."""
    names = {app: facts.names[app] for app in apps if app in facts.names}
    rows: list[Row] = []
    variants = []
    for department in [ALL, *facts.departments]:
        weeks = [row for row in facts.weeks if department_of(row) == department and row["app"] in names]
        found = [row for row in weeks if row["is_complete"] and row["active_users"] is not None]
        if found:
            # Part weeks at either end would only be empty space.
            first, last = min(row["week_start"] for row in found), max(row["week_start"] for row in found)
            weeks = [row for row in weeks if first <= row["week_start"] <= last]
            rows += _rows(names, department, weeks)
        finding, parts = _finding(names, found)
        hidden = any(row["is_suppressed"] for row in weeks)
        for period in PERIODS:
            since = _since(facts, period)
            in_period = [row for row in found if row["week_start"].isoformat() >= since]
            empty = "" if in_period else _why_empty(found, hidden=hidden)
            when = {"department": department, "period": str(period)}
            told = "" if empty else finding + (_SOME_HIDDEN if hidden else "")
            variants.append(Variant(when, told, keep={"department": department}, since=since, empty=empty, parts=parts))
    columns = [
        Column("series", "What", "app"),
        Column("week_start", "Week from", "date"),
        Column("shown", "People", "int"),
        Column("licensed_users", "Licensed", "int"),
        Column("licensed_active_users", "Of them active", "int"),
        Column("active_rate", "Active of the licensed", "rate"),
        Column("days_with_data", "Days with data", "int"),
        Column("is_complete", "Complete", "bool"),
        *(Column(name, name, "bool", hidden=True) for name in ("is_suppressed", "settling", "joins")),
        Column("department", "Department", hidden=True),
    ]
    spec = lines(
        list(names.values()),
        x="week_start",
        series="series",
        y="shown",
        y_title="People in the week",
        unsettled_from=_monday(facts.unsettled_from),
    )
    note = "Complete weeks only, Monday to Sunday, that end in the period. Dashed: the week may still be corrected."
    form = "Line chart, a point per week."
    return Panel(key, title, columns, variants, rows, spec, form, note, by_app="series", date_column="week_start")


def _since(facts: Facts, period: int) -> str:
    """The first week of a period, by its Monday: the first that ends in it."""
    since = facts.since(period)
    return (date.fromisoformat(since) - timedelta(days=6)).isoformat() if since else ""


def _monday(value: str) -> str:
    """The Monday of a day's week, ISO."""
    if not value:
        return ""
    found = date.fromisoformat(value)
    return (found - timedelta(days=found.weekday())).isoformat()


def _rows(names: dict[str, str], department: str, weeks: list[Record]) -> list[Row]:
    rows: list[Row] = []
    for app, name in names.items():
        own = [
            row
            | {
                "shown": row["active_users"] if row["is_complete"] else None,
                # A share of a part of a week is none of the week.
                **({} if row["is_complete"] else {"licensed_active_users": None, "active_rate": None}),
                "report_date": row["week_start"],
                "day_state": "provisional" if row["provisional_days"] else "final",
            }
            for row in weeks
            if row["app"] == app
        ]
        rows += [
            [
                name,
                *values(row, "week_start", "shown", "licensed_users", "licensed_active_users", "active_rate"),
                row["days_with_data"],
                *values(row, "is_complete", "is_suppressed", "settling", "joins"),
                department,
            ]
            for row in marked(own, "shown")
        ]
    return rows


def _finding(names: dict[str, str], found: list[Record]) -> tuple[str, dict[str, str]]:
    """The newest complete week, and its part per app; an app whose week is hidden is left out."""
    if not found:
        return "", {}
    latest = max(row["week_start"] for row in found)
    by_app = {row["app"]: row for row in found if row["week_start"] == latest}
    shown = {name: by_app[app] for app, name in names.items() if app in by_app}
    if all(row["active_rate"] is not None for row in shown.values()):
        # Beside a share of the licensed stands their number: not that of all who came, others among them.
        parts = {
            name: f"{name} {number(row['licensed_active_users'])} ({percent(row['active_rate'])})"
            for name, row in shown.items()
        }
        return f"Week from {day(latest)}, of the licensed: {{parts}}.", parts
    parts = {name: f"{name} {number(row['active_users'])}" for name, row in shown.items()}
    return f"Week from {day(latest)}, people: {{parts}}.", parts


def _why_empty(found: list[Record], *, hidden: bool) -> str:
    if found:
        return "No complete week of this period has figures. Choose a longer period."
    return HIDDEN if hidden else _NO_WEEK
