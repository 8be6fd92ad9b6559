"""Retention: what of landing/ is older than may be kept, and its removal.

Report days before the horizon go whole: answers, records, verdicts. Of the directory the newest complete read up to
the horizon stays, with all that came after it: it tells who held what at the horizon. Deleted people and period
snapshots go by the day on which they were read. What names nobody (SKUs, subscriptions, Microsoft's counts, the
organisation, failed requests for any of these) stays.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines.warehouse.landing import UNFINISHED_SECONDS, Landing
from pipelines.warehouse.load import DAY_REPORT
from pipelines.warehouse.records import LandedFetch

_FETCH_ID = re.compile(r"^\d{8}T\d{6}\.\d{6}Z-[0-9a-f]+")
_PEOPLE = ("users", "usersDelta")
_BIN = "deletedUsers"


@dataclass(frozen=True)
class PurgePlan:
    """What is older than the horizon: whole fetches, and files that stand without a record.

    horizon: the first report date that stays. days: tenant and report date of the days that go.
    """

    horizon: date
    fetches: tuple[LandedFetch, ...]
    orphans: tuple[Path, ...]
    bodies: tuple[Path, ...]
    bytes: int

    @property
    def days(self) -> list[date]:
        """The report dates that go, oldest first."""
        return sorted({item.record.report_date for item in self.fetches if item.record.report_date})

    @property
    def periods(self) -> int:
        """How many period snapshots go."""
        return sum(item.record.report_period is not None for item in self.fetches)

    @property
    def directory_reads(self) -> int:
        """How many reads of people go."""
        return sum(item.record.source in (*_PEOPLE, _BIN) for item in self.fetches)

    def __bool__(self) -> bool:
        return bool(self.fetches or self.orphans)


def plan_purge(landing: Landing, horizon: date) -> PurgePlan:
    """What stands in landing/ from before the horizon; nothing is changed."""
    everything = landing.all_fetches()
    leaving = list(_leaving(everything, horizon))
    ids = {item.record.fetch_id for item in leaving}
    kept = {item.record.body_path for item in everything if item.record.fetch_id not in ids}
    wanted = {item.record.body_path for item in leaving if item.record.body_path} - kept
    bodies = tuple(path for path in sorted(landing.root / name for name in wanted) if path.is_file())
    orphans = tuple(orphaned_bodies(landing, UNFINISHED_SECONDS))
    size = sum(path.stat().st_size for path in (*bodies, *orphans))
    return PurgePlan(horizon, tuple(leaving), orphans, bodies, size)


def _leaving(fetches: list[LandedFetch], horizon: date) -> Iterator[LandedFetch]:
    baselines: dict[str, int] = {}
    for number, item in enumerate(fetches):
        record = item.record
        has_people = item.verdict is not None and bool(item.verdict.rows)
        if record.source == "users" and item.is_good and record.is_complete and has_people and record.as_of <= horizon:
            baselines[record.tenant_id] = number
    for number, item in enumerate(fetches):
        record = item.record
        if record.source == DAY_REPORT and record.report_date is not None:
            is_old = record.report_date < horizon
        elif record.source in _PEOPLE:
            is_old = number < baselines.get(record.tenant_id, 0)
        else:
            is_old = record.source in (DAY_REPORT, _BIN) and record.as_of < horizon
        if is_old:
            yield item


def orphaned_bodies(landing: Landing, older_than_seconds: float) -> Iterator[Path]:
    """Bodies that no record speaks of, and half-written files, of an age at which nobody works on them any more."""
    for path in sorted([*landing.root.glob("*/*/*/*.zst"), *landing.root.glob("*/*/*/.*.part")]):
        fetch_id = _FETCH_ID.match(path.name)
        if fetch_id and path.with_name(f"{fetch_id[0]}.json").is_file():
            continue
        if time.time() - path.stat().st_mtime > older_than_seconds:
            yield path


def purge_landing(plan: PurgePlan) -> None:
    """Remove what the plan names. A record goes before its body: killed in between, the body counts no more."""
    folders = set()
    for item in plan.fetches:
        item.record_path.unlink(missing_ok=True)
        item.record_path.with_name(item.record_path.stem + ".verdict.json").unlink(missing_ok=True)
        folders.add(item.record_path.parent)
    for path in (*plan.bodies, *plan.orphans):
        path.unlink(missing_ok=True)
        folders.add(path.parent)
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
