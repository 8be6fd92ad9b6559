"""The products of a tenant: found by part number or id, with the units that are left.

Source: Graph v1.0 ``subscribedSku: list``; units in their grace period still work, so they may be assigned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.graph.client import GraphClient
from pipelines.graph.objects import read_collection
from pipelines.sign_in import SettingsError

READ = "LicenseAssignment.Read.All"
# Service plans that come with a OneDrive of one's own, and those that come with a mailbox, by the beginnings of names.
ONEDRIVE_PLANS = ("SHAREPOINTSTANDARD", "SHAREPOINTENTERPRISE", "SHAREPOINTDESKLESS", "SHAREPOINTLITE", "ONEDRIVE")
MAILBOX_PLANS = ("EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_DESKLESS", "EXCHANGE_L_STANDARD")


@dataclass(frozen=True)
class Sku:
    """One product of the tenant that people can be given, or not (is_for_people)."""

    sku_id: str
    part_number: str
    is_for_people: bool
    units_left: int
    plans: tuple[str, ...]

    @property
    def has_onedrive(self) -> bool:
        """Whether it comes with a OneDrive."""
        return any(plan.startswith(ONEDRIVE_PLANS) for plan in self.plans)

    @property
    def has_mailbox(self) -> bool:
        """Whether it comes with a mailbox."""
        return any(plan.startswith(MAILBOX_PLANS) for plan in self.plans)


def read_skus(client: GraphClient) -> list[Sku]:
    """The products of the tenant. Raises GraphError."""
    found = read_collection(client, "subscribedSkus", "reading products", permission=READ)
    return [_sku(item) for item in found]


def _sku(item: dict[str, Any]) -> Sku:
    units = item.get("prepaidUnits") or {}
    usable = int(units.get("enabled") or 0) + int(units.get("warning") or 0)
    return Sku(
        sku_id=str(item["skuId"]).lower(),
        part_number=str(item.get("skuPartNumber") or ""),
        is_for_people=item.get("appliesTo") == "User",
        units_left=max(usable - int(item.get("consumedUnits") or 0), 0),
        plans=tuple(str(plan.get("servicePlanName") or "").upper() for plan in item.get("servicePlans") or []),
    )


def choose_sku(skus: list[Sku], wanted: str) -> Sku:
    """The product with this id or part number, in any case. Raises SettingsError where there is none."""
    folded = wanted.strip().lower()
    found = next((sku for sku in skus if folded in (sku.sku_id, sku.part_number.lower())), None)
    if found is None:
        known = ", ".join(sorted(sku.part_number for sku in skus if sku.is_for_people))
        raise SettingsError(f"The tenant has no product {wanted}; it has: {known}.")
    if not found.is_for_people:
        raise SettingsError(f"{found.part_number} belongs to the whole tenant and is assigned to nobody.")
    return found
