"""The view Apps: which apps are used, and by how many."""

from __future__ import annotations

from pipelines.publish.page.engagement import stickiness_panel
from pipelines.publish.page.facts import Facts
from pipelines.publish.page.model import View
from pipelines.publish.page.use import daily_panel, each_panel, windows_panel
from pipelines.publish.page.weeks import weekly_panel


def apps_view(facts: Facts) -> View:
    """Which apps are used."""
    series = {name: [row for row in facts.app_days if row["app"] == app] for app, name in facts.apps.items()}
    panels = [
        daily_panel(facts, "apps-daily", "Which apps are used each day?", series),
        each_panel(facts, "apps-each", "Which apps gain, which lose?", series, "apps-daily"),
        windows_panel(facts, "apps-window", "How many people use each app?", facts.apps),
        weekly_panel(facts, "apps-weekly", "How many people use each app in a week?", facts.apps),
        stickiness_panel(facts),
    ]
    filters = ["department", "period", "days", "apps"]
    return View("apps", "Apps", "Which apps are used, and by how many?", panels, filters)
