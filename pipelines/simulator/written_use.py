"""What writes do to the usage reports: whoever lost the licence has no row, whoever is blocked uses nothing.

A write counts from its day on. Somebody new has a row from the first licence on, and uses Outlook and Teams on
the web from the day after; before that there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipelines.simulator import dice, skus
from pipelines.simulator.activity import Activity
from pipelines.simulator.columns import use_mask
from pipelines.simulator.directory import Directory
from pipelines.simulator.overlay import UNTOUCHED, History, UserState, is_held, source_of, states_of
from pipelines.simulator.people import NamePeriod, Person, Position
from pipelines.simulator.roster import Roster
from pipelines.simulator.spec import TenantSpec

Json = dict[str, Any]
Row = tuple[Person, int]

FIRST_USE = use_mask("Outlook", "Web") | use_mask("Teams", "Web")
WORKDAY_CHANCE = 0.8
_NAMES = {plan_id: name for name, plan_id in skus.PLAN_IDS.items()}


@dataclass(frozen=True)
class WrittenUse:
    """The reports' view of the writes, on the spec's day."""

    spec: TenantSpec
    history: History
    roster: Roster
    activity: Activity
    directory: Directory

    @property
    def version(self) -> int:
        """A number that changes with every write."""
        return self.history.newest

    def touches(self, person: Person) -> bool:
        """Whether anything was ever written to somebody."""
        return bool(self.history.states(person.user_id))

    def rows(self, rows: Iterable[Row], day: date) -> Iterable[Row]:
        """The rows of a day that name somebody, after the writes."""
        changed = self.history.changed(day)
        if not changed:
            return rows
        before = {person.user_id: (person, mask) for person, mask in rows}
        kept = [row for user_id, row in before.items() if user_id not in changed]
        known = {user_id: row[0] for user_id, row in before.items()}
        missing = changed.keys() - known.keys()
        known |= {person.user_id: person for person in self._people() if person.user_id in missing}
        for user_id, state in changed.items():
            person = known.get(user_id) or _newcomer(user_id, state)
            if person is not None:
                mask = self._mask(person, state, day, before.get(user_id, (person, None))[1])
                kept += [] if mask is None else [(person, mask)]
        return kept

    def licensed(self, people: Iterable[Person], day: date) -> list[Person]:
        """Those who have a row in a period report refreshed on the day and an account today."""
        found = {p.user_id: p for p in people}
        changed, today = self.history.changed(day), self.history.changed(self.spec.today)
        if not today:
            return list(found.values())
        known = {person.user_id: person for person in self._people() if person.user_id in changed}
        for user_id, state in changed.items():
            person = known.get(user_id) or _newcomer(user_id, state)
            found.pop(user_id, None)
            if person is not None and self._allowed(person, state, day) is not None:
                found[user_id] = person
        return [p for user_id, p in found.items() if today.get(user_id, UNTOUCHED).deleted_at is None]

    def upn_on(self, person: Person, day: date) -> str:
        """The user principal name of a day."""
        written = self.history.state(person.user_id, day).properties.get("userPrincipalName")
        return str(written) if written else person.name_on(day).upn

    def last_active(self, person: Person, day: date) -> date | None:
        """The newest day with any use, not after `day`."""
        versions = self.history.states(person.user_id)
        first = versions[0][0] if versions else None
        while first is not None and day >= first:
            known = self.activity.reported_on(person, day) if person.is_employee else None
            if self._mask(person, self.history.state(person.user_id, day), day, known):
                return day
            day -= timedelta(days=1)
        return None if _is_new(person) else self.activity.last_active(person, day)

    def last_activated(self, person: Person, day: date) -> date | None:
        """The newest activation of the desktop apps; somebody new has none."""
        return None if _is_new(person) else self.activity.last_activated(person, day)

    def _mask(self, person: Person, state: UserState, day: date, before: int | None) -> int | None:
        """The use of a day, or None for somebody without a row."""
        allowed = self._allowed(person, state, day)
        if allowed is None:
            return None
        is_enabled = state.properties.get("accountEnabled", person.is_enabled_on(day))
        if not is_enabled:
            return 0
        return (_first_use(self.spec, person, day) if before is None else before) & allowed

    def _allowed(self, person: Person, state: UserState, day: date) -> int | None:
        if state.deleted_at is not None:
            return None
        if person.exists_on(day) and not _is_new(person):
            states = self.directory.assignment_states(person, day)
        elif state.origin is not None:
            states = states_of(state.origin)
        else:
            return None
        states = [item for item in states if source_of(item) not in state.licenses_removed]
        found: int | None = None
        for item in (*states, *state.licenses_added):
            sku = skus.BY_ID.get(str(item["skuId"]))
            if sku is not None and sku.is_reported and is_held(item):
                off = tuple(_NAMES.get(plan_id, "") for plan_id in item.get("disabledPlans") or ())
                found = (found or 0) | skus.entitled_use(sku, off)
        return found

    def _people(self) -> list[Person]:
        first = self.spec.today - timedelta(days=self.spec.history_days)
        return self.roster.people_between(first, self.spec.today)


def _is_new(person: Person) -> bool:
    return person.position.department is None and person.key.startswith(_NEW)


_NEW = "written:"


def _newcomer(user_id: str, state: UserState) -> Person | None:
    """Somebody whom a write has made, as the reports know people."""
    user = state.origin
    if user is None or not state.is_new:
        return None
    created = date.fromisoformat(str(user["createdDateTime"])[:10])
    name = NamePeriod(str(user["userPrincipalName"]), "", "", str(user["displayName"]), created, None)
    place = Position(-1, None, "", "US", "", "", False, None, frozenset({"guest"}), "web")
    return Person(_NEW + user_id, user_id, place, (name,), created, is_account_enabled=bool(user["accountEnabled"]))


def _first_use(spec: TenantSpec, person: Person, day: date) -> int:
    """Outlook and Teams on most working days, from the day after the account was made."""
    if day <= person.created or day.weekday() >= 5:
        return 0
    return FIRST_USE if dice.fraction(spec.seed, "first use", person.user_id, day) < WORKDAY_CHANCE else 0
