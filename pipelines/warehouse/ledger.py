"""The ledger tables: one row per request, from the landing records and what loading made of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

import duckdb

from pipelines.warehouse.landing import FetchRecord, Verdict
from pipelines.warehouse.stage_report import StagedReport


@dataclass(frozen=True)
class LoadFacts:
    """What one landed body held, as far as it is known for its kind."""

    rows: int | None = None
    active_rows: int | None = None
    unknown_rows: int | None = None
    concealed_rows: int | None = None
    duplicate_rows: int | None = None
    flag_disagreements: int | None = None
    report_refresh_date: date | None = None

    @classmethod
    def of(cls, report: StagedReport) -> LoadFacts:
        """The counts of a user detail report."""
        return cls(**asdict(report))


def known_fetch_ids(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The fetches that the ledger has, loaded or not worth loading."""
    return {row[0] for row in con.execute("select fetch_id from ledger.fetches").fetchall()}


def add_fetch(con: duckdb.DuckDBPyConnection, record: FetchRecord, verdict: Verdict | None, facts: LoadFacts) -> None:
    """Enter one request; part of the same transaction as the rows it brought."""
    values = asdict(record) | asdict(facts)
    values["verdict"] = verdict.verdict if verdict else None
    values["verdict_reason"] = verdict.reason if verdict else None
    columns = ", ".join(values)
    parameters = ", ".join(f"${name}" for name in values)
    con.execute(f"insert into ledger.fetches ({columns}) values ({parameters})", values)
