"""The view Licences, put together."""

from __future__ import annotations

from pipelines.publish.page import licence_tables, licences
from pipelines.publish.page.facts import Facts
from pipelines.publish.page.licence_cost import department_cost_panel, waste_panel
from pipelines.publish.page.licence_given_back import given_back_panel
from pipelines.publish.page.licence_trend import trend_panel
from pipelines.publish.page.model import View


def licences_view(facts: Facts) -> View:
    """What we have, what is used, what we can take back; people in the admin build only."""
    panels = [licences.inventory_panel(facts), licences.savings_panel(facts), licences.reasons_panel(facts)]
    if facts.db.has("reclaimable_licenses"):
        panels.append(licence_tables.people_panel(facts))
    given_back = given_back_panel(facts)
    panels += [given_back] if given_back else []
    panels += [waste_panel(facts), trend_panel(facts), licence_tables.utilization_panel(facts)]
    panels += [department_cost_panel(facts), licence_tables.inventory_table(facts)]
    question = "What do we have, what is spare, and what can we take back?"
    return View("licences", "Licences", question, panels, ["period"])
