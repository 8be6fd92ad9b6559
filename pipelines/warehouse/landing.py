"""landing/: every answer as received, and beside it a small record of the request's outcome.

    landing/<tenant>/getM365AppUserDetail/2026-08-01/20260803T060001.123456Z-4f2a.csv.zst
                                                     20260803T060001.123456Z-4f2a.json

A body is written under a temporary name and renamed; the record comes last and makes it count. What is not
named by a record was never finished, and is ignored. Records and bodies are never changed, but where somebody is
erased (redact.py) or retention has passed (thin.py); a *verdict* (`….verdict.json`) is added when loading has looked
at the body. Everything else can be rebuilt from here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import zstandard

from pipelines.warehouse.atomic import UNFINISHED_SUFFIX, write_atomically
from pipelines.warehouse.body import BodyWriter
from pipelines.warehouse.records import FetchRecord, LandedFetch, Verdict

VERDICT_SUFFIX = ".verdict.json"
# No fetch takes this long between two bytes; waiting for the request limit comes before the first.
UNFINISHED_SECONDS = 86_400.0


class Landing:
    """The landing folder of all tenants.

    clock gives the current instant; it is replaced in tests that simulate many days.
    """

    def __init__(self, root: Path, clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> None:
        self.root = root
        self.clock = clock

    def new_fetch_id(self) -> str:
        """An id that sorts by time: the instant to the microsecond and four random hex digits."""
        return f"{self.clock():%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"

    def folder(self, tenant_id: str, source: str, report_date: date | None = None, period: str | None = None) -> Path:
        """Where the fetches of one thing stand: by report date, by period, or by the month of the fetch."""
        part = report_date.isoformat() if report_date else period or f"{self.clock():%Y-%m}"
        return self.root / tenant_id / source / part

    @contextmanager
    def body(self, path: Path) -> Iterator[BodyWriter]:
        """Write a body; it is left behind only when the block ends without an exception and finishes it."""
        self._make_root()
        writer = BodyWriter(path)
        try:
            yield writer
            writer.finish()
        except BaseException:
            writer.abandon()
            raise

    def is_intact(self, record: FetchRecord) -> bool:
        """Whether the body is still, byte for byte, what was received."""
        digest = hashlib.sha256()
        try:
            with self.body_path(record).open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
                while data := stream.read(1 << 20):
                    digest.update(data)
        except (OSError, zstandard.ZstdError):
            return False
        return digest.hexdigest() == record.body_sha256

    def relative(self, path: Path) -> str:
        """The path as it stands in records: relative to landing/, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def body_path(self, record: FetchRecord) -> Path:
        """Where the record's body is."""
        if record.body_path is None:
            raise ValueError(f"fetch {record.fetch_id} has no body")
        return self.root / record.body_path

    def commit(self, folder: Path, record: FetchRecord) -> Path:
        """Write the record: from now on the fetch has happened."""
        self._make_root()
        path = folder / f"{record.fetch_id}.json"
        write_atomically(path, record.to_json() + "\n")
        return path

    def _make_root(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def add_verdict(self, landed: LandedFetch, verdict: Verdict) -> None:
        """Note beside the record what loading made of the body, for the next plan."""
        path = landed.record_path.with_suffix("").with_name(landed.record_path.stem + VERDICT_SUFFIX)
        write_atomically(path, json.dumps(asdict(verdict), sort_keys=True) + "\n")

    def day_fetches(self, tenant_id: str, source: str, report_date: date) -> list[LandedFetch]:
        """Every fetch of one report date, oldest first."""
        return _read_folder(self.folder(tenant_id, source, report_date))

    def period_fetches(self, tenant_id: str, source: str, period: str) -> list[LandedFetch]:
        """Every fetch of one period, oldest first."""
        return _read_folder(self.folder(tenant_id, source, period=period))

    def folder_fetches(self, folder: Path) -> list[LandedFetch]:
        """Every fetch whose record stands in the folder, oldest first."""
        return _read_folder(folder)

    def newest_answer(self, tenant_id: str, source: str) -> LandedFetch | None:
        """The newest landed body of an endpoint that is not asked by date."""
        base = self.root / tenant_id / source
        folders = sorted((entry for entry in base.iterdir() if entry.is_dir()), reverse=True) if base.is_dir() else []
        for folder in folders:
            for landed in reversed(_read_folder(folder)):
                if landed.is_good:
                    return landed
        return None

    def read_body(self, landed: LandedFetch) -> bytes:
        """The body as received; for small answers."""
        with self.body_path(landed.record).open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as body:
            return bytes(body.read())

    def report_dates(self, tenant_id: str, source: str) -> list[date]:
        """The report dates that were ever asked for, oldest first."""
        base = self.root / tenant_id / source
        if not base.is_dir():
            return []
        return sorted(filter(None, (_as_date(entry.name) for entry in base.iterdir() if entry.is_dir())))

    def oldest_report_date(self, source: str) -> date | None:
        """The oldest report date asked for in any tenant."""
        if not self.root.is_dir():
            return None
        dates = [days[0] for tenant in self.root.iterdir() if (days := self.report_dates(tenant.name, source))]
        return min(dates, default=None)

    def all_fetches(self, loaded: frozenset[str] | set[str] = frozenset()) -> list[LandedFetch]:
        """Every fetch of every tenant not among ``loaded``, in the order they were made.

        That order decides which keys people get, so a rebuild must follow it too.
        """
        found = [
            landed
            for folder in sorted({path.parent for path in self.root.glob("*/*/*/*.json")})
            for landed in _read_folder(folder, skip=loaded)
        ]
        return sorted(found, key=lambda landed: (landed.record.completed_at, landed.record.fetch_id))

    def remove_unfinished(self) -> int:
        """Remove what killed runs left half written, a day later; returns how many files went.

        The wait is for fetches of other processes that are still under way.
        """
        removed = 0
        for path in self.root.glob(f"*/*/*/.*{UNFINISHED_SUFFIX}"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > UNFINISHED_SECONDS:
                    path.unlink()
                    removed += 1
        return removed


def _read_folder(folder: Path, skip: frozenset[str] | set[str] = frozenset()) -> list[LandedFetch]:
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.glob("[0-9]*.json")):
        if path.name.endswith(VERDICT_SUFFIX) or path.stem in skip:
            continue
        try:
            record = FetchRecord.from_json(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} cannot be read: {error}") from None
        found.append(LandedFetch(record, path, _read_verdict(path.with_name(path.stem + VERDICT_SUFFIX))))
    return found


def _read_verdict(path: Path) -> Verdict | None:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Verdict(values["verdict"], values.get("reason"), values.get("is_concealed"), values.get("rows"))


def _as_date(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
