"""What becomes of the files of one command: things to land, each with the day it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

USER_DETAIL = "getM365AppUserDetail"
USER_COUNTS = "getM365AppUserCounts"
# The order in which a sync reads them, too: it decides which keys people get.
SOURCES = (USER_DETAIL, "users", "deletedUsers", "subscribedSkus", "subscriptions", "organization", USER_COUNTS)


@dataclass(frozen=True)
class ImportOptions:
    """What the person who imports has said.

    today: the day taken for today (UTC). day: ``--date``. as_day: report files are of one day, whatever their
    Report Period says. is_partial: a file of people holds only some of them, so nobody else counts as gone.
    """

    tenant_id: str
    today: date
    day: date | None = None
    as_day: bool = False
    is_partial: bool = False


@dataclass(frozen=True)
class ImportItem:
    """One thing to land, of one file or of the pages of one answer in several files.

    what: in words. body: the finished body; kind: its ending in landing/. rows: of each file. as_of: the day on
    which Microsoft said so. notes: what a person should know of how it was read. table: where the objects stand
    until they are landed, for people.
    """

    files: tuple[Path, ...]
    rows: tuple[int, ...]
    source: str
    what: str
    body: Path
    kind: str
    as_of: date
    report_date: date | None = None
    report_period: str | None = None
    is_complete: bool = True
    notes: tuple[str, ...] = ()
    table: str | None = None

    @property
    def thing(self) -> tuple[str, date | None, str | None]:
        """What the answer is about, whenever it was given."""
        return self.source, self.report_date, self.report_period

    @property
    def order(self) -> tuple[int, bool, date, date, tuple[Path, ...]]:
        """By which things are landed: kind by kind, days before summaries, each oldest first."""
        is_summary = self.source == USER_DETAIL and self.report_date is None
        day = self.report_date or self.as_of
        return SOURCES.index(self.source), is_summary, day, self.as_of, self.files

    @property
    def day(self) -> str:
        """The day or period it speaks of, for people."""
        if self.report_period is not None and self.source == USER_DETAIL:
            return f"{self.report_period} as of {self.as_of}"
        return str(self.report_date or self.as_of)


def modified_on(path: Path, today: date) -> date | None:
    """The day (UTC) a file was last written; None when that lies ahead of ``today``, so cannot be true."""
    day = datetime.fromtimestamp(path.stat().st_mtime, tz=timezone.utc).date()
    return day if day <= today else None
