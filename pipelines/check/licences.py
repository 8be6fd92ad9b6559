"""Checks of the licences: which products the tenant has."""

from __future__ import annotations

from typing import Any

from pipelines.check.access import refused
from pipelines.check.probe import Probe
from pipelines.check.results import CheckResult, ok, warning
from pipelines.graph.errors import GraphError

LICENCES, EXPLORATORY = "licences", "Teams Exploratory"
_EXPLORATORY_SKU = "710779e8-3d4a-4c88-adb9-386c958d1fdf"
_EXPLORATORY_NAME = "TEAMS_EXPLORATORY"


def check_licences(probe: Probe) -> list[CheckResult]:
    """The products, and whether one that other vendors ask for is among them."""
    try:
        found = probe.first_page("subscribedSkus").get("value")
    except GraphError as error:
        permission = "LicenseAssignment.Read.All"
        lost = "no purchased and assigned licences are read, and the sync fails"
        return [refused(probe, LICENCES, error, permission, lost, is_required=True)]
    skus = [sku for sku in found if isinstance(sku, dict)] if isinstance(found, list) else []
    if not skus:
        return [warning(LICENCES, "The tenant has no product at all.", "Check that this is the right tenant.")]
    seats = [sku for sku in skus if sku.get("appliesTo") == "User"]
    assigned = sum(int(sku.get("consumedUnits") or 0) for sku in seats)
    return [
        ok(LICENCES, f"{len(skus)} products can be read, {len(seats)} for people; {assigned:,} licences assigned."),
        _exploratory(skus),
    ]


def _exploratory(skus: list[dict[str, Any]]) -> CheckResult:
    """Some products list a Teams Exploratory licence as required; this one does not need it."""
    held = [
        sku for sku in skus if sku.get("skuId") == _EXPLORATORY_SKU or sku.get("skuPartNumber") == _EXPLORATORY_NAME
    ]
    if not held:
        return ok(EXPLORATORY, "The tenant has no such licence. It is not needed here, though others may ask for it.")
    assigned = sum(int(sku.get("consumedUnits") or 0) for sku in held)
    return ok(EXPLORATORY, f"The tenant has it, {assigned:,} assigned. It is not needed here.")
