"""What the tables must say of a simulated company: worked out in plain Python from the company's own ground truth.

Written from the definitions (what is held, entitled, used, idle), not from any SQL, so that a mistake there is found
here. Only the simulator's truth is read: no landed file, no table.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

from pipelines.simulator import Tenant, skus
from pipelines.simulator.columns import used_pairs
from pipelines.simulator.licensing import Assignment
from pipelines.simulator.people import DELETED_ITEMS_DAYS
from pipelines.simulator.truth import TruePerson

LAG_DAYS = 2
WINDOW_DAYS = 28
APPS = ("outlook", "word", "excel", "powerpoint", "onenote", "teams")
SUITE = APPS[:5]

# The thresholds as documented.
IDLE_DAYS = 90
GRACE_DAYS = 30
NEVER_USED_HELD_DAYS = 30
HALF_YEAR_DAYS = 180

# What is no waste: products that cost nothing, and trials.
NOT_PAID = {skus.POWER_BI_FREE.sku_id, skus.FLOW_FREE.sku_id, skus.TEAMS_EXPLORATORY.sku_id}
# Of the simulated products the only two of which one holds all that is in the other, and which somebody has at once.
CONTAINED = {skus.E3.sku_id: skus.E5.sku_id}
NOT_A_PERSON = {"guest", "shared_mailbox", "room_mailbox", "service_account"}


@dataclass(frozen=True)
class Held:
    """One SKU that a person holds on a day, from one source or from two."""

    user_id: str
    sku_id: str
    sources: tuple[Assignment, ...]

    @property
    def since(self) -> date:
        return min(source.valid_from for source in self.sources)

    @property
    def is_twice(self) -> bool:
        return {source.assigned_by_group is None for source in self.sources} == {True, False}

    @cached_property
    def apps(self) -> frozenset[str]:
        """The apps that the service plans which are not switched off entitle to."""
        sku = skus.BY_ID[self.sku_id]
        pairs = [used_pairs(skus.entitled_use(sku, source.disabled_plans)) for source in self.sources]
        return frozenset(app.lower() for found in pairs for app, _ in found)


class Company:
    """A simulated company as it really is on its own day.

    first_sync: the day of the first sync; 28 report days before it were still to be had.
    """

    def __init__(self, tenant: Tenant, first_sync: date) -> None:
        self.truth = tenant.truth
        self.today = tenant.spec.today
        self.last_day = self.today - timedelta(days=LAG_DAYS)
        self.first_day = first_sync - timedelta(days=LAG_DAYS + WINDOW_DAYS - 1)
        self.first_sync = first_sync
        self._held: dict[date, list[Held]] = {}

    @cached_property
    def people(self) -> dict[str, TruePerson]:
        return {person.user_id: person for person in self.truth.people}

    @cached_property
    def known_people(self) -> list[TruePerson]:
        """Everybody who had an account on the day of the first sync or later, or was still in the bin then."""
        return [
            person
            for person in self.truth.people
            if person.deleted is None or person.deleted + timedelta(days=DELETED_ITEMS_DAYS) > self.first_sync
        ]

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """What was assigned on the day of the first sync or later."""
        return tuple(a for a in self.truth.assignments() if a.valid_to is None or a.valid_to > self.first_sync)

    def days(self, first: date, last: date) -> list[date]:
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    @cached_property
    def use(self) -> dict[date, dict[str, frozenset[str]]]:
        """Day → person → apps used, from half a year before the first day on; nobody who used nothing."""
        return {
            day: {
                user_id: frozenset(app.lower() for app, _ in pairs)
                for user_id, pairs in self.truth.active_on(day).items()
                if pairs
            }
            for day in self.days(self.first_day - timedelta(days=HALF_YEAR_DAYS), self.last_day)
        }

    @cached_property
    def use_days(self) -> dict[tuple[str, str], list[date]]:
        """(person, app) → days of use, oldest first."""
        found: dict[tuple[str, str], list[date]] = defaultdict(list)
        for day, by_person in sorted(self.use.items()):
            for user_id, apps in by_person.items():
                for app in apps:
                    found[user_id, app].append(day)
        return found

    def last_use(self, user_id: str, apps: frozenset[str], until: date) -> date | None:
        """The newest day not after `until` on which the person used one of the apps."""
        days = [day for app in apps for day in self.use_days.get((user_id, app), ()) if day <= until]
        return max(days, default=None)

    def used_between(self, user_id: str, apps: frozenset[str], first: date, last: date) -> bool:
        found = self.last_use(user_id, apps, last)
        return found is not None and found >= first

    def held(self, day: date) -> list[Held]:
        """Every SKU that is held on the day, by whom and from which sources; what was only wanted is not held."""
        if day in self._held:
            return self._held[day]
        sources: dict[tuple[str, str], list[Assignment]] = defaultdict(list)
        for assignment in self.assignments:
            if assignment.is_held and assignment.covers(day):
                sources[assignment.user_id, assignment.sku_id].append(assignment)
        self._held[day] = [Held(user_id, sku_id, tuple(found)) for (user_id, sku_id), found in sources.items()]
        return self._held[day]

    def is_disabled(self, user_id: str, day: date) -> bool:
        person = self.people[user_id]
        if person.kinds & {"shared_mailbox", "room_mailbox"}:
            return True
        return person.disabled is not None and person.disabled <= day

    def waste(self, day: date, lag_days: int = LAG_DAYS) -> dict[tuple[str, str], str]:
        """(person, SKU) → the first reason for which the licence could be taken back on the day.

        lag_days: how far behind the reports were that are looked at; 0 for a day long past.
        """
        held = self.held(day)
        skus_of: dict[str, set[str]] = defaultdict(set)
        for licence in held:
            skus_of[licence.user_id].add(licence.sku_id)
        found = {}
        for licence in held:
            person = self.people[licence.user_id]
            if licence.sku_id in NOT_PAID or person.kinds & NOT_A_PERSON:
                continue
            larger = CONTAINED.get(licence.sku_id)
            if self.is_disabled(licence.user_id, day):
                found[licence.user_id, licence.sku_id] = "disabled"
            elif reason := self._lack_of_use(licence, day, day - timedelta(days=lag_days)):
                found[licence.user_id, licence.sku_id] = reason
            elif larger in skus_of[licence.user_id]:
                found[licence.user_id, licence.sku_id] = "overlapping_sku"
            elif licence.is_twice:
                found[licence.user_id, licence.sku_id] = "duplicate_assignment"
        return found

    def _lack_of_use(self, licence: Held, day: date, until: date) -> str | None:
        """never_used or idle; nothing of a licence whose apps are in no report, and nothing of newcomers."""
        held_days = (day - licence.since).days
        if not licence.apps or held_days < GRACE_DAYS:
            return None
        half_year = min(self.first_day, until - timedelta(days=HALF_YEAR_DAYS - 1))
        is_used = self.used_between(licence.user_id, licence.apps, half_year, until)
        if held_days >= NEVER_USED_HELD_DAYS and not is_used:
            return "never_used"
        if self.unused_days(licence, until) >= IDLE_DAYS:
            return "idle"
        if (until - self.first_day).days + 1 < IDLE_DAYS <= held_days:
            # Collection began too late: the service's own report of 90 days tells.
            period = until - timedelta(days=IDLE_DAYS - 1)
            return None if self.used_between(licence.user_id, licence.apps, period, until) else "idle"
        return None

    def unused_days(self, licence: Held, until: date) -> int:
        """The observed days since the last use, since the licence is held, or since anything was observed."""
        first = max(licence.since, self.first_day)
        last = self.last_use(licence.user_id, licence.apps, until)
        if last is not None and last >= first:
            first = last + timedelta(days=1)
        return (until - first).days + 1

    def savings(self, units: dict[str, dict[str, Any]]) -> dict[str, tuple[int, int, int, int]]:
        """Paid SKU → licences to take back, units not needed, units others could have, units fewer at renewal.

        units: SKU → Graph's own entry of today. What is assigned beyond what is paid for comes off first.
        """
        waste = [sku_id for (_, sku_id), reason in self.waste(self.today).items() if reason != "duplicate_assignment"]
        found = {}
        for sku_id, sku in units.items():
            if sku_id in NOT_PAID or sku["appliesTo"] != "User":
                continue
            enabled, assigned = sku["prepaidUnits"]["enabled"], sku["consumedUnits"]
            usable = enabled + sku["prepaidUnits"]["warning"]
            reclaimable = waste.count(sku_id)
            reassignable = max(reclaimable - max(assigned - usable, 0), 0)
            reducible = min(max(enabled - (assigned - reclaimable), 0), enabled)
            found[sku_id] = (reclaimable, max(enabled - assigned, 0) + reclaimable, reassignable, reducible)
        return found

    def utilization(self) -> dict[str, tuple[int, int | None, int]]:
        """SKU → its holders, those of them who used an entitled app in the last 28 days, disabled accounts.

        The second is None for a SKU that entitles to none of the apps.
        """
        first = self.last_day - timedelta(days=WINDOW_DAYS - 1)
        found = {}
        for sku in skus.CATALOG:
            if sku.applies_to != "User":
                continue
            held = [licence for licence in self.held(self.today) if licence.sku_id == sku.sku_id]
            active = [item for item in held if self.used_between(item.user_id, item.apps, first, self.last_day)]
            disabled = [item for item in held if self.is_disabled(item.user_id, self.today)]
            is_measurable = skus.entitled_use(sku) != 0
            found[sku.sku_id] = (len(held), len(active) if is_measurable else None, len(disabled))
        return found


def renames_to_tell(company: Company) -> list[tuple[str, str, date]]:
    """Renames that no directory read can know of: before the first sync, and the old address was given up."""
    return [
        (old.upn, new.upn, new.valid_from)
        for person in company.truth.of_kind("renamed")
        for old, new in pairwise(person.upns)
        if not person.keeps_alias and company.first_day < new.valid_from <= company.first_sync
    ]
