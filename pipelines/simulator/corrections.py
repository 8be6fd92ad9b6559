"""Corrections: a report day that Microsoft computes again, with other rows and flags than before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from threading import Lock

from pipelines.simulator import dice
from pipelines.simulator.columns import APP_MASKS, APPS
from pipelines.simulator.people import Person


@dataclass(frozen=True)
class Correction:
    """What one correction changes on its day, by object id."""

    report_date: date
    seen_from: date
    """The first `today` on which the service serves the corrected day."""
    dropped: tuple[str, ...] = ()
    switched_off: tuple[tuple[str, str], ...] = ()
    """(object id, app): the app is no longer used that day."""
    switched_on: tuple[tuple[str, str], ...] = ()
    added: tuple[str, ...] = ()
    """People who had no row and get one, with Outlook on the web."""
    masks: dict[str, int | None] = field(default_factory=dict, repr=False)
    """Object id → the corrected use mask; None for a row that goes."""


@dataclass(frozen=True)
class DayRow:
    """What a correction needs to know of a row: whose it is, what was used and what may be."""

    person: Person
    mask: int
    allowed: int


def plan(
    report_date: date,
    seen_from: date,
    rows: Iterable[DayRow],
    strangers: Iterable[Person],
    *,
    drop: int,
    switch_off: int,
    switch_on: int,
    add: int,
    app: str,
) -> Correction:
    """Choose, the same way every time, whom a correction hits.

    Rows to drop and flags to switch off are taken from people who used the app that day, flags to switch on
    from people who may use it and did not. Raises ValueError when there are too few of them.
    """
    bit = APP_MASKS[APPS.index(app)]
    ordered = sorted(rows, key=lambda row: dice.digest("correction", report_date, row.person.user_id))
    users = [row for row in ordered if row.mask & bit]
    others = [row for row in ordered if not row.mask & bit and row.allowed & bit]
    newcomers = sorted(strangers, key=lambda person: dice.digest("added", report_date, person.user_id))
    for wanted, found, what in (
        (drop + switch_off, len(users), f"people who used {app}"),
        (switch_on, len(others), f"licensed people who did not use {app}"),
        (add, len(newcomers), "people without a row"),
    ):
        if wanted > found:
            raise ValueError(f"{report_date} has {found} {what}, fewer than the {wanted} to correct.")
    dropped, lost = users[:drop], users[drop : drop + switch_off]
    gained, added = others[:switch_on], newcomers[:add]
    masks: dict[str, int | None] = {row.person.user_id: None for row in dropped}
    masks |= {row.person.user_id: row.mask & ~bit for row in lost}
    masks |= {row.person.user_id: row.mask | lowest_bit(row.allowed & bit) for row in gained}
    masks |= {person.user_id: lowest_bit(APP_MASKS[0]) for person in added}
    return Correction(
        report_date,
        seen_from,
        dropped=tuple(row.person.user_id for row in dropped),
        switched_off=tuple((row.person.user_id, app) for row in lost),
        switched_on=tuple((row.person.user_id, app) for row in gained),
        added=tuple(person.user_id for person in added),
        masks=masks,
    )


def lowest_bit(mask: int) -> int:
    """The lowest bit of a mask: the app on the first platform that may run it."""
    return mask & -mask


class Corrections:
    """The corrections of one company, shared by the tenant on all its days. Safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._all: list[Correction] = []

    def add(self, correction: Correction) -> None:
        """Have a correction served from its day on; a later one wins over an earlier one."""
        with self._lock:
            self._all.append(correction)

    def masks_on(self, report_date: date, today: date) -> dict[str, int | None]:
        """Object id → corrected mask (None: no row) of the day as seen on `today`."""
        masks: dict[str, int | None] = {}
        for correction in self._seen(today):
            if correction.report_date == report_date:
                masks |= correction.masks
        return masks

    def days_of(self, user_id: str, today: date) -> dict[date, int]:
        """The days on which a person's use was corrected, as seen on `today`, with the use."""
        days: dict[date, int] = {}
        for correction in self._seen(today):
            if user_id in correction.masks:
                days[correction.report_date] = correction.masks[user_id] or 0
        return days

    def version(self, today: date) -> int:
        """A number that changes whenever what is seen on `today` may have changed."""
        return len(self._seen(today))

    def _seen(self, today: date) -> list[Correction]:
        with self._lock:
            return [correction for correction in self._all if correction.seen_from <= today]
