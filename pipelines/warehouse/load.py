"""Loading: every landed answer that the ledger does not know yet, one transaction each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

import duckdb

from pipelines.warehouse.database import transaction
from pipelines.warehouse.errors import RefusedBodyError
from pipelines.warehouse.forgotten import Forgotten
from pipelines.warehouse.keys import use_kept_keys
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.ledger import LoadFacts, add_fetch, known_fetch_ids
from pipelines.warehouse.load_day import MAX_REMOVED_SHARE, load_day
from pipelines.warehouse.load_directory import DIRECTORY_SOURCES, load_directory
from pipelines.warehouse.load_report import load_period, load_user_counts
from pipelines.warehouse.records import FetchRecord, LandedFetch, Verdict
from pipelines.warehouse.redact import redact_pending
from pipelines.warehouse.report_csv import read_shape
from pipelines.warehouse.stage_files import FileStager
from pipelines.warehouse.stage_report import StagedReport, stage_report

DAY_REPORT = "getM365AppUserDetail"
COUNTS_REPORT = "getM365AppUserCounts"


@dataclass(frozen=True)
class LoadedFetch:
    """One landed answer after loading."""

    record: FetchRecord
    verdict: Verdict | None
    facts: LoadFacts


def load_pending(
    con: duckdb.DuckDBPyConnection,
    landing: Landing,
    on_loaded: Callable[[LoadedFetch], None] = lambda _: None,
    max_removed_share: float = MAX_REMOVED_SHARE,
    *,
    verifies_bodies: bool = False,
) -> list[LoadedFetch]:
    """Load all landed answers that the ledger does not know, in the order they were made.

    Each is one transaction, rows and ledger entry together, so a killed load goes on where it stopped. A body
    that is not what it should be is refused, with a reason in the ledger and beside the record. verifies_bodies:
    read each body once more before it is loaded, and refuse those that are no longer what was received.
    Whoever is forgotten is taken out of the bodies first.
    """
    landing.remove_unfinished()
    use_kept_keys(con, landing.root)
    pending = landing.all_fetches(known_fetch_ids(con))
    forgotten = Forgotten.beside(landing.root)
    if forgotten and redact_pending(landing, pending, forgotten):
        pending = landing.all_fetches(known_fetch_ids(con))
    loaded, stager = [], FileStager(con, landing)
    for number, landed in enumerate(pending):

        def staged(record: FetchRecord, number: int = number) -> StagedReport | None:
            return stager.report(record, (other.record for other in islice(pending, number + 1, None)))

        result = _load_one(con, landing, landed, max_removed_share, verifies_bodies, staged)
        on_loaded(result)
        loaded.append(result)
    return loaded


def _load_one(
    con: duckdb.DuckDBPyConnection,
    landing: Landing,
    landed: LandedFetch,
    max_removed_share: float,
    verifies_bodies: bool,
    staged: Callable[[FetchRecord], StagedReport | None],
) -> LoadedFetch:
    """One landed answer, in one transaction.

    The verdict is noted in landing/ before the commit: killed in between, the answer is loaded again and judged
    alike; the other way round, a refused answer would pass for a good one for ever.
    """
    record = landed.record
    if record.outcome != "ok":
        with transaction(con):
            add_fetch(con, record, None, LoadFacts())
        return LoadedFetch(record, None, LoadFacts())
    try:
        if verifies_bodies and landing.body_path(record).is_file() and not landing.is_intact(record):
            raise RefusedBodyError("The landed file is damaged: it is no longer what was received.")
        report = _stage_body(con, landing, record, staged)
        with transaction(con):
            verdict, facts = _load_body(con, landing, record, report, max_removed_share)
            add_fetch(con, record, verdict, facts)
            landing.add_verdict(landed, verdict)
    except RefusedBodyError as refusal:
        verdict, facts = Verdict("refused", str(refusal)), LoadFacts()
        with transaction(con):
            add_fetch(con, record, verdict, facts)
            landing.add_verdict(landed, verdict)
    return LoadedFetch(record, verdict, facts)


def _stage_body(
    con: duckdb.DuckDBPyConnection,
    landing: Landing,
    record: FetchRecord,
    staged: Callable[[FetchRecord], StagedReport | None],
) -> StagedReport | None:
    """Read a user detail report into temporary tables; None for other answers. Raises RefusedBodyError.

    staged: gives the report of a day where it was read together with others.
    Before the transaction begins: the quick way to read it may fail, and DuckDB ends a transaction at any failure.
    """
    path = landing.body_path(record)
    if not path.is_file():
        raise RefusedBodyError("The landed file is gone.")
    if record.source in DIRECTORY_SOURCES:
        return None
    if not record.is_complete:
        # A page of HTML is refused as such.
        read_shape(path, ())
        raise RefusedBodyError("The report breaks off: it does not end with a line end.")
    if record.source != DAY_REPORT:
        return None
    together = staged(record) if record.report_date else None
    return together or stage_report(con, path, with_dates=record.report_date is None, body_bytes=record.body_bytes)


def _load_body(
    con: duckdb.DuckDBPyConnection,
    landing: Landing,
    record: FetchRecord,
    report: StagedReport | None,
    max_removed_share: float,
) -> tuple[Verdict, LoadFacts]:
    path = landing.body_path(record)
    if report is not None:
        is_day = record.report_date is not None
        verdict = load_day(con, record, report, max_removed_share) if is_day else load_period(con, record, report)
        return replace(verdict, is_concealed=report.is_concealed, rows=report.rows), LoadFacts.of(report)
    if record.source in DIRECTORY_SOURCES:
        verdict, rows = load_directory(con, record, path)
        return verdict, LoadFacts(rows=rows)
    if record.source == COUNTS_REPORT:
        return load_user_counts(con, record, path), LoadFacts()
    raise RefusedBodyError(f"Nothing here reads {record.source}.")
