"""The panels of months: do people come back, and how many of a month's people are there on a working day."""

from __future__ import annotations

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts, marked, values
from pipelines.publish.page.lines import lines
from pipelines.publish.page.model import Column, Panel, Row, Variant, number, percent
from pipelines.publish.page.read import ALL
from pipelines.publish.page.use import HIDDEN

# Order of the parts in a bar, from the base up; who stayed away is on the other side of it.
_PARTS = {
    "returning_users": ("Came back from the month before", "var(--suite)"),
    "resumed_users": ("Back after a gap", "var(--both)"),
    "first_time_users": ("First time", "var(--good)"),
    "lost_users": ("Stayed away", "var(--warn)"),
}
_COMPANY = "Months are counted for the whole company only: set the department to All."


def return_panel(facts: Facts) -> Panel:
    """Who used the suite in a month: again, again after a gap, for the first time; and who stayed away."""
    months = [row for row in facts.table("engagement_monthly", "month_start") if row["app"] == "suite"]
    rows: list[Row] = []
    for month in months:
        label = f"{month['month_start']:%b %Y}" + ("" if month["is_complete"] else " (part)")
        for order, (column, (part, _)) in enumerate(_PARTS.items()):
            cells = values(month, "active_users", "days_with_data", "is_suppressed")
            bar = month[column] if column != "lost_users" or month[column] is None else -month[column]
            rows.append([label, part, month[column], *cells, order, bar])
    known = [
        month for month in months if month["returning_users"] is not None and month["first_time_users"] is not None
    ]
    finding, empty = "", ""
    if known:
        last = known[-1]
        lost = "" if last["lost_users"] is None else f"; {number(last['lost_users'])} of the month before stayed away"
        finding = (
            f"{last['month_start']:%B %Y}: {number(last['returning_users'])} came back "
            f"({percent(last['return_rate'])} of the month before), {number(last['first_time_users'])} came for the "
            f"first time{lost}."
        )
    elif any(month["is_suppressed"] for month in months):
        empty = HIDDEN
    else:
        history = max((month["history_days"] for month in months), default=0)
        empty = (
            "Shown from the first month before which 60 days of data lie (setting history_days), so that nobody is "
            f"taken for new who only came before collection began; the newest month has {number(history)}."
        )
    columns = [
        Column("month", "Month"),
        Column("part", "Who"),
        Column("people", "People", "int"),
        Column("active_users", "All people of the month", "int"),
        Column("days_with_data", "Days with data", "int"),
        Column("is_suppressed", "is_suppressed", "bool", hidden=True),
        Column("part_order", "order", "int", hidden=True),
        Column("bar", "bar", "int", hidden=True),
    ]
    names, colours = [name for name, _ in _PARTS.values()], [colour for _, colour in _PARTS.values()]
    spec = charts.stacked(
        names,
        colours,
        label="month",
        part="part",
        value="bar",
        count="people",
        title="People; left of zero: who stayed away",
        sort=list(dict.fromkeys(row[0] for row in rows)),
    )
    title = "Do people come back to the suite?"
    note = "First time: since collection began. Stayed away: there the month before. Teams is not in it."
    variant = Variant({"department": ALL}, finding, empty=empty)
    return Panel("suite-return", title, columns, [variant], rows, spec, "Stacked bars, one per month.", note, _COMPANY)


def stickiness_panel(facts: Facts) -> Panel:
    """How many of a month's users are there on a working day, per app."""
    months = facts.table("engagement_monthly", "month_start")
    rows: list[Row] = []
    keys = (
        "month_start",
        "stickiness",
        "avg_weekday_users",
        "active_users",
        "return_rate",
        "is_suppressed",
        "settling",
    )
    for app, name in facts.apps.items():
        own = [
            row | {"report_date": row["month_start"], "day_state": "final" if row["is_complete"] else "provisional"}
            for row in months
            if row["app"] == app
        ]
        rows += [[name, *values(row, *keys, "joins")] for row in marked(own, "stickiness", monthly=True)]
    known = [row for row in rows if row[2] is not None]
    finding, told = "", {}
    if known:
        latest = max(row[1] for row in known)
        found = sorted((row for row in known if row[1] == latest), key=lambda row: row[2], reverse=True)
        told = {row[0]: f"{row[0]} {percent(row[2])}" for row in found}
        finding = f"{latest:%B %Y}: {{parts}}."
    columns = [
        Column("series", "App", "app"),
        Column("month_start", "Month from", "date"),
        Column("stickiness", "There on a working day", "rate"),
        Column("avg_weekday_users", "People on a weekday", "float"),
        Column("active_users", "People in the month", "int"),
        Column("return_rate", "Came back from the month before", "rate"),
        *(Column(name, name, "bool", hidden=True) for name in ("is_suppressed", "settling", "joins")),
    ]
    names = list(facts.apps.values())
    spec = lines(
        names, x="month_start", series="series", y="stickiness", y_title="Share of the month's people", unit=".0%"
    )
    note = "People on an average weekday, of all who used the app in the month. Dashed: the month is not complete."
    empty = "" if known else "Shown for months with data for at least 20 of 28 days."
    variant = Variant({"department": ALL}, finding, empty=empty, parts=told)
    return Panel(
        "apps-stickiness",
        "How many of a month's people are there on a working day?",
        columns,
        [variant],
        rows,
        spec,
        "Line chart, a point per month.",
        note,
        _COMPANY,
        by_app="series",
    )
