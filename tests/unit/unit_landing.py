"""Helpers: land made-up answers as the fetcher does, and look at what a warehouse holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord, Verdict

TENANT = "fabrikam.example"
START = datetime(2026, 8, 31, 6, 0, tzinfo=timezone.utc)


def as_day(day: date | str) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day


class Lander:
    """Lands one answer after another, a second apart."""

    def __init__(self, data_dir: Path, tenant_id: str = TENANT, start: datetime = START) -> None:
        self.now = start
        self.landing = Landing(data_dir / "landing", clock=lambda: self.now)
        self.tenant_id = tenant_id
        self.count = 0

    def body(self, source: str, body: bytes, kind: str, **facts: Any) -> FetchRecord:
        """Land a body with its record."""
        self.count += 1
        self.now += timedelta(seconds=1)
        tenant_id = facts.pop("tenant_id", self.tenant_id)
        folder = self.landing.folder(tenant_id, source, facts.get("report_date"), facts.get("report_period"))
        fetch_id = f"{self.now:%Y%m%dT%H%M%S.%fZ}-{self.count:04x}"
        path = folder / f"{fetch_id}.{kind}.zst"
        with self.landing.body(path) as writer:
            writer.write(body)
        known = {
            "fetch_id": fetch_id,
            "tenant_id": tenant_id,
            "source": source,
            "as_of": self.now.date(),
            "requested_at": self.now,
            "completed_at": self.now,
            "outcome": "ok",
            "cloud": "global",
            "http_status": 200,
            "requests": 1,
            "body_path": self.landing.relative(path),
            "body_bytes": writer.bytes,
            "body_sha256": writer.sha256,
            "is_complete": True,
        }
        record = FetchRecord(**known | facts)
        self.landing.commit(folder, record)
        return record

    def day(self, report_date: date | str, body: bytes, **facts: Any) -> FetchRecord:
        """Land a day report."""
        return self.body("getM365AppUserDetail", body, "csv", report_date=as_day(report_date), **facts)

    def period(self, period: str, body: bytes, **facts: Any) -> FetchRecord:
        """Land a period report."""
        return self.body("getM365AppUserDetail", body, "csv", report_period=period, **facts)

    def counts(self, body: bytes, **facts: Any) -> FetchRecord:
        """Land Microsoft's own counts."""
        return self.body("getM365AppUserCounts", body, "csv", report_period="D30", **facts)

    def objects(self, source: str, *pages: Iterable[dict[str, Any]], **facts: Any) -> FetchRecord:
        """Land the pages of a collection."""
        lines = [json.dumps({"value": list(page)}) for page in pages]
        return self.body(source, "".join(f"{line}\n" for line in lines).encode(), "jsonl", **facts)

    def raw(self, source: str, text: str, **facts: Any) -> FetchRecord:
        """Land a JSON answer as it is."""
        return self.body(source, text.encode(), "jsonl", **facts)

    def failure(self, report_date: date | str, outcome: str, **facts: Any) -> FetchRecord:
        """Land the record of a request for a day that brought nothing."""
        self.count += 1
        self.now += timedelta(seconds=1)
        record = FetchRecord(
            fetch_id=f"{self.now:%Y%m%dT%H%M%S.%fZ}-{self.count:04x}",
            tenant_id=facts.pop("tenant_id", self.tenant_id),
            source="getM365AppUserDetail",
            as_of=facts.pop("as_of", self.now.date()),
            requested_at=self.now,
            completed_at=self.now,
            outcome=outcome,
            report_date=as_day(report_date),
        )
        record = replace(record, **facts)
        folder = self.landing.folder(record.tenant_id, record.source, record.report_date)
        self.landing.commit(folder, record)
        return record

    def verdict(self, record: FetchRecord) -> Verdict | None:
        """What loading noted beside a record."""
        (found,) = [item for item in self.landing.all_fetches() if item.record.fetch_id == record.fetch_id]
        return found.verdict


def contents(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of the warehouse, row by row, in no particular order of rows; but for the note of its schema."""
    names = con.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('raw', 'ledger') "
        "and table_name <> 'schema_version' and database_name = current_database() order by all"
    ).fetchall()
    return {name: con.execute(f"from {name} order by all").fetchall() for (name,) in names}
