"""What the tenant has bought: subscriptions, and the SKUs that they add up to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipelines.simulator import dice, skus
from pipelines.simulator.licensing import Licensing
from pipelines.simulator.people import Person
from pipelines.simulator.positions import lay_out
from pipelines.simulator.roster import Roster
from pipelines.simulator.skus import Sku
from pipelines.simulator.spec import TenantSpec

Json = dict[str, Any]

ENABLED, WARNING, SUSPENDED, LOCKED_OUT = "Enabled", "Warning", "Suspended", "LockedOut"
_UNIT_KEYS = {ENABLED: "enabled", WARNING: "warning", SUSPENDED: "suspended", LOCKED_OUT: "lockedOut"}
FREE_UNITS = 1_000_000
VIRAL_UNITS = 10_000
TRIAL_UNITS = 100
TRIAL_DAYS = 90
FAR = date(2030, 1, 1)


@dataclass(frozen=True)
class Purchase:
    """One subscription: units of a product in one state."""

    sku: Sku
    status: str
    units: int
    is_trial: bool = False
    is_endless: bool = False
    """A free product: no day on which it passes to another state."""


class Inventory:
    """Subscriptions, SKUs and who counts as a holder."""

    def __init__(self, spec: TenantSpec, roster: Roster, licensing: Licensing) -> None:
        self._spec = spec
        self._roster = roster
        self._licensing = licensing
        self._purchases = list(self._buy())

    def holders(self, day: date) -> Counter[str]:
        """SKU id → the number of people who hold it on the day, each once."""
        counts: Counter[str] = Counter()
        for person in self._roster.people_on(day):
            counts.update({held.sku_id for held in self._licensing.on(person, day) if held.is_held})
        return counts

    def subscriptions(self, today: date) -> list[Json]:
        """`/directory/subscriptions`."""
        return [self._subscription(number, today) for number in range(len(self._purchases))]

    def subscribed_skus(self, today: date) -> list[Json]:
        """`/subscribedSkus`; `consumedUnits` are the holders of the day."""
        holders = self.holders(today)
        return [self._subscribed_sku(sku, holders[sku.sku_id]) for sku in skus.CATALOG]

    def _subscribed_sku(self, sku: Sku, consumed: int) -> Json:
        units = dict.fromkeys(("enabled", "suspended", "warning", "lockedOut"), 0)
        ids = []
        for number, purchase in enumerate(self._purchases):
            if purchase.sku is sku:
                units[_UNIT_KEYS[purchase.status]] += purchase.units
                ids.append(self._subscription_id(number))
        status = next((state for state, key in _UNIT_KEYS.items() if units[key]), LOCKED_OUT)
        return {
            "accountName": self._spec.domain.split(".")[0],
            "accountId": self._spec.tenant_id,
            "appliesTo": sku.applies_to,
            "capabilityStatus": status,
            "consumedUnits": consumed,
            "id": f"{self._spec.tenant_id}_{sku.sku_id}",
            "skuId": sku.sku_id,
            "skuPartNumber": sku.part_number,
            "subscriptionIds": ids,
            "prepaidUnits": units,
            "servicePlans": [
                {
                    "servicePlanId": plan_id,
                    "servicePlanName": name,
                    "provisioningStatus": "Success",
                    "appliesTo": "Company" if name == "EXCHANGE_S_FOUNDATION" else sku.applies_to,
                }
                for name, plan_id in sku.plan_ids.items()
            ],
        }

    def _subscription_id(self, number: int) -> str:
        return dice.guid(self._spec.seed, self._spec.tenant_id, "subscription", number)

    def _subscription(self, number: int, today: date) -> Json:
        purchase = self._purchases[number]
        created = date(2019, 1, 1) + timedelta(days=dice.between(0, 1400, self._spec.seed, "bought", number))
        length = TRIAL_DAYS if purchase.is_trial else 365
        terms = max((today - created).days, 0) // length + 1
        renewal = created + timedelta(days=terms * length)
        return {
            "createdDateTime": f"{created}T00:00:00Z",
            "commerceSubscriptionId": dice.guid(self._spec.seed, self._spec.tenant_id, "commerce", number),
            "id": self._subscription_id(number),
            "isTrial": purchase.is_trial,
            "nextLifecycleDateTime": None if purchase.is_endless else f"{renewal}T00:00:00Z",
            "ownerId": None,
            "ownerTenantId": None,
            "ownerType": None,
            "serviceStatus": [
                {
                    "appliesTo": purchase.sku.applies_to,
                    "provisioningStatus": "Success",
                    "servicePlanId": plan_id,
                    "servicePlanName": name,
                }
                for name, plan_id in purchase.sku.plan_ids.items()
            ],
            "skuId": purchase.sku.sku_id,
            "skuPartNumber": purchase.sku.part_number,
            "status": purchase.status,
            "totalLicenses": purchase.units,
        }

    def _permanent_holders(self) -> Counter[str]:
        """SKU id → people who hold it for good, whatever the day."""
        permanent: list[Person] = [person for person in self._roster.people_between(FAR, FAR) if person.deleted is None]
        counts: Counter[str] = Counter()
        for person in permanent:
            counts.update({a.sku_id for a in self._licensing.of(person) if a.is_held and a.valid_to is None})
        return counts

    def _buy(self) -> list[Purchase]:
        """Units that fit the company on any day, since a purchase does not follow every hire."""
        kept = self._permanent_holders()
        positions = lay_out(self._spec.seed, self._spec.users)
        changing = [p for p in positions if p.turnover is not None]
        frontline = sum(1 for p in changing if p.department and p.department.is_frontline)
        studio = sum(1 for p in changing if p.is_studio)
        office = len(changing) - frontline - studio + sum(1 for p in positions if "e5_loan" in p.products)
        turns = [
            sum(1 for p in positions if f"visio_{parity}" in p.products and "teams_only" not in p.traits)
            for parity in ("even", "odd")
        ]
        visio = kept[skus.VISIO_PLAN_2.sku_id] + min(turns)

        def with_room(sku: Sku, more: int, step: int) -> int:
            return -(-(kept[sku.sku_id] + more) // step) * step

        e3 = with_room(skus.E3, office + max(2, self._spec.users // 25), 5)
        return [
            Purchase(skus.E5, ENABLED, with_room(skus.E5, (office + 1) // 2 + 2, 5)),
            Purchase(skus.E3, ENABLED, e3 - e3 // 4),
            Purchase(skus.E3, ENABLED, e3 // 4),
            Purchase(skus.F3, ENABLED, with_room(skus.F3, frontline + 3, 5)),
            Purchase(skus.BUSINESS_PREMIUM, ENABLED, with_room(skus.BUSINESS_PREMIUM, studio + 1, 1)),
            Purchase(skus.EXCHANGE_PLAN_1, ENABLED, with_room(skus.EXCHANGE_PLAN_1, 3, 5)),
            Purchase(skus.TEAMS_EXPLORATORY, ENABLED, TRIAL_UNITS, is_trial=True),
            Purchase(skus.COPILOT, ENABLED, max(kept[skus.COPILOT.sku_id], 1)),
            Purchase(skus.VISIO_PLAN_2, ENABLED, max(visio - 2, 1)),
            Purchase(skus.VISIO_PLAN_2, WARNING, max(turns) - min(turns) + 3),
            Purchase(skus.PROJECT_PLAN_3, SUSPENDED, kept[skus.PROJECT_PLAN_3.sku_id] + 2),
            Purchase(skus.PROJECT_PLAN_3, LOCKED_OUT, 5),
            Purchase(skus.POWER_BI_FREE, ENABLED, FREE_UNITS, is_endless=True),
            Purchase(skus.FLOW_FREE, ENABLED, VIRAL_UNITS, is_endless=True),
            Purchase(skus.EXTRA_STORAGE, ENABLED, 50),
        ]
