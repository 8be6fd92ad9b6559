"""The panel of departments over time: who moved in twelve weeks."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts, department_of
from pipelines.publish.page.model import Column, Panel, Row, Variant, percent
from pipelines.publish.page.read import ALL, Record
from pipelines.publish.page.use import HIDDEN

_WEEKS = 4
_BACK = timedelta(weeks=12)
_PARTS = {"before": "Twelve weeks before", "now": "Last four weeks"}


def change_panel(facts: Facts) -> Panel:
    """Each department's weekly share of active people, now and twelve weeks before."""
    suite = [row for row in facts.weeks if row["app"] == "suite" and row["is_complete"]]
    by_department: dict[str, dict[date, Record]] = {}
    for row in suite:
        by_department.setdefault(department_of(row), {})[row["week_start"]] = row
    newest: list[date] = sorted({row["week_start"] for row in suite if row["is_total"]})[-_WEEKS:]
    rows: list[Row] = []
    for department, weeks in by_department.items():
        before, now = _mean(weeks, [week - _BACK for week in newest]), _mean(weeks, newest)
        if before is not None and now is not None:
            rows.append(["Whole company" if department == ALL else department, before, now, now - before])
    rows.sort(key=lambda row: -row[3])
    split = [row for row in rows if row[0] != "Whole company"]
    finding, empty = "", ""
    if split:
        first, last = split[0], split[-1]
        up, down = "Most up" if first[3] > 0 else "Least down", "most down" if last[3] < 0 else "least up"
        finding = f"{up}: {_told(first)}; {down}: {_told(last)}." if len(split) > 1 else f"{_told(first)}."
    elif newest and newest[0] - _BACK in by_department.get(ALL, {}) and any(row["is_suppressed"] for row in suite):
        empty = HIDDEN
    else:
        empty = (
            "Shown after sixteen complete weeks with names and licences: four now, and the four of twelve weeks before."
        )
    columns = [
        Column("department", "Department"),
        Column("before", _PARTS["before"], "rate"),
        Column("now", _PARTS["now"], "rate"),
        Column("change", "Change, in points", "points"),
    ]
    spec = charts.dots(
        _PARTS, ["var(--missing)", "var(--suite)"], label="department", title="Weekly share of the licensed"
    )
    return Panel(
        "dept-change",
        "Which departments moved in twelve weeks?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        spec,
        "A dot for each department twelve weeks before, one for now, and a line between them.",
        "Mean weekly share of the licensed people who used the suite, of four complete weeks each; Teams is not in it.",
    )


def _mean(weeks: dict[date, Record], of: list[date]) -> float | None:
    """The mean share of all these weeks; None where one of them is missing, unknown or hidden."""
    shares = [weeks[week]["active_rate"] for week in of if week in weeks]
    known = [share for share in shares if share is not None]
    return sum(known) / _WEEKS if len(known) == _WEEKS else None


def _told(row: Row) -> str:
    return f"{row[0]}, from {percent(row[1])} to {percent(row[2])}"
