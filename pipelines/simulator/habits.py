"""How somebody works: on which days, on which device, and how likely each app is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from pipelines.simulator import dice
from pipelines.simulator.columns import APPS
from pipelines.simulator.people import Person

FULL = 256
"""Chances are counted in 256ths, to be compared with one byte."""

ALWAYS, OFTEN, SOME, RARE, NEVER = 240, 110, 40, 8, 0

# Chance of (Windows, Mac, Mobile, Web) when an app is used, in the order of APPS.
_DEVICES: dict[str, tuple[tuple[int, int, int, int], ...]] = {
    "windows": (
        (ALWAYS, 0, OFTEN, SOME),
        (ALWAYS, 0, RARE, SOME),
        (ALWAYS, 0, RARE, SOME),
        (ALWAYS, 0, RARE, RARE),
        (ALWAYS, 0, SOME, RARE),
        (ALWAYS, 0, OFTEN, RARE),
    ),
    "mac": (
        (0, ALWAYS, OFTEN, SOME),
        (0, ALWAYS, RARE, OFTEN),
        (0, ALWAYS, RARE, SOME),
        (0, ALWAYS, RARE, SOME),
        (0, ALWAYS, SOME, RARE),
        (0, ALWAYS, OFTEN, RARE),
    ),
    "mobile": tuple((0, 0, ALWAYS, RARE) for _ in APPS),
    "web": tuple((0, 0, 0, FULL) for _ in APPS),
    "web_mobile": tuple((0, 0, OFTEN, ALWAYS) for _ in APPS),
}
# Mobile-only people carry one device, Mac-only people another.
_STRICT = {"mac_only": (0, FULL, 0, 0), "mobile_only": (0, 0, FULL, 0)}
_PRIMARY = {"windows": 0, "mac": 1, "mobile": 2, "web": 3, "web_mobile": 3}

IDLE_SINCE = (date(2024, 11, 1), date(2026, 1, 31))
LEAVE_CYCLE_DAYS = 300
LEAVE_DAYS = 140


@dataclass(frozen=True)
class Habits:
    """The working life of one person. Chances are in 256ths."""

    attendance: tuple[int, ...]
    """By weekday, Monday first."""
    on_holiday: int
    apps: tuple[int, ...]
    platforms: tuple[tuple[int, int, int, int], ...]
    primary: int
    active_until: date | None
    """The first day of an idleness without end."""
    leave_phase: int | None
    """Offset of a leave that returns every LEAVE_CYCLE_DAYS and lasts LEAVE_DAYS."""

    def is_away(self, ordinal: int) -> bool:
        """Whether the person is on long leave or idle for good."""
        if self.active_until is not None and ordinal >= self.active_until.toordinal():
            return True
        return self.leave_phase is not None and (ordinal + self.leave_phase) % LEAVE_CYCLE_DAYS < LEAVE_DAYS


def uses_nothing(person: Person) -> bool:
    """Whether the account never uses any app, whatever it may."""
    traits = person.position.traits
    if not person.is_employee:
        return "guest" not in traits
    return bool(traits & {"never_used", "activated_never_used"})


def habits_of(seed: int, person: Person) -> Habits:
    """The habits of a person, from the department, what is special about the position, and chance."""
    position, traits = person.position, person.position.traits
    department = position.department
    use = department.use if department else (60, 25, 20, 10, 5, 70)
    apps = []
    for app, percent in enumerate(use):
        taste = 0.65 + 0.6 * dice.fraction(seed, "taste", person.key, app)
        if app not in (0, 5) and dice.fraction(seed, "never", person.key, app) < 0.1:
            taste = 0.0
        if "teams_only" in traits:
            taste = 1.2 if app == 5 else 0.0
        apps.append(min(252, round(percent * taste * FULL / 100)))
    is_strict = "mac_only" in traits or (
        position.device == "mobile" and dice.fraction(seed, "strict", person.key) < 0.8
    )
    strict = _STRICT["mac_only" if "mac_only" in traits else "mobile_only"]
    return Habits(
        attendance=_attendance(seed, person),
        on_holiday=60 if department and department.is_frontline else 8,
        apps=tuple(apps),
        platforms=tuple(strict for _ in APPS) if is_strict else _DEVICES[position.device],
        primary=_PRIMARY[position.device],
        active_until=_idle_from(seed, person) if "idle" in traits else None,
        leave_phase=dice.between(0, LEAVE_CYCLE_DAYS, seed, "leave", person.key) if "on_leave" in traits else None,
    )


def _idle_from(seed: int, person: Person) -> date:
    first, last = IDLE_SINCE
    return first + timedelta(days=dice.between(0, (last - first).days, seed, "idle", person.key))


def _attendance(seed: int, person: Person) -> tuple[int, ...]:
    department, traits = person.position.department, person.position.traits
    if department is None:
        return (60, 60, 60, 60, 60, 4, 4)
    if department.is_frontline:
        shift = dice.between(0, 6, seed, "shift", person.key)
        return tuple(12 if (day - shift) % 7 < 2 else 200 for day in range(7))
    week = [236, 246, 246, 242, 222, 10, 8]
    if "part_timer" in traits:
        off = dice.between(0, 4, seed, "part time", person.key)
        for day in range(dice.between(1, 3, seed, "days off", person.key)):
            week[(off + day) % 5] = 5
    return tuple(week)


@lru_cache(maxsize=200_000)
def vacation(seed: int, key: str, year: int) -> frozenset[int]:
    """The vacation days of a person's year, as ordinals."""

    def block(first: date, span: int, shortest: int, longest: int, what: str) -> range:
        start = first.toordinal() + dice.between(0, span, seed, "vacation", what, key, year)
        return range(start, start + dice.between(shortest, longest, seed, "vacation length", what, key, year))

    days = set(block(date(year, 6, 20), 60, 7, 16, "summer"))
    if dice.fraction(seed, "winter", key, year) < 0.6:
        days |= set(block(date(year, 12, 20), 4, 6, 12, "winter"))
    days |= set(
        block(date(year, 2, 1) if dice.number(seed, "off", key, year) % 2 else date(year, 9, 15), 60, 3, 7, "off")
    )
    return frozenset(days)
