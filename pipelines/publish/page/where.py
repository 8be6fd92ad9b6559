"""The view Departments: who lags."""

from __future__ import annotations

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts, choices, values
from pipelines.publish.page.model import Column, Panel, Row, Variant, View, day, number, percent
from pipelines.publish.page.read import ALL, Record
from pipelines.publish.page.use import HIDDEN, NO_DAYS
from pipelines.publish.page.where_change import change_panel

_BANDS = ["0", "1-3", "4-9", "10-19", "20+"]
SUPPRESSED = Column("is_suppressed", "is_suppressed", "bool", hidden=True)


def departments_view(facts: Facts) -> View:
    """Which departments use what they are licensed for."""
    adoption = facts.table("adoption_by_department", "department, app")
    panels = [
        ranking_panel(facts, adoption),
        _heat_panel(facts, adoption),
        change_panel(facts),
        _depth_panel(facts),
        _department_table(facts),
    ]
    question = "Which departments use what they are licensed for, and which lag?"
    return View("departments", "Departments", question, panels, ["period", "days"])


def _why_no_departments(facts: Facts, rows: list[Record]) -> str:
    if facts.concealed:
        return (
            "Names are concealed, so use cannot be joined with departments. Microsoft 365 admin centre > Settings > "
            "Org settings > Reports: show names, then sync."
        )
    if any(row["is_suppressed"] for row in rows):
        return HIDDEN
    if not facts.suite_days:
        return NO_DAYS
    return "No split by department: the directory names none yet, no week is complete, or the tenant is too small."


def ranking_panel(facts: Facts, adoption: list[Record]) -> Panel:
    """The departments by the share of the licensed who use the suite in a week."""
    suite = [row for row in adoption if row["app"] == "suite"]
    total = next((row["adoption_rate"] for row in suite if row["is_total"]), None)
    split = [row for row in suite if not row["is_total"]]
    split.sort(key=lambda row: -1.0 if row["adoption_rate"] is None else row["adoption_rate"], reverse=True)
    rows = [
        [*values(row, "department", "adoption_rate", "active_users", "licensed_users"), total, row["is_suppressed"]]
        for row in split
    ]
    known = sorted((row for row in split if row["adoption_rate"] is not None), key=lambda row: row["adoption_rate"])
    finding = ""
    if known:
        low, high = known[0], known[-1]
        finding = (
            f"{low['department']} is lowest with {percent(low['adoption_rate'])}, {high['department']} highest with "
            f"{percent(high['adoption_rate'])}; the whole company {percent(total)} (dashed line)."
        )
    elif total is not None:
        finding = f"The whole company: {percent(total)} of the licensed use the suite in a week."
    columns = [
        Column("department", "Department"),
        Column("adoption_rate", "Active in a week", "rate"),
        Column("active_users", "Active in any of these weeks", "int"),
        Column("licensed_users", "Licensed", "int"),
        Column("mean", "Whole company", "rate", hidden=True),
        SUPPRESSED,
    ]
    spec = charts.bars(label="department", value="adoption_rate", title="Share of the licensed", mean="mean")
    empty = "" if known else _why_no_departments(facts, split)
    weeks = max((row["weeks"] for row in suite), default=0)
    note = (
        f"Mean weekly share of the licensed people who used the suite, over {weeks} complete weeks; Teams is not in it."
    )
    return Panel(
        "dept-ranking",
        "Which departments lag in using the Office suite?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        spec,
        "Sorted bars, one per department.",
        note,
    )


def _heat_panel(facts: Facts, adoption: list[Record]) -> Panel:
    split = [row for row in adoption if row["app"] != "suite"]
    rows = [
        [
            row["department"] if not row["is_total"] else "Whole company",
            facts.names.get(row["app"], row["app"]),
            *values(row, "adoption_rate", "licensed_users", "is_suppressed"),
        ]
        for row in split
    ]
    known = [row for row in split if row["adoption_rate"] is not None and not row["is_total"]]
    hidden = sum(1 for row in split if row["is_suppressed"])
    finding = ""
    if known:
        low = min(known, key=lambda row: row["adoption_rate"])
        finding = (
            f"Lowest of all: {facts.names[low['app']]} in {low['department']}, {percent(low['adoption_rate'])}."
            + (f" {hidden} of {len(split)} cells are hidden: they would tell of small groups." if hidden else "")
        )
    columns = [
        Column("department", "Department"),
        Column("app", "App", "app"),
        Column("adoption_rate", "Active in a week", "rate"),
        Column("licensed_users", "Licensed", "int"),
        SUPPRESSED,
    ]
    spec = charts.heat_map(
        row="department",
        column="app",
        columns=list(facts.apps.values()),
        value="adoption_rate",
        title="Active in a week",
    )
    empty = "" if known else _why_no_departments(facts, [row for row in split if not row["is_total"]])
    return Panel(
        "dept-heat",
        "Which department uses which app?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        spec,
        "Grid of departments by apps with the weekly share in each cell.",
        "Mean weekly share of the people licensed for the app.",
        by_app="app",
    )


def _depth_panel(facts: Facts) -> Panel:
    depth = facts.table("usage_depth", "department, band_number")
    rows: list[Row] = [
        [
            "Whole company" if row["is_total"] else row["department"],
            f"{row['band']} days",
            row["people"],
            row["band_number"],
            row["is_suppressed"],
        ]
        for row in depth
    ]
    total = {row["band"]: row["people"] for row in depth if row["is_total"]}
    finding = ""
    if total and all(value is not None for value in total.values()):
        finding = (
            f"In the whole company {number(total.get('20+'))} people used the suite on 20 or more of 28 days, "
            f"{number(total.get('1-3'))} on one to three, and {number(total.get('0'))} licensed people never."
        )
    columns = [
        Column("department", "Department"),
        Column("band", "Days with use"),
        Column("people", "People", "int"),
        Column("part_order", "order", "int", hidden=True),
        SUPPRESSED,
    ]
    names = [f"{band} days" for band in _BANDS]
    colours = ["var(--none)", "var(--depth1)", "var(--depth2)", "var(--depth3)", "var(--depth4)"]
    spec = charts.stacked(
        names, colours, label="department", part="band", value="people", title="Share of people", as_share=True
    )
    shown = any(row["people"] is not None for row in depth)
    empty = "" if shown else _why_no_departments(facts, depth)
    if shown and not finding:
        finding = "Some groups are hidden: they would tell of few people."
    return Panel(
        "dept-depth",
        "How often do people use the suite?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        spec,
        "Stacked bars, one per department, by number of days with use.",
        "Days with use of the suite in the last 28. 0 days: licensed and not used.",
    )


def _department_table(facts: Facts) -> Panel:
    columns = [
        Column("department", "Department"),
        Column("licensed_users", "Licensed", "int"),
        Column("active_users", "Suite: people", "int"),
        Column("active_rate", "Suite: active of the licensed", "rate"),
        Column("teams_users", "Teams: people", "int"),
        Column("teams_rate", "Teams: active of the licensed", "rate"),
        Column("is_total", "is_total", "bool", hidden=True),
        SUPPRESSED,
    ]
    variants = []
    for when, period, kind in choices():
        rows: list[Row] = []
        for department in [ALL, *facts.departments]:
            suite, teams = (facts.window(app, department, period, kind) for app in ("suite", "teams"))
            hidden = bool(suite.get("is_suppressed") or teams.get("is_suppressed"))
            name = "Whole company" if department == ALL else department
            rows.append(
                [
                    name,
                    *values(suite, "licensed_users", "active_users", "active_rate"),
                    *values(teams, "active_users", "active_rate"),
                    department == ALL,
                    hidden,
                ]
            )
        hidden_rows = sum(1 for row in rows if row[-1])
        dates = facts.window("suite", ALL, period, kind)
        finding = f"{day(dates['window_start'])} to {day(dates['window_end'])}." if dates else ""
        if hidden_rows:
            finding += f" {hidden_rows} departments have hidden figures: they would tell of small groups."
        empty = "" if facts.departments else _why_no_departments(facts, [])
        variants.append(Variant(when, finding, rows, empty=empty))
    return Panel(
        "dept-table",
        "How many of the licensed are active, by department?",
        columns,
        variants,
        kind="table",
        note="People are counted once in each row. Teams stands on its own.",
    )
