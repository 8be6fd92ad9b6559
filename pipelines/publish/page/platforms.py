"""The view Platforms: on what devices."""

from __future__ import annotations

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts, choices, marked, values
from pipelines.publish.page.lines import lines
from pipelines.publish.page.model import Column, Panel, Row, Variant, View, number, percent
from pipelines.publish.page.read import Record
from pipelines.publish.page.use import HIDDEN, NO_DAYS, SETTLING
from pipelines.publish.page.where import SUPPRESSED

_PLATFORMS = {"windows_users": "Windows", "mac_users": "Mac", "mobile_users": "Mobile", "web_users": "Web"}


def platforms_view(facts: Facts) -> View:
    """On what devices the apps are used."""
    panels = [_platform_share_panel(facts), _platform_days_panel(facts)]
    return View("platforms", "Platforms", "On which devices are the apps used?", panels, ["app", "period", "days"])


def _platform_share_panel(facts: Facts) -> Panel:
    rows: list[Row] = []
    known = []
    windows = {row["app"]: row for row in facts.table("app_usage_28d", "app")}
    for app, name in facts.apps.items():
        row = windows.get(app)
        if row is None:
            continue
        for column, platform in _PLATFORMS.items():
            people, base = row[column], row["active_users"]
            rate = people / base if people is not None and base else None
            rows.append([name, platform, people, base, rate, row["is_suppressed"]])
            if rate is not None:
                known.append((rate, name, platform))
    finding = ""
    if known:
        mobile = max((item for item in known if item[2] == "Mobile"), default=None)
        web = max((item for item in known if item[2] == "Web"), default=None)
        places = {"on mobile": mobile, "on the web": web}
        parts = [f"{item[1]} {where} ({percent(item[0])} of its users)" for where, item in places.items() if item]
        finding = f"Most used away from the desktop: {' and '.join(parts)}."
    columns = [
        Column("app", "App", "app"),
        Column("platform", "Platform"),
        Column("people", "People", "int"),
        Column("active_users", "All of the app's people", "int"),
        Column("share", "Share of the app's people", "rate"),
        SUPPRESSED,
    ]
    spec = charts.heat_map(
        row="app",
        column="platform",
        columns=list(_PLATFORMS.values()),
        value="share",
        title="Share of the app's people",
        rows=list(facts.apps.values()),
    )
    empty = "" if known else (HIDDEN if any(row[-1] for row in rows) else _no_platforms(facts))
    note = "Last 28 days. People use several devices, so shares add up to more than 100 %."
    return Panel(
        "platform-share",
        "On which devices is each app used?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        spec,
        "Grid of apps by platforms with the share in each cell.",
        note,
    )


def _no_platforms(facts: Facts) -> str:
    if facts.concealed:
        return "Names are concealed, so people cannot be counted over several days; the days below are right."
    return NO_DAYS


def _platform_days_panel(facts: Facts) -> Panel:
    rows: list[Row] = []
    variants = []
    for app, name in facts.apps.items():
        days = [row for row in facts.app_days if row["app"] == app]
        for column, platform in _PLATFORMS.items():
            rows += [
                [
                    name,
                    platform,
                    *values(row, "report_date", column, "day_state", "is_suppressed", "weekday", "settling", "joins"),
                ]
                for row in marked(days, column)
            ]
        for when, period, kind in choices():
            since = facts.since(period)
            finding = _platform_finding(days, name, since, kind)
            keep = {"series": name, **({"weekday": True} if kind == "weekdays" else {})}
            hidden = any(row["is_suppressed"] for row in days if row["report_date"].isoformat() >= since)
            empty = "" if finding else (HIDDEN if hidden else NO_DAYS)
            finding += " Some figures are hidden: they would tell of few people." if finding and hidden else ""
            variants.append(Variant({**when, "app": app}, finding, keep=keep, since=since, empty=empty))
    columns = [
        Column("series", "App", "app"),
        Column("platform", "Platform"),
        Column("report_date", "Day", "date"),
        Column("people", "People", "int"),
        Column("day_state", "State of the day"),
        *(Column(name, name, "bool", hidden=True) for name in ("is_suppressed", "weekday", "settling", "joins")),
    ]
    spec = lines(
        list(_PLATFORMS.values()),
        x="report_date",
        series="platform",
        y="people",
        y_title="People",
        unsettled_from=facts.unsettled_from,
    )
    note = f"A person on two devices counts on both. {SETTLING}"
    return Panel(
        "platform-daily",
        "How do devices change from day to day?",
        columns,
        variants,
        rows,
        spec,
        "Line chart, one line per platform.",
        note,
        date_column="report_date",
    )


def _platform_finding(days: list[Record], name: str, since: str, kind: str) -> str:
    means = []
    for column, platform in _PLATFORMS.items():
        found = [
            row[column]
            for row in days
            if row[column] is not None
            and row["report_date"].isoformat() >= since
            and (kind == "all" or row["report_date"].weekday() < 5)
        ]
        if found:
            means.append(f"{platform} {number(sum(found) / len(found))}")
    return (
        f"{name}, people on an average {'weekday' if kind == 'weekdays' else 'day'}: {', '.join(means)}."
        if means
        else ""
    )
