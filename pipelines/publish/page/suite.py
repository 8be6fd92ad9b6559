"""The view Suite and Teams: two totals of the suite, and Teams on its own."""

from __future__ import annotations

from pipelines.publish.page import charts
from pipelines.publish.page.engagement import return_panel
from pipelines.publish.page.facts import Facts, choices
from pipelines.publish.page.model import Column, Panel, Row, Variant, View, number, percent
from pipelines.publish.page.read import ALL, Record
from pipelines.publish.page.use import HIDDEN, NO_DAYS, daily_panel, suite_and_teams, window_finding
from pipelines.publish.page.weeks import weekly_panel


def suite_view(facts: Facts) -> View:
    """Suite or Teams: two totals of the suite, Teams on its own."""
    panels = [
        _totals_panel(facts),
        daily_panel(facts, "suite-daily", "Suite or Teams: which is used more each day?", suite_and_teams(facts)),
        _segments_panel(facts),
        return_panel(facts),
        weekly_panel(facts, "suite-weekly", "How many people use the suite and Teams in a week?", ["suite", "teams"]),
    ]
    filters = ["department", "period", "days"]
    question = "How much is the Office suite used, and how much is Teams?"
    return View("suite", "Suite and Teams", question, panels, filters)


def _totals_panel(facts: Facts) -> Panel:
    columns = [Column("total", "Total"), Column("value", "Value", "int"), Column("meaning", "What it counts")]
    columns.append(Column("is_suppressed", "is_suppressed", "bool", hidden=True))
    in_suite = [app for app in facts.apps if app != "teams"]
    five = ", ".join(facts.names[app] for app in in_suite)
    variants = []
    for when, period, kind in choices():
        for department in [ALL, *facts.departments]:
            suite, teams = (facts.window(app, department, period, kind) for app in ("suite", "teams"))
            app_days = [facts.window(app, department, period, kind).get("user_days") for app in in_suite]
            known = [int(value) for value in app_days if value is not None]
            summed = sum(known) if known and len(known) == len(app_days) else None
            hidden = bool(suite.get("is_suppressed"))
            rows: list[Row] = [
                ["Suite: people", suite.get("active_users"), f"Distinct people who used any of {five}", hidden],
                [
                    "Suite: app-days",
                    summed,
                    "The five apps' days of use summed up: one person, up to five a day",
                    any(facts.window(app, department, period, kind).get("is_suppressed") for app in in_suite),
                ],
                ["Suite: person-days", suite.get("user_days"), "Days on which a person used any of the five", hidden],
                [
                    "Teams: people",
                    teams.get("active_users"),
                    "On its own; in none of the figures above",
                    bool(teams.get("is_suppressed")),
                ],
                [
                    "Teams: person-days",
                    teams.get("user_days"),
                    "On its own; in none of the figures above",
                    bool(teams.get("is_suppressed")),
                ],
            ]
            shown = rows if suite or teams else []
            variants.append(
                Variant(
                    {**when, "department": department},
                    window_finding([suite, teams]),
                    shown,
                    empty="" if shown else NO_DAYS,
                )
            )
    note = "Teams is never part of a suite figure: the lines are not to be added."
    return Panel("suite-totals", "How much is the suite used, and Teams?", columns, variants, kind="table", note=note)


_SEGMENTS = {"suite_only_users": "Suite only", "both_users": "Both", "teams_only_users": "Teams only"}


def _segments_panel(facts: Facts) -> Panel:
    months = facts.table("suite_teams_segments", "month_start")
    rows: list[Row] = []
    for month in months:
        label = f"{month['month_start']:%b %Y}" + ("" if month["is_complete"] else " (part)")
        for order, (column, name) in enumerate(_SEGMENTS.items()):
            rows.append([label, name, month[column], month["days_with_data"], order, month["is_suppressed"]])
    known = [month for month in months if month["both_users"] is not None]
    finding = ""
    if known:
        last = known[-1]
        people = sum(last[column] for column in _SEGMENTS)
        share = percent(last["both_users"] / people) if people else "none"
        finding = (
            f"In {last['month_start']:%B %Y}, {share} of {number(people)} people used both, "
            f"{number(last['suite_only_users'])} the suite only and {number(last['teams_only_users'])} Teams only."
        )
    columns = [
        Column("month", "Month"),
        Column("segment", "Who"),
        Column("people", "People", "int"),
        Column("days_with_data", "Days with data", "int"),
        Column("part_order", "order", "int", hidden=True),
        Column("is_suppressed", "is_suppressed", "bool", hidden=True),
    ]
    spec = charts.stacked(
        list(_SEGMENTS.values()),
        ["var(--suite)", "var(--both)", "var(--teams)"],
        label="month",
        part="segment",
        value="people",
        title="Share of people",
        as_share=True,
        sort=list(dict.fromkeys(row[0] for row in rows)),
    )
    empty = "" if known else _why_no_segments(facts, months)
    return Panel(
        "suite-segments",
        "Do people use the suite, Teams, or both?",
        columns,
        [Variant({"department": ALL}, finding, empty=empty)],
        rows,
        spec,
        "Stacked bars, one per month.",
        otherwise="This split is made for the whole company only: set the department to All.",
    )


def _why_no_segments(facts: Facts, months: list[Record]) -> str:
    if not months:
        return NO_DAYS
    if any(month["is_suppressed"] for month in months):
        return HIDDEN
    if facts.concealed:
        return "Names are concealed, so people cannot be told apart over several days. Show names in the admin centre."
    return NO_DAYS
