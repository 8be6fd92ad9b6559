"""Which report dates exist, which of them to fetch now, and in which order. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

# Days: sources differ on whether the service still answers for a report date of this age or older.
OLDEST_SURE_AGE = 28


@dataclass(frozen=True)
class ReportWindow:
    """The report dates that the service serves on day ``today``: ``length`` days, the newest ``lag_days`` ago.

    Microsoft publishes with about two days' delay and refuses dates more than 28 days back.
    """

    today: date
    lag_days: int = 2
    length: int = 28

    @property
    def end(self) -> date:
        """The newest report date expected to exist."""
        return self.today - timedelta(days=self.lag_days)

    @property
    def start(self) -> date:
        """The oldest report date still served."""
        return self.end - timedelta(days=self.length - 1)

    @property
    def days(self) -> list[date]:
        """All report dates of the window, oldest first."""
        return [self.start + timedelta(days=n) for n in range(self.length)]

    def __contains__(self, report_date: date) -> bool:
        return self.start <= report_date <= self.end

    def meaning_of_refusal(self, report_date: date) -> str:
        """What a 400 ``InvalidArgument`` for the date means: ``lost``, ``late`` or ``failed``.

        Sources differ on whether the oldest window day still answers, and publishing is sometimes late, so
        the two days at either end are no failures of the run. With a longer lag the window reaches back to
        days that nobody serves any more.
        """
        if report_date <= self.start + timedelta(days=1) or (self.today - report_date).days >= OLDEST_SURE_AGE:
            return "lost"
        if report_date >= self.end - timedelta(days=1):
            return "late"
        return "failed"


@dataclass(frozen=True)
class DayHistory:
    """What earlier runs learned of one report date, from the landing records.

    good_as_of: the day of the newest fetch that gave a usable report, None when there was none.
    last_as_of, last_outcome: the newest attempt, whatever came of it.
    is_concealed: the usable report conceals the names.
    """

    good_as_of: date | None = None
    last_as_of: date | None = None
    last_outcome: str | None = None
    is_concealed: bool = False

    def is_final(self, report_date: date, settle_days: int) -> bool:
        """Fetched well at an age at which Microsoft no longer corrects the day."""
        return self.good_as_of is not None and (self.good_as_of - report_date).days >= settle_days


@dataclass(frozen=True)
class FetchPlan:
    """The report dates to ask for, in order: never fetched (they expire first), then those stored with
    concealed names that can be had with names now, then not yet final ones.
    """

    never_fetched: tuple[date, ...] = ()
    concealed: tuple[date, ...] = ()
    provisional: tuple[date, ...] = ()
    final: int = 0
    already_today: int = 0

    @property
    def days(self) -> tuple[date, ...]:
        """All days to fetch, in order."""
        return self.never_fetched + self.concealed + self.provisional

    def minutes(self, requests_per_window: int, window_seconds: float) -> float:
        """How long the throttle budget stretches the plan, from a fresh budget, in minutes."""
        full_windows = max(len(self.days) - 1, 0) // requests_per_window
        return full_windows * window_seconds / 60

    def describe(self, requests_per_window: int, window_seconds: float) -> str:
        """One sentence for people."""
        if not self.days:
            return f"Nothing to fetch: {self.final} days final, {self.already_today} already fetched today."
        minutes = self.minutes(requests_per_window, window_seconds)
        pace = f"about {minutes:.0f} min at Microsoft's limit" if minutes >= 1 else "within the request limit"
        unmasked = f"{len(self.concealed)} now with names, " if self.concealed else ""
        return (
            f"{len(self.days)} report requests ({len(self.never_fetched)} new days, {unmasked}"
            f"{len(self.provisional)} still settling), {pace}; {self.final} days final."
        )


def plan_days(
    window: ReportWindow,
    history: Mapping[date, DayHistory],
    *,
    settle_days: int = 10,
    full: bool = False,
    names_shown: bool = False,
    days: list[date] | None = None,
) -> FetchPlan:
    """Choose the report dates to fetch.

    window: the dates the service serves. history: what is known of each date (absent: nothing).
    full: fetch every day again, final or not. names_shown: the tenant shows names now, so days stored with
    concealed names are fetched again, however old. days: restrict the plan to these dates.

    Days never fetched come first, oldest first, as they expire first; then provisional days not asked for
    today, newest first. A fetch that failed counts as none. A day that the service has refused as too old is
    not asked for again.
    """
    wanted = set(window.days if days is None else days)
    never: list[date] = []
    concealed: list[date] = []
    provisional: list[date] = []
    final = already_today = 0
    for day in window.days:
        if day not in wanted:
            continue
        known = history.get(day, DayHistory())
        is_final = known.is_final(day, settle_days)
        if known.last_outcome == "lost":
            final += is_final
        elif known.good_as_of is None:
            never.append(day)
        elif full:
            provisional.append(day)
        elif names_shown and known.is_concealed and known.last_as_of != window.today:
            concealed.append(day)
        elif is_final:
            final += 1
        elif known.last_as_of == window.today and known.last_outcome not in ("failed", "refused"):
            already_today += 1
        else:
            provisional.append(day)
    return FetchPlan(tuple(never), tuple(concealed), tuple(reversed(provisional)), final, already_today)
