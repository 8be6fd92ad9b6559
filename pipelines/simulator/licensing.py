"""Who holds which licence from when to when, directly or through a group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.simulator import dice, skus
from pipelines.simulator.people import Person
from pipelines.simulator.skus import Sku
from pipelines.simulator.spec import TenantSpec

ROTATION_DAYS = 90
ROTATION_FROM = date(2021, 1, 4)
ROTATION_UNTIL = date(2036, 1, 1)
COPILOT_LAUNCH = date(2025, 3, 3)
STUDIO_BOUGHT = date(2023, 9, 4)

ACTIVE, ACTIVE_WITH_ERROR, ERROR = "Active", "ActiveWithError", "Error"

GROUPS = {
    "LIC-M365-E5": skus.E5,
    "LIC-M365-E3": skus.E3,
    "LIC-M365-F3": skus.F3,
    "LIC-Copilot": skus.COPILOT,
    "LIC-Visio": skus.VISIO_PLAN_2,
}
"""Licensing groups by display name, each with the product it gives."""


@dataclass(frozen=True)
class Assignment:
    """A licence of one person from one source; `valid_to` is the first day not held."""

    user_id: str
    sku_id: str
    assigned_by_group: str | None
    """The group's object id, or None for a direct assignment."""
    valid_from: date
    valid_to: date | None
    disabled_plans: tuple[str, ...] = ()
    """Names of the service plans switched off."""
    state: str = ACTIVE
    """Active, ActiveWithError, or Error: the licence was wanted and not given."""
    error: str = "None"
    """What went wrong, as Graph names it."""

    def covers(self, day: date) -> bool:
        """Whether the assignment stood on the day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    @property
    def is_held(self) -> bool:
        """Whether the person really has the product."""
        return self.state != ERROR


def group_id(spec: TenantSpec, name: str) -> str:
    """The object id of a licensing group."""
    return dice.guid(spec.seed, spec.tenant_id, "group", name)


class Licensing:
    """Every assignment of every person, on absolute dates."""

    def __init__(self, spec: TenantSpec) -> None:
        self._spec = spec
        self._groups = {sku.sku_id: group_id(spec, name) for name, sku in GROUPS.items()}
        self._cache: dict[str, tuple[Assignment, ...]] = {}

    def of(self, person: Person) -> tuple[Assignment, ...]:
        """All assignments of a person, past and planned, in a fixed order."""
        cached = self._cache.get(person.key)
        if cached is None:
            cached = self._cache[person.key] = tuple(self._assignments(person))
        return cached

    def on(self, person: Person, day: date) -> list[Assignment]:
        """The assignments that stood on the day."""
        if not person.exists_on(day):
            return []
        return [assignment for assignment in self.of(person) if assignment.covers(day)]

    def reported_between(self, person: Person) -> list[tuple[date, date, int]]:
        """Periods (first day, first day not) in which the person has a report row, with the use allowed."""
        last = person.deleted or date.max
        periods = []
        for held in self.of(person):
            sku = skus.BY_ID[held.sku_id]
            if sku.is_reported and held.is_held:
                allowed = skus.entitled_use(sku, held.disabled_plans)
                periods.append((held.valid_from, min(held.valid_to or date.max, last), allowed))
        return periods

    def _chance(self, person: Person, what: str) -> float:
        return dice.fraction(self._spec.seed, "licence", what, person.key)

    def _make(
        self,
        person: Person,
        sku: Sku,
        *,
        by_group: bool = False,
        since: date | None = None,
        until: date | None = None,
        disabled: tuple[str, ...] = (),
        state: str = ACTIVE,
        error: str = "None",
    ) -> Assignment:
        first = max(person.created, since or person.created)
        source = self._groups[sku.sku_id] if by_group else None
        end = min((day for day in (until, person.deleted) if day is not None), default=None)
        return Assignment(person.user_id, sku.sku_id, source, first, end, disabled, state, error)

    def _assignments(self, person: Person) -> Iterator[Assignment]:
        if not person.is_employee:
            yield from self._of_account(person)
            return
        yield from self._base(person)
        yield from self._extras(person)

    def _of_account(self, person: Person) -> Iterator[Assignment]:
        kind = next(iter(person.position.traits))
        number = -1 - person.position.index
        if kind == "guest" and number % 8 == 1:
            yield self._make(person, skus.E3)
        elif kind == "guest" and number % 8 == 5:
            yield self._make(person, skus.POWER_BI_FREE)
        elif kind == "shared_mailbox" and number % 4 == 0:
            yield self._make(person, skus.EXCHANGE_PLAN_1)
        elif kind == "service_account" and number == 0:
            yield self._make(person, skus.E3)

    def _base(self, person: Person) -> Iterator[Assignment]:
        position = person.position
        assert position.department is not None
        if "contractor" in position.traits:
            yield self._make(person, skus.TEAMS_EXPLORATORY)
        elif position.is_studio:
            yield self._make(person, skus.BUSINESS_PREMIUM, since=STUDIO_BOUGHT)
        elif position.department.is_frontline:
            if position.turnover is None and self._chance(person, "kiosk") < 0.08:
                yield self._make(person, skus.EXCHANGE_PLAN_1)
            else:
                yield self._make(person, skus.F3, by_group=True)
        elif "overlap" in position.products:
            yield self._make(person, skus.E5, by_group=True)
            yield self._make(person, skus.E3)
        elif "twice" in position.products:
            yield self._make(person, skus.E3, by_group=True)
            yield self._make(person, skus.E3)
        elif "e5_loan" in position.products:
            yield from self._rotating(person, skus.E5, 0, by_group=True)
            yield from self._rotating(person, skus.E3, 1)
        elif "with_error" in position.products:
            yield self._make(
                person, skus.E3, by_group=True, state=ACTIVE_WITH_ERROR, error="MutuallyExclusiveViolation"
            )
        elif self._chance(person, "e5") * 100 < position.department.e5_percent:
            yield self._make(person, skus.E5, by_group=True)
        elif self._chance(person, "by group") < 0.75:
            yield self._make(person, skus.E3, by_group=True, disabled=("YAMMER_ENTERPRISE",))
        else:
            without_apps = self._chance(person, "no apps") < 0.1
            yield self._make(person, skus.E3, disabled=("OFFICESUBSCRIPTION",) if without_apps else ())

    def _extras(self, person: Person) -> Iterator[Assignment]:
        if self._chance(person, "power bi") < 0.25:
            since = person.created + timedelta(days=dice.between(0, 900, self._spec.seed, "bi", person.key))
            if person.deleted is None or since < person.deleted:
                yield self._make(person, skus.POWER_BI_FREE, since=since)
        if self._chance(person, "flow") < 0.12:
            yield self._make(person, skus.FLOW_FREE)
        products = person.position.products
        if "visio" in products or "teams_only" in person.position.traits:
            yield self._make(person, skus.VISIO_PLAN_2, by_group=self._chance(person, "visio") < 0.5)
        elif "visio_even" in products:
            yield from self._rotating(person, skus.VISIO_PLAN_2, 0)
        elif "visio_odd" in products:
            yield from self._rotating(person, skus.VISIO_PLAN_2, 1)
        if "copilot" in products:
            yield self._make(person, skus.COPILOT, by_group=True, since=COPILOT_LAUNCH)
        elif "copilot_refused" in products:
            yield self._make(
                person,
                skus.COPILOT,
                by_group=True,
                since=COPILOT_LAUNCH,
                state=ERROR,
                error="CountViolation",
            )
        if "project" in products:
            yield self._make(person, skus.PROJECT_PLAN_3)

    def _rotating(self, person: Person, sku: Sku, parity: int, by_group: bool = False) -> Iterator[Assignment]:
        """Every other quarter: those of an even number, or of an odd one."""
        number, first = 0, ROTATION_FROM
        while first < ROTATION_UNTIL:
            until = first + timedelta(days=ROTATION_DAYS)
            if number % 2 == parity and until > person.created:
                yield self._make(person, sku, by_group=by_group, since=first, until=until)
            number, first = number + 1, until
