"""The ledger tables: one row per request, from the landing records and what loading made of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

import duckdb

from pipelines.warehouse.records import FetchRecord, Verdict
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
        facts = asdict(report)
        return cls(**{name: value for name, value in facts.items() if name != "file_no"})


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


@dataclass(frozen=True)
class FailedFetch:
    """What went wrong with one source of one tenant in one run; first_day for report days only.

    A missing permission is one of its own: it is mended in another way than anything else.
    """

    tenant_id: str
    source: str
    days: int
    first_day: date | None
    is_permission: bool
    reason: str


def failed_fetches(con: duckdb.DuckDBPyConnection, run_id: str) -> list[FailedFetch]:
    """The sources of the run that failed or whose bodies were refused, and that did not work in a later try."""
    found = con.execute(
        """
        with of_run as (
            select *, verdict = 'refused' or outcome in ('failed', 'refused_permission') as is_failure
            from ledger.fetches
            where run_id = $run_id
            qualify row_number() over (
                partition by tenant_id, source, report_date, report_period order by completed_at desc, fetch_id desc
            ) = 1
        )
        select
            tenant_id, source, count(report_date), min(report_date), bool_or(outcome = 'refused_permission'),
            arg_min(
                coalesce(verdict_reason, error_message, 'no reason given')
                || coalesce(' [request-id ' || request_id || ']', ''),
                completed_at
            )
        from of_run
        where is_failure
        group by tenant_id, source, outcome = 'refused_permission'
        order by tenant_id, source, min(completed_at)
        """,
        {"run_id": run_id},
    ).fetchall()
    return [FailedFetch(*row) for row in found]
