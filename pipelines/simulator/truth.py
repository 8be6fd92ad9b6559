"""What really is and was in a made-up tenant, for tests to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

from pipelines.simulator.activity import Activity
from pipelines.simulator.columns import used_pairs
from pipelines.simulator.directory import department_of
from pipelines.simulator.licensing import Assignment, Licensing
from pipelines.simulator.people import DELETED_ITEMS_DAYS, NamePeriod, Person
from pipelines.simulator.reports import Reports
from pipelines.simulator.roster import Roster
from pipelines.simulator.spec import TenantSpec

RECENT_DAYS = 60


@dataclass(frozen=True)
class TruePerson:
    """One account over its life, as known on the tenant's day."""

    user_id: str
    kinds: frozenset[str]
    """What is special, seen on the tenant's day: `employee`, `guest`, `shared_mailbox`, `room_mailbox`,
    `service_account`, `frontline`, `joiner`, `leaver` (blocked, licences kept), `deleted`, `renamed`, `rehire`
    (an address that somebody else had), `part_timer`, `idle`, `never_used`, `activated_never_used`,
    `on_leave`, `teams_only`, `web_only`, `mac_only`, `web_mobile`, `contractor`, `seasonal`."""
    upns: tuple[NamePeriod, ...]
    """The names begun by the tenant's day, oldest first."""
    department: str | None
    country: str
    created: date
    disabled: date | None
    deleted: date | None
    keeps_alias: bool


class Truth:
    """The ground truth behind the reports and the directory."""

    def __init__(
        self, spec: TenantSpec, roster: Roster, licensing: Licensing, activity: Activity, reports: Reports
    ) -> None:
        self._spec = spec
        self._licensing = licensing
        self._activity = activity
        self._reports = reports
        first = spec.today - timedelta(days=spec.history_days)
        self._people = {p.user_id: p for p in roster.people_between(first, spec.today)}

    @cached_property
    def people(self) -> tuple[TruePerson, ...]:
        """Everybody of whom an account or a deleted item was left within the tenant's history."""
        return tuple(self._described(person) for person in self._people.values())

    def of_kind(self, kind: str) -> tuple[TruePerson, ...]:
        """Everybody of one kind."""
        return tuple(person for person in self.people if kind in person.kinds)

    def active_flags(self, user_id: str, day: date) -> frozenset[tuple[str, str]]:
        """The (app, platform) pairs that a person used on the day, corrections included."""
        for use in self._reports.uses_on(day):
            if use.person is not None and use.person.user_id == user_id:
                return used_pairs(use.mask)
        return frozenset()

    def active_on(self, day: date) -> dict[str, frozenset[tuple[str, str]]]:
        """Object id → what was used, for everybody with a report row on the day, idle ones included."""
        return {
            use.person.user_id: used_pairs(use.mask) for use in self._reports.uses_on(day) if use.person is not None
        }

    def unknown_on(self, day: date) -> tuple[frozenset[tuple[str, str]], ...]:
        """What the day's rows that name nobody used."""
        return tuple(used_pairs(use.mask) for use in self._reports.uses_on(day) if use.person is None)

    def last_active(self, user_id: str, day: date) -> date | None:
        """The newest day of use not after `day`, corrections aside."""
        return self._activity.last_active(self._people[user_id], day)

    def assignments(self) -> tuple[Assignment, ...]:
        """Every licence period begun by the tenant's day; an end that lies in the future is not known yet."""
        today = self._spec.today
        found = []
        for person in self._people.values():
            for held in self._licensing.of(person):
                if held.valid_from <= today:
                    until = held.valid_to if held.valid_to is not None and held.valid_to <= today else None
                    found.append(replace(held, valid_to=until))
        return tuple(found)

    def _described(self, person: Person) -> TruePerson:
        today = self._spec.today
        department = person.position.department
        kinds = set(person.position.traits)
        if department is not None:
            kinds.add("employee")
            if department.is_frontline:
                kinds.add("frontline")
        if person.created > today - timedelta(days=RECENT_DAYS):
            kinds.add("joiner")
        if person.disabled is not None and person.disabled <= today and person.exists_on(today):
            kinds.add("leaver")
        if person.is_deleted_item_on(today):
            kinds.add("deleted")
        renamed = person.renamed_on()
        if renamed is not None and renamed <= today:
            kinds.add("renamed")
        if self._is_rehire(person):
            kinds.add("rehire")
        is_gone = person.deleted is not None and person.deleted <= today
        return TruePerson(
            person.user_id,
            frozenset(kinds),
            tuple(name for name in person.names if name.valid_from <= today),
            department_of(self._spec.seed, person),
            person.position.country,
            person.created,
            person.disabled if person.disabled and person.disabled <= today else None,
            person.deleted if is_gone else None,
            person.keeps_alias,
        )

    def _is_rehire(self, person: Person) -> bool:
        return any(
            other.deleted is not None
            and other.deleted <= person.created
            and (person.created - other.deleted).days < DELETED_ITEMS_DAYS
            and other.names[-1].upn == person.names[0].upn
            for other in self._people.values()
            if other.position.index == person.position.index and other.key != person.key
        )
