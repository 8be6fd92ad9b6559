"""Who used which app on which platform on which day, and when each was last active or activated."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

from pipelines.simulator import dice
from pipelines.simulator.columns import ALL_USE, APPS, PLATFORMS, use_bit
from pipelines.simulator.habits import FULL, Habits, habits_of, uses_nothing, vacation
from pipelines.simulator.licensing import Licensing
from pipelines.simulator.people import Person
from pipelines.simulator.places import holidays

LOW_DAY_CHANCE = 0.03
LOW_DAY_ATTENDANCE = 0.35
ON_VACATION = 4
UNKNOWN_FROM = date(2026, 2, 9)
"""Since about then Graph's reports carry rows with the user principal name `(Unknown)`."""

REACTIVATION_DAYS = 120
_BITS = tuple(tuple(use_bit(app, platform) for platform in range(len(PLATFORMS))) for app in range(len(APPS)))


class Activity:
    """The use of every app. A person's day depends on the seed, the person and the date alone."""

    def __init__(self, seed: int, licensing: Licensing) -> None:
        self._seed = seed
        self._licensing = licensing
        self._people: dict[str, _PersonActivity] = {}
        self._low_days: dict[int, bool] = {}

    def reported_on(self, person: Person, day: date) -> int | None:
        """The use mask of a person's row of the day; None for somebody without a row."""
        days = self._of(person)
        ordinal = day.toordinal()
        return None if days.allowed(ordinal) is None else days.use(ordinal)

    def allowed_on(self, person: Person, day: date) -> int | None:
        """What the person may use on the day; None without a product that puts a row into the report."""
        return self._of(person).allowed(day.toordinal())

    def last_active(self, person: Person, day: date) -> date | None:
        """The newest day with any use, not after `day`."""
        return self._of(person).last_active(day.toordinal())

    def last_activated(self, person: Person, day: date) -> date | None:
        """The newest activation of the desktop apps, not after `day`. It says nothing about use."""
        return self._of(person).last_activated(day)

    def unknown_uses(self, day: date) -> list[int]:
        """The use masks of the day's rows that name nobody."""
        if day < UNKNOWN_FROM:
            return []
        count = dice.between(1, 2, self._seed, "unknown", day.toordinal())
        masks = []
        for number in range(count):
            draw = dice.digest(self._seed, "unknown", day.toordinal(), number)
            platform = draw[0] % len(PLATFORMS)
            chosen = [app for app in range(len(APPS)) if draw[1 + app] < (200 if app in (0, 5) else 60)]
            is_quiet = day.weekday() >= 5 and number > 0
            masks.append(0 if is_quiet else sum(_BITS[app][platform] for app in chosen))
        return masks

    def is_low_day(self, ordinal: int) -> bool:
        """Whether the whole company is away from its desks that day: an offsite, a storm, an outage."""
        known = self._low_days.get(ordinal)
        if known is None:
            known = self._low_days[ordinal] = dice.fraction(self._seed, "low day", ordinal) < LOW_DAY_CHANCE
        return known

    def _of(self, person: Person) -> _PersonActivity:
        found = self._people.get(person.key)
        if found is None:
            found = self._people[person.key] = _PersonActivity(self, self._seed, person, self._licensing)
        return found


class _PersonActivity:
    """One person's days, each drawn once and kept."""

    def __init__(self, activity: Activity, seed: int, person: Person, licensing: Licensing) -> None:
        self._activity = activity
        self._seed = seed
        self._person = person
        self._country = person.position.country
        self._habits: Habits | None = None if uses_nothing(person) else habits_of(seed, person)
        self._base = hashlib.blake2b(dice.digest("days", seed, person.key), digest_size=32)
        self._allowed = [
            (first.toordinal(), until.toordinal(), mask) for first, until, mask in licensing.reported_between(person)
        ]
        self._first = person.created.toordinal()
        ends = [day.toordinal() for day in (person.disabled, person.deleted) if day is not None]
        self._end = min(ends, default=date.max.toordinal())
        self._days: dict[int, int] = {}
        self._activated = self._first_activation()
        self._plan = [] if self._habits is None else _plan(self._habits)

    def allowed(self, ordinal: int) -> int | None:
        found: int | None = None
        for first, until, mask in self._allowed:
            if first <= ordinal < until:
                found = (found or 0) | mask
        return found

    def use(self, ordinal: int) -> int:
        known = self._days.get(ordinal)
        if known is None:
            known = self._days[ordinal] = self._draw(ordinal)
        return known

    def last_active(self, ordinal: int) -> date | None:
        habits = self._habits
        if habits is None or not self._allowed:
            return None
        latest = min(ordinal, self._end - 1)
        if habits.active_until is not None:
            latest = min(latest, habits.active_until.toordinal() - 1)
        for candidate in range(latest, self._first - 1, -1):
            if self.use(candidate):
                return date.fromordinal(candidate)
        return None

    def last_activated(self, day: date) -> date | None:
        first = self._activated
        if first is None or day < first:
            return None
        if "activated_never_used" in self._person.position.traits:
            return first
        end = min(day, self._person.disabled or day)
        turns = max((end - first).days, 0) // REACTIVATION_DAYS
        return first + timedelta(days=turns * REACTIVATION_DAYS)

    def _first_activation(self) -> date | None:
        """None for people without a desktop of their own, without the desktop apps, or who never set them up."""
        person = self._person
        if not person.is_employee or "never_used" in person.position.traits:
            return None
        if person.position.device not in ("windows", "mac") or not any(
            mask & _BITS[1][0] for _, _, mask in self._allowed
        ):
            return None
        installed = min(first for first, _, mask in self._allowed if mask & _BITS[1][0])
        return date.fromordinal(installed + dice.between(0, 9, self._seed, "activated", person.key))

    def _draw(self, ordinal: int) -> int:
        habits = self._habits
        if habits is None or not self._first <= ordinal < self._end or habits.is_away(ordinal):
            return 0
        allowed = self.allowed(ordinal)
        if not allowed:
            return 0
        hasher = self._base.copy()
        hasher.update(ordinal.to_bytes(4, "big"))
        draw = hasher.digest()
        if draw[0] >= self._attendance(habits, ordinal):
            return 0
        is_weekend = (ordinal + 6) % 7 >= 5 and habits.attendance[5] < FULL // 4
        mask = 0
        for place, chance, platforms, fallback in self._plan:
            if draw[place] >= (chance // 2 if is_weekend else chance):
                continue
            used = 0
            for drawn, likely, bit in platforms:
                if draw[drawn] < likely:
                    used |= bit
            mask |= used or fallback
        return mask & allowed & ALL_USE

    def _attendance(self, habits: Habits, ordinal: int) -> float:
        chance: float = habits.attendance[(ordinal + 6) % 7]
        year = date.fromordinal(ordinal).year
        if ordinal in holidays(self._country, year):
            chance = min(chance, habits.on_holiday)
        elif self._activity.is_low_day(ordinal):
            chance *= LOW_DAY_ATTENDANCE
        if ordinal in vacation(self._seed, self._person.key, year) or (
            ordinal in vacation(self._seed, self._person.key, year - 1)
        ):
            chance = min(chance, ON_VACATION)
        return chance


def _plan(habits: Habits) -> list[tuple[int, int, tuple[tuple[int, int, int], ...], int]]:
    """For each app ever used: the byte of the day's draw that decides it, its chance, and for each platform the
    byte, the chance and the use bit; last the use bit when no platform was drawn."""
    return [
        (
            1 + app,
            chance,
            tuple(
                (7 + app * len(PLATFORMS) + platform, likely, _BITS[app][platform])
                for platform, likely in enumerate(habits.platforms[app])
                if likely
            ),
            _BITS[app][habits.primary],
        )
        for app, chance in enumerate(habits.apps)
        if chance
    ]
