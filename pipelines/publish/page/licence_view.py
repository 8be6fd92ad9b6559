"""The view Licences, put together."""

from __future__ import annotations

from pipelines.publish.page import licences
from pipelines.publish.page.facts import Facts
from pipelines.publish.page.licence_cost import department_cost_panel, waste_panel
from pipelines.publish.page.model import View


def licences_view(facts: Facts) -> View:
    """What we have, what is used, what we can take back; people in the admin build only."""
    panels = [licences.inventory_panel(facts), licences.savings_panel(facts), licences.reasons_panel(facts)]
    if facts.db.has("reclaimable_licenses"):
        panels.append(licences.people_panel(facts))
    panels += [waste_panel(facts), licences.utilization_panel(facts), department_cost_panel(facts)]
    panels.append(licences.inventory_table(facts))
    return View("licences", "Licences", "What do we have, what is spare, and what can we take back?", panels)
