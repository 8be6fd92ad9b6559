"""What the tables about use must say of a simulated company, in plain Python from its ground truth.

Written from the definitions of the metrics, not from any SQL. Every figure is a dictionary from what a row stands for
to its measures; only rows that say something of somebody are expected to be there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from tests.truth.expected import APPS, NOT_A_PERSON, SUITE, WINDOW_DAYS, Company

ALL = "All"
UNKNOWN = "Unknown department"
CORE_SHARE, REGULAR_SHARE = 0.5, 0.2
HISTORY_DAYS = 60
LINES = {app: frozenset({app}) for app in APPS} | {"suite": frozenset(SUITE)}
"""App or suite → the apps whose use counts."""


@dataclass(frozen=True)
class Adoption:
    """Of one group of people: who is licensed, who of them used it in four weeks, the mean weekly share."""

    licensed: int
    active: int
    rate: float | None


class Use:
    """The use of a company on the days that were collected."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def department(self, user_id: str) -> str:
        return self.company.people[user_id].department or UNKNOWN

    @cached_property
    def users_on(self) -> dict[tuple[str, date], frozenset[str]]:
        """(app or suite, day) → who used it."""
        return {
            (line, day): frozenset(user for user, used in by_person.items() if used & apps)
            for line, apps in LINES.items()
            for day, by_person in self.company.use.items()
            if day >= self.company.first_day
        }

    def collected(self, first: date, last: date) -> list[date]:
        """The collected days between two days."""
        days = self.company.days(max(first, self.company.first_day), min(last, self.company.last_day))
        return [day for day in days if first <= day <= last]

    def days_of_use(self, line: str, days: Iterable[date]) -> Counter[str]:
        """Person → on how many of the days."""
        return Counter(user for day in days for user in self.users_on[line, day])

    def users(self, line: str, days: Iterable[date]) -> set[str]:
        return set(self.days_of_use(line, days))

    def licensed(self, line: str, day: date) -> set[str]:
        """People (no guests, no mailboxes) who hold on the day what lets them use it."""
        return {
            licence.user_id
            for licence in self.company.held(day)
            if licence.apps & LINES[line] and not self.company.people[licence.user_id].kinds & NOT_A_PERSON
        }

    def by_department(self, people: Iterable[str]) -> Counter[str]:
        """Department → people, and All."""
        counted = Counter(self.department(user) for user in people)
        counted[ALL] = sum(counted.values())
        return counted

    def windows(self) -> dict[tuple[str, str, int, str], tuple[int, int, int, int]]:
        """(line, department, length, kind of day) → users, days of use, licensed, users among these."""
        found = {}
        last = self.company.last_day
        for line in LINES:
            licensed = self.licensed(line, last)
            for length in (7, 28, 90, 180):
                for kind in ("all", "weekdays"):
                    days = self.collected(last - timedelta(days=length - 1), last)
                    days = [day for day in days if kind == "all" or day.weekday() < 5]
                    counted = self.days_of_use(line, days)
                    use_days: Counter[str] = Counter()
                    for user, number in counted.items():
                        use_days[self.department(user)] += number
                        use_days[ALL] += number
                    groups = [self.by_department(people) for people in (counted, licensed, licensed & counted.keys())]
                    for name in groups[0] | groups[1]:
                        row = (groups[0][name], use_days[name], groups[1][name], groups[2][name])
                        found[line, name, length, kind] = row
        return found

    def whole_weeks(self) -> list[date]:
        """The Mondays of the weeks of which every day was collected and on whose Sunday the directory had been read."""
        mondays = [day for day in self.collected(self.company.first_day, self.company.last_day) if day.weekday() == 0]
        sundays = ((monday, monday + timedelta(days=6)) for monday in mondays)
        return [monday for monday, sunday in sundays if self.company.first_sync <= sunday <= self.company.last_day]

    def week(self, line: str, monday: date) -> dict[str, tuple[int, int, int]]:
        """Department → users in the week, licensed on its Sunday, users among these."""
        sunday = monday + timedelta(days=6)
        users, licensed = self.users(line, self.collected(monday, sunday)), self.licensed(line, sunday)
        groups = [self.by_department(people) for people in (users, licensed, users & licensed)]
        return {name: (groups[0][name], groups[1][name], groups[2][name]) for name in groups[0] | groups[1]}

    def adoption(self) -> dict[tuple[str, str], Adoption]:
        """(line, department) → how many of the licensed use it, over the last four whole weeks."""
        mondays = self.whole_weeks()[-4:]
        first, last = mondays[0], mondays[-1] + timedelta(days=6)
        found = {}
        for line in LINES:
            licensed = self.licensed(line, last)
            groups = (
                self.by_department(licensed),
                self.by_department(licensed & self.users(line, self.collected(first, last))),
            )
            shares: dict[str, list[float]] = defaultdict(list)
            for monday in mondays:
                for name, (_, of_week, active) in self.week(line, monday).items():
                    if of_week:
                        shares[name].append(active / of_week)
            for name, number in groups[0].items():
                rate = sum(shares[name]) / len(shares[name]) if shares[name] else None
                found[line, name] = Adoption(number, groups[1][name], rate)
        return found

    def month(self, first: date) -> list[date]:
        """The collected days of a calendar month."""
        after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
        return self.collected(first, after - timedelta(days=1))

    def engagement(self, line: str, first: date) -> dict[str, int | None]:
        """Of a month that is over: who came back, came new, stayed away."""
        before = (first - timedelta(days=1)).replace(day=1)
        now, previous = self.users(line, self.month(first)), self.users(line, self.month(before))
        history = self.collected(self.company.first_day, first - timedelta(days=1))
        is_told = len(history) >= HISTORY_DAYS
        return {
            "active_users": len(now),
            "prev_active_users": len(previous),
            "returning_users": len(now & previous),
            "first_time_users": len(now - self.users(line, history)) if is_told else None,
            "resumed_users": len((now - previous) & self.users(line, history)) if is_told else None,
            "lost_users": len(previous - now) if is_told else None,
        }

    def stickiness(self, line: str, first: date) -> float:
        weekdays = [day for day in self.month(first) if day.weekday() < 5]
        average = sum(len(self.users_on[line, day]) for day in weekdays) / len(weekdays)
        return average / len(self.users(line, self.month(first)))

    def segments(self, first: date) -> tuple[int, int, int]:
        """Suite only, both, Teams only, of a month."""
        suite, teams = self.users("suite", self.month(first)), self.users("teams", self.month(first))
        return len(suite - teams), len(suite & teams), len(teams - suite)

    @cached_property
    def last_days(self) -> list[date]:
        """The 28 days that end with the newest report day."""
        last = self.company.last_day
        return self.collected(last - timedelta(days=WINDOW_DAYS - 1), last)

    def depth(self) -> dict[tuple[str, str], int]:
        """(department, band of days of suite use in 28) → people."""
        counted = self.days_of_use("suite", self.last_days)
        bands: dict[str, set[str]] = defaultdict(set)
        for user, number in counted.items():
            band = "20+" if number >= 20 else "10-19" if number >= 10 else "4-9" if number >= 4 else "1-3"
            bands[band].add(user)
        bands["0"] = self.licensed("suite", self.company.last_day) - counted.keys()
        return {(name, band): n for band, people in bands.items() for name, n in self.by_department(people).items()}

    def levels(self) -> dict[tuple[str, str], tuple[int, date, date, str]]:
        """(person, app) → days of use in 28, the first and the last of them, level."""
        weekdays = sum(day.weekday() < 5 for day in self.last_days)
        found = {}
        for app in APPS:
            for user, number in self.days_of_use(app, self.last_days).items():
                days = [day for day in self.last_days if user in self.users_on[app, day]]
                share = number / weekdays
                level = "core" if share > CORE_SHARE else "regular" if share >= REGULAR_SHARE else "occasional"
                found[user, app] = (number, days[0], days[-1], level)
        return found

    def counts(self, day: date) -> dict[str, tuple[int, int]]:
        """App → people who used it, and rows of use that name nobody."""
        unknown = self.company.truth.unknown_on(day)
        return {
            app: (len(self.users_on[app, day]), sum(any(used.lower() == app for used, _ in row) for row in unknown))
            for app in APPS
        }
