"""Who comes and goes: positions that change hands for ever, at an even pace, on absolute dates.

Nothing here knows about `today`, so the past never changes, and on any day there are newcomers, people
renamed lately, blocked people who still hold licences, and deleted people in their thirty days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from pipelines.simulator import dice
from pipelines.simulator.people import DELETED_ITEMS_DAYS

EPOCH = date(2020, 1, 6)
BLOCKED_DAYS = 25
JITTER_DAYS = 2


@dataclass(frozen=True)
class Tenure:
    """One holder of a changing position."""

    line: int
    turn: int
    created: date
    renamed: date | None
    disabled: date
    deleted: date


@dataclass(frozen=True)
class Turnover:
    """A number of lines that change hands every `cycle` days, evenly out of step with each other."""

    seed: int
    lines: int
    cycle: int
    blocked: int
    vacant: int
    rename_every: int
    """Every how many lines the holder marries or otherwise changes names; 0 for never."""
    jitter: int = JITTER_DAYS

    @classmethod
    def of_staff(cls, seed: int, lines: int) -> Turnover:
        """Ordinary staff: about a year each, shorter in small companies so that something happens."""
        cycle = max(100, min(400, 20 * lines))
        return cls(seed, lines, cycle, BLOCKED_DAYS, cycle * 9 // 100, 1 if lines < 20 else 2)

    @classmethod
    def of_seasonal(cls, seed: int, lines: int) -> Turnover:
        """Seasonal staff: 80 days, and five days after one account is deleted the next is made."""
        return cls(seed, lines, 80, 7, 5, 0, jitter=0)

    def tenure(self, line: int, turn: int) -> Tenure:
        """The holder number `turn` (from 0) of a line."""
        return _tenure(self, line, turn)

    def between(self, line: int, first: date, last: date) -> Iterator[Tenure]:
        """The holders of a line of whom anything was left, accounts or deleted items, in these days."""
        offset = EPOCH.toordinal() + line * self.cycle // self.lines
        newest = (last.toordinal() - offset) // self.cycle
        oldest = (first.toordinal() - DELETED_ITEMS_DAYS - offset) // self.cycle - 1
        for turn in range(max(oldest, 0), newest + 1):
            tenure = self.tenure(line, turn)
            purged = tenure.deleted + timedelta(days=DELETED_ITEMS_DAYS)
            if tenure.created <= last and purged > first:
                yield tenure


@lru_cache(maxsize=65536)
def _tenure(turnover: Turnover, line: int, turn: int) -> Tenure:
    start = EPOCH + timedelta(days=line * turnover.cycle // turnover.lines + turn * turnover.cycle)

    def shifted(days: int, what: str) -> date:
        late = 0
        if turnover.jitter:
            late = dice.between(0, turnover.jitter, turnover.seed, "tenure", what, line, turn)
        return start + timedelta(days=days + late)

    deleted = turnover.cycle - turnover.vacant
    is_renamed = turnover.rename_every > 0 and line % turnover.rename_every == 0
    return Tenure(
        line,
        turn,
        created=shifted(0, "created"),
        renamed=shifted(turnover.cycle * 2 // 5, "renamed") if is_renamed else None,
        disabled=shifted(deleted - turnover.blocked, "disabled"),
        deleted=shifted(deleted, "deleted"),
    )
