"""The view Overview: six figures, the days, who lags, what changed."""

from __future__ import annotations

from datetime import timedelta

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts
from pipelines.publish.page.headline import licensed, paid_licences, spare_before, take_back
from pipelines.publish.page.licences import money
from pipelines.publish.page.model import MINUS, Column, Panel, Row, Variant, View, day, number, percent, signed
from pipelines.publish.page.read import ALL
from pipelines.publish.page.use import NO_DAYS, daily_panel, suite_and_teams
from pipelines.publish.page.where import ranking_panel

NONE = "\u2013"  # a dash where there is no figure


def overview(facts: Facts) -> View:
    """Are people using what we pay for?"""
    ranking = ranking_panel(facts, facts.table("adoption_by_department", "department, app"))
    panels = [
        _tiles(facts),
        daily_panel(
            facts,
            "overview-daily",
            "Is use rising or falling?",
            suite_and_teams(facts),
            "Suite: distinct people in any of its five apps. Teams stands on its own.",
        ),
        _changes_panel(facts),
        ranking,
    ]
    return View("overview", "Overview", "Are people using what we pay for?", panels, ["period", "days"])


def _tiles(facts: Facts) -> Panel:
    columns = [Column("label", "Figure"), Column("value", "Value"), Column("detail", "Detail"), Column("view", "View")]
    rows: list[Row] = [
        _licensed(facts),
        _weekly(facts),
        _average(facts, "suite"),
        _average(facts, "teams"),
        _spare(facts),
    ]
    rows.append(_give_back(facts))
    return Panel("overview-tiles", "The figures", columns, [Variant()], rows, kind="tiles")


def _licensed(facts: Facts) -> Row:
    people = licensed(facts)
    detail = "people hold a licence for the Office suite" if people is not None else "who is licensed is not known yet"
    return ["Licensed", number(people) if people is not None else NONE, detail, "departments"]


def _weekly(facts: Facts) -> Row:
    weeks = [row for row in facts.weeks if row["app"] == "suite" and row["is_total"] and row["is_complete"]]
    label = "Active in a week, suite"
    if not weeks:
        return [label, NONE, "no complete week yet", "suite"]
    last = weeks[-1]
    rate = last["active_rate"]
    share = f": {percent(rate)} of the licensed" if rate is not None else ""
    before = next((row for row in weeks if row["week_start"] == last["week_start"] - timedelta(weeks=4)), {})
    if rate is not None and before.get("active_rate") is not None:
        points = round(100 * (rate - before["active_rate"]))
        share += f", {points:+d} {'point' if abs(points) == 1 else 'points'} in four weeks".replace("-", MINUS)
    # Beside a share of the licensed stands their number: not that of all who came, which others are in as well.
    people = last["active_users"] if rate is None else last["licensed_active_users"]
    who = "people" if rate is None else "licensed people"
    return [label, number(people) if people is not None else NONE, f"{who}, week from {day(last['week_start'])}{share}",
            "suite"]  # fmt: skip


def _average(facts: Facts, app: str) -> Row:
    mean = facts.window(app, ALL, 28, "weekdays").get("avg_daily_users")
    found = (
        facts.table("suite_usage_28d", "window_end")
        if app == "suite"
        else [row for row in facts.table("app_usage_28d", "window_end") if row["app"] == app]
    )
    change = found[0]["change_rate"] if found else None
    trend = "28 days before: not enough data" if change is None else f"{signed(change)} against the 28 days before"
    label = "Suite on a weekday" if app == "suite" else "Teams on a weekday"
    return [label, number(mean) if mean is not None else NONE, f"people on average in 28 days; {trend}", "suite"]


def _spare(facts: Facts) -> Row:
    paid = paid_licences(facts)
    if paid is None:
        return ["Spare licences", NONE, "no licences are known", "licences"]
    detail = f"{money(paid.spare_cost)} a month" if paid.spare_cost else "cost unknown"
    detail += f"; {paid.unpriced_spare} products without a price" if paid.unpriced_spare else ""
    before = spare_before(facts)
    detail += f"; {number(before)} were spare 28 days before" if before is not None else ""
    return ["Spare licences", number(paid.unassigned), detail, "licences"]


def _give_back(facts: Facts) -> Row:
    label = "Can be taken back"
    found = take_back(facts)
    if found is None or found.licences is None:
        return [label, NONE, "hidden: small groups" if found else "nothing can be judged yet", "licences"]
    yearly = {currency: amount * 12 for currency, amount in found.saving.items()}
    detail = f"licences held and not needed; {money(yearly)} a year" if yearly else "licences held and not needed"
    rest = f"; {found.hidden} products with small groups hidden" if found.hidden else ""
    return [label, number(found.licences), detail + rest, "licences"]


def _changes_panel(facts: Facts) -> Panel:
    rows: list[Row] = []
    suite = facts.table("suite_usage_28d", "window_end")
    found = [(facts.names["suite"], row) for row in suite[:1]]
    by_app = {row["app"]: row for row in facts.table("app_usage_28d", "app")}
    found += [(name, by_app[app]) for app, name in facts.apps.items() if app in by_app]
    for name, row in found:
        days = row.get("user_days", row.get("suite_user_days"))
        before = row.get("prev_user_days", row.get("prev_suite_user_days"))
        rows.append([name, days, before, row["change_rate"], row["prev_observed_days"]])
    rows.sort(key=lambda row: (row[3] is None, -(row[3] or 0)))
    known = sorted((row for row in rows if row[3] is not None), key=lambda row: row[3])
    finding, empty = "", ""
    if known:
        low, high = known[0], known[-1]
        finding = f"Highest: {high[0]} {signed(high[3])}; lowest: {low[0]} {signed(low[3])}."
    elif not rows:
        empty = NO_DAYS
    else:
        empty = (
            f"Shown once both windows of 28 days have at least 20 days with data; the one before has "
            f"{number(rows[0][4])} so far."
        )
    columns = [
        Column("app", "What", "app"),
        Column("user_days", "Days of use, last 28", "int"),
        Column("prev_user_days", "The 28 before", "int"),
        Column("change_rate", "Change", "change"),
        Column("prev_observed_days", "Days with data before", "int"),
    ]
    spec = charts.bars(label="app", value="change_rate", title="Change of days of use per weekday", unit="+.1%")
    return Panel(
        "overview-changes",
        "What changed against the 28 days before?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        spec,
        "Bars, one per app.",
        "Days of use per observed weekday. Public holidays show.",
    )
