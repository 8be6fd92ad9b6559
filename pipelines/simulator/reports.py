"""The usage reports of a tenant, as CSV, row for row and byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from pipelines.simulator import dice
from pipelines.simulator.activity import Activity
from pipelines.simulator.columns import APP_MASKS, USER_COUNTS_COLUMNS, USER_DETAIL_COLUMNS, flag_cells
from pipelines.simulator.corrections import Corrections
from pipelines.simulator.people import Person
from pipelines.simulator.roster import Roster
from pipelines.simulator.spec import TenantSpec
from pipelines.simulator.written_use import WrittenUse

MAX_KEPT_ROWS = 300_000
"""How many rows of past days are kept at hand: a period report is made of the same days as yesterday's."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_END = "\r\n"
UNKNOWN_NAME = "(Unknown)"

PERIODS = {"D7": 7, "D30": 30, "D90": 90, "D180": 180}
"""The period names that the reports take, in days."""

DATE_REPORT_PERIOD = ""
"""The `Report Period` cell of a `date=` report. What the service writes there is in no public source; an
empty cell is the one value that no reader can mistake for a length."""


@dataclass(frozen=True)
class Use:
    """What one row's account used; `person` is None where the service does not know whose row it is."""

    person: Person | None
    mask: int


def as_csv(header: Iterable[str], rows: Iterable[str]) -> bytes:
    """A report body as Graph sends it: byte order mark, comma-separated, every line ended by CR LF."""
    lines = [",".join(header), *rows]
    return BYTE_ORDER_MARK + "".join(line + LINE_END for line in lines).encode()


def cell(text: str) -> str:
    """A CSV cell, quoted where it must be."""
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def concealed(spec: TenantSpec, upn: str) -> str:
    """What a concealed report shows instead of a name: 32 upper-case hexadecimal characters."""
    seed = f"{spec.tenant_id}{spec.conceal_salt}{upn.lower()}"
    return hashlib.md5(seed.encode(), usedforsecurity=False).hexdigest().upper()


class DayRows:
    """Who has a row on which day and what was used, corrections aside; as many days are kept as fit."""

    def __init__(self, roster: Roster, activity: Activity) -> None:
        self._roster = roster
        self._activity = activity
        self._kept: dict[date, list[tuple[Person, int]]] = {}
        self._rows = 0

    def on(self, day: date) -> list[tuple[Person, int]]:
        """The rows of a day that name somebody, in no order that matters."""
        found = self._kept.get(day)
        if found is None:
            reported = ((person, self._activity.reported_on(person, day)) for person in self._roster.people_on(day))
            found = [(person, mask) for person, mask in reported if mask is not None]
            self._rows += len(found)
            self._kept[day] = found
            while self._rows > MAX_KEPT_ROWS and len(self._kept) > 1:
                self._rows -= len(self._kept.pop(next(iter(self._kept))))
        return found


class Reports:
    """The reports as the service has them on `spec.today`."""

    def __init__(
        self,
        spec: TenantSpec,
        roster: Roster,
        activity: Activity,
        corrections: Corrections,
        rows: DayRows,
        written: WrittenUse,
    ) -> None:
        self._spec = spec
        self._roster = roster
        self._activity = activity
        self._corrections = corrections
        self._rows = rows
        self._written = written
        self._uses: dict[tuple[date, int, int], list[Use]] = {}

    def uses_on(self, day: date) -> list[Use]:
        """Every row of a day: licensed people, corrected rows and unknown ones, in the report's order."""
        version = (day, self._corrections.version(self._spec.today), self._written.version)
        known = self._uses.get(version)
        if known is None:
            known = self._uses[version] = self._find_uses(day)
        return known

    def day_csv(self, day: date) -> bytes:
        """The body of `getM365AppUserDetail(date=…)`."""
        rows = (self._row(use, day, day, DATE_REPORT_PERIOD) for use in self.uses_on(day))
        return as_csv(USER_DETAIL_COLUMNS, rows)

    def period_csv(self, period: str) -> bytes:
        """The body of `getM365AppUserDetail(period='…')`: who is licensed now, and the apps of the period.

        People deleted since are not in it (Graph shows them by `date=` only).
        """
        refreshed = self._spec.newest_report_date
        totals: dict[str, int] = {}
        unknown: dict[int, int] = {}
        for day in self._days(period):
            number = 0
            for person, mask in self._masks_on(day):
                if person is None:
                    unknown[number] = unknown.get(number, 0) | mask
                    number += 1
                elif mask:
                    totals[person.key] = totals.get(person.key, 0) | mask
        people = [
            person
            for person in self._roster.people_on(refreshed)
            if person.exists_on(self._spec.today) and self._activity.allowed_on(person, refreshed) is not None
        ]
        licensed = self._written.licensed(people, refreshed)
        uses = [Use(person, totals.get(person.key, 0)) for person in licensed]
        uses += [Use(None, mask) for _, mask in sorted(unknown.items())]
        rows = (self._row(use, refreshed, refreshed, str(PERIODS[period])) for use in _in_order(uses))
        return as_csv(USER_DETAIL_COLUMNS, rows)

    def user_counts_csv(self, period: str) -> bytes:
        """The body of `getM365AppUserCounts(period='…')`: users of each app by day, newest first.

        Rows that name nobody are counted too.
        """
        refreshed = self._spec.newest_report_date.isoformat()
        rows = []
        for day in self._days(period):
            masks = [mask for _, mask in self._masks_on(day)]
            counts = [str(sum(1 for mask in masks if mask & app)) for app in APP_MASKS]
            rows.append(",".join([refreshed, str(PERIODS[period]), day.isoformat(), *counts]))
        return as_csv(USER_COUNTS_COLUMNS, rows)

    def _days(self, period: str) -> list[date]:
        length = min(PERIODS[period], self._spec.history_days)
        newest = self._spec.newest_report_date
        return [newest - timedelta(days=age) for age in range(length)]

    def _find_uses(self, day: date) -> list[Use]:
        return _in_order([Use(person, mask) for person, mask in self._masks_on(day)])

    def _masks_on(self, day: date) -> Iterator[tuple[Person | None, int]]:
        """Whose rows a day has and what was used, in no order that matters."""
        yield from self._written.rows(self._named_on(day), day)
        for mask in self._activity.unknown_uses(day):
            yield None, mask

    def _named_on(self, day: date) -> Iterator[tuple[Person, int]]:
        """The rows that name somebody, writes aside."""
        corrected = self._corrections.masks_on(day, self._spec.today)
        if not corrected:
            yield from self._rows.on(day)
        for person in self._roster.people_on(day) if corrected else ():
            mask = corrected[person.user_id] if person.user_id in corrected else self._activity.reported_on(person, day)
            if mask is not None:
                yield person, mask

    def _last_active(self, person: Person, day: date) -> date | None:
        if self._written.touches(person):
            return self._written.last_active(person, day)
        if not self._corrections.version(self._spec.today):
            return self._activity.last_active(person, day)
        corrected = self._corrections.days_of(person.user_id, self._spec.today)
        latest = self._activity.last_active(person, day)
        while latest is not None and corrected.get(latest) == 0:
            latest = self._activity.last_active(person, latest - timedelta(days=1))
        gained = [then for then, mask in corrected.items() if mask and then <= day]
        return max([*gained, *([latest] if latest else [])], default=None)

    def _row(self, use: Use, day: date, refreshed: date, period: str) -> str:
        if use.person is None:
            name, activated = UNKNOWN_NAME, None
            active = day if use.mask else None
        else:
            upn = self._written.upn_on(use.person, day)
            name = concealed(self._spec, upn) if self._spec.is_concealed else upn
            activated = self._written.last_activated(use.person, day)
            active = self._last_active(use.person, day)
        return ",".join(
            (
                refreshed.isoformat(),
                cell(name),
                activated.isoformat() if activated else "",
                active.isoformat() if active else "",
                period,
                flag_cells(use.mask),
            )
        )


@lru_cache(maxsize=200_000)
def _order_key(name: str) -> bytes:
    return dice.digest("row", name)


def _in_order(uses: list[Use]) -> list[Use]:
    """A fixed order that is not the alphabet: the service promises none."""
    keyed = []
    unknown = 0
    for use in uses:
        if use.person is None:
            unknown += 1
        keyed.append((_order_key(use.person.user_id if use.person else f"unknown {unknown}"), use))
    keyed.sort(key=lambda pair: pair[0])
    return [use for _, use in keyed]
