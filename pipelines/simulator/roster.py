"""The company: its positions, and everybody who ever holds one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from pipelines.simulator import dice, names
from pipelines.simulator.accounts import other_accounts
from pipelines.simulator.people import NamePeriod, Person, Position
from pipelines.simulator.places import BY_CODE
from pipelines.simulator.positions import lay_out
from pipelines.simulator.spec import TenantSpec
from pipelines.simulator.turnover import Tenure, Turnover

SEASONAL_TRAIT = "seasonal"
EARLY_HIRES = (date(2014, 3, 1), date(2019, 6, 30))
HIRES = (date(2014, 3, 1), date(2024, 6, 30))


def _day_between(first: date, last: date, *parts: object) -> date:
    return first + timedelta(days=dice.between(0, (last - first).days, *parts))


class Roster:
    """Everybody, by day. The same seed, size and domain give the same people for ever."""

    def __init__(self, spec: TenantSpec) -> None:
        self._seed = spec.seed
        self._tenant_id = spec.tenant_id
        self._domain = spec.domain
        self.positions = lay_out(spec.seed, spec.users)
        self._staff = Turnover.of_staff(spec.seed, sum(self._is_staff_line(p) for p in self.positions) or 1)
        self._seasonal = Turnover.of_seasonal(spec.seed, sum(SEASONAL_TRAIT in p.traits for p in self.positions) or 1)
        self._leaders = {p.manager for p in self.positions} | {0}
        self._permanent = self._permanent_people()
        self._others = other_accounts(spec)
        self._holders: dict[tuple[int, int], Person] = {}

    @staticmethod
    def _is_staff_line(position: Position) -> bool:
        return position.turnover is not None and SEASONAL_TRAIT not in position.traits

    def people_between(self, first: date, last: date) -> list[Person]:
        """Everybody of whom an account or a deleted item was left on any of these days, in a fixed order."""
        found: list[Person] = []
        for position in self.positions:
            if position.turnover is None:
                person = self._permanent[position.index]
                if person.created <= last:
                    found.append(person)
                continue
            turnover = self._seasonal if SEASONAL_TRAIT in position.traits else self._staff
            found += [self._holder(position, t) for t in turnover.between(position.turnover, first, last)]
        found += [account for account in self._others if account.created <= last]
        return found

    def permanent_people(self, positions: Iterable[Position]) -> list[Person]:
        """Those who hold these positions, which never change hands."""
        return [self._permanent[position.index] for position in positions]

    def people_on(self, day: date) -> list[Person]:
        """Everybody with an account on the day."""
        return [person for person in self.people_between(day, day) if person.exists_on(day)]

    def manager_of(self, person: Person, day: date) -> Person | None:
        """The manager on the day, if there is one and the account exists."""
        if person.position.manager is None:
            return None
        manager = self._permanent[person.position.manager]
        return manager if manager.exists_on(day) else None

    def domain_of(self, position: Position) -> str:
        """The mail domain of a position: the studio, a company bought some years ago, has its own."""
        return f"studio.{self._domain}" if position.is_studio else self._domain

    def _permanent_people(self) -> dict[int, Person]:
        taken: set[str] = set()
        people: dict[int, Person] = {}
        for position in self.positions:
            if position.turnover is not None:
                continue
            people[position.index] = self._permanent_person(position, taken)
        return people

    def _permanent_person(self, position: Position, taken: set[str]) -> Person:
        key = f"p{position.index}"
        member = position.cast
        if member is not None:
            given, surname, shown, local = (
                member.given_name,
                member.surname,
                member.display_name,
                member.local_part,
            )
        else:
            country = BY_CODE[position.country]
            given, plain_given = dice.pick(country.first_names, self._seed, "first", key)
            surname, plain_surname = dice.pick(country.last_names, self._seed, "last", key)
            shown = f"{surname} {given}" if position.country == "JP" else f"{given} {surname}"
            local = f"{plain_given}.{plain_surname}"
            if "contractor" in position.traits:
                shown = f"{surname}, {given} (External)"
                local = f"{local}.ext"
        stem, count = local, 1
        while local.lower() in taken:
            count += 1
            local = f"{stem}{count}"
        taken.add(local.lower())
        domain = self.domain_of(position)
        if member is not None and local != local.lower():
            domain = domain.capitalize()
        is_early = position.index in self._leaders
        created = _day_between(*(EARLY_HIRES if is_early else HIRES), self._seed, "hired", key)
        name = NamePeriod(f"{local}@{domain}", given, surname, shown, created, None)
        return self._employee(key, position, (name,), created)

    def _holder(self, position: Position, tenure: Tenure) -> Person:
        cached = self._holders.get((position.index, tenure.turn))
        if cached is None:
            is_seasonal = SEASONAL_TRAIT in position.traits
            build = self._seasonal_holder if is_seasonal else self._staff_holder
            cached = self._holders[(position.index, tenure.turn)] = build(position, tenure)
        return cached

    def _staff_holder(self, position: Position, tenure: Tenure) -> Person:
        key = f"p{position.index}.{tenure.turn}"
        country = BY_CODE[position.country]
        start = dice.number(self._seed, "newcomer", position.index)
        given, plain_given = country.first_names[(start + tenure.turn) % len(country.first_names)]

        def named(pool: tuple[str, ...], valid_from: date, valid_to: date | None) -> NamePeriod:
            surname = pool[tenure.line % len(pool)]
            suffix = "" if tenure.line < len(pool) else str(tenure.line // len(pool) + 1)
            upn = f"{plain_given}.{surname.lower()}{suffix}@{self.domain_of(position)}"
            return NamePeriod(upn, given, surname, f"{given} {surname}", valid_from, valid_to)

        periods = [named(names.NEWCOMERS, tenure.created, tenure.renamed)]
        if tenure.renamed is not None:
            periods.append(named(names.MARRIED, tenure.renamed, None))
        return self._employee(
            key,
            position,
            tuple(periods),
            tenure.created,
            tenure.disabled,
            tenure.deleted,
            keeps_alias=(tenure.line + tenure.turn) % 4 != 3,
        )

    def _seasonal_holder(self, position: Position, tenure: Tenure) -> Person:
        local, bearers = names.SEASONAL[tenure.line % len(names.SEASONAL)]
        given, surname = bearers[tenure.turn % len(bearers)]
        upn = f"{local}@{self._domain}"
        name = NamePeriod(upn, given, surname, f"{given} {surname}", tenure.created, None)
        key = f"p{position.index}.{tenure.turn}"
        return self._employee(key, position, (name,), tenure.created, tenure.disabled, tenure.deleted)

    def _employee(
        self,
        key: str,
        position: Position,
        periods: tuple[NamePeriod, ...],
        created: date,
        disabled: date | None = None,
        deleted: date | None = None,
        keeps_alias: bool = True,
    ) -> Person:
        return Person(
            key,
            dice.guid(self._seed, self._tenant_id, "user", key),
            position,
            periods,
            created,
            disabled,
            deleted,
            keeps_alias,
            employee_id=f"{100000 + dice.number(self._seed, 'employee', key) % 900000}",
            is_synced=not position.is_studio and dice.fraction(self._seed, "synced", key) < 0.9,
        )
