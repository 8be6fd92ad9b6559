"""Loading one report day: delete and insert of its person-days, and what the new answer changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.warehouse.bits import APPS
from pipelines.warehouse.keys import add_upn_keys
from pipelines.warehouse.records import FetchRecord, Verdict
from pipelines.warehouse.stage_report import ANY_USE, StagedReport

# A correction that takes away more than this share of a day's rows is held for review.
MAX_REMOVED_SHARE = 0.2
# With fewer hashes in common than this share of a concealed day's, the service hashes otherwise than before.
MIN_SAME_HASHES = 0.1
_PACKED = ", ".join(APPS)


@dataclass(frozen=True)
class StoredDay:
    """The fetch that the stored rows of a day come from; rows that repeat a name are not counted."""

    fetch_id: str
    rows: int
    is_concealed: bool


def stored_day(con: duckdb.DuckDBPyConnection, tenant_id: str, report_date: date) -> StoredDay | None:
    """What is stored of the day now; None when nothing is."""
    row = con.execute(
        """
        select fetch_id, rows - duplicate_rows, concealed_rows * 2 > rows - unknown_rows
        from ledger.fetches
        where tenant_id = $tenant_id and report_date = $report_date and verdict in ('applied', 'unchanged')
        order by completed_at desc, fetch_id desc
        limit 1
        """,
        {"tenant_id": tenant_id, "report_date": report_date},
    ).fetchone()
    return StoredDay(*row) if row else None


def load_day(
    con: duckdb.DuckDBPyConnection,
    record: FetchRecord,
    report: StagedReport,
    max_removed_share: float = MAX_REMOVED_SHARE,
) -> Verdict:
    """Put the staged report in the place of the stored day, unless it would worsen it.

    Runs inside the caller's transaction. No re-fetch ever worsens a stored day: an answer without rows, or
    with concealed names over named ones, is kept aside; one that would remove more than max_removed_share
    of the rows is held until an operator accepts it.
    """
    assert record.report_date is not None
    stored = stored_day(con, record.tenant_id, record.report_date)
    if stored and stored.rows and not report.rows:
        return Verdict("kept", "The new answer has no rows; the stored day stays.")
    if stored and stored.rows and report.is_concealed and not stored.is_concealed:
        return Verdict("kept", "Names are concealed in the new answer; the stored day with names stays.")
    day = {"tenant_id": record.tenant_id, "report_date": record.report_date}
    _key_day(con, record.tenant_id, report, has_unknown=bool(stored) or report.unknown_rows > 0)
    verdict = Verdict("applied")
    if stored:
        verdict = _compare(con, day, stored, report, max_removed_share)
        if verdict.verdict == "held" and record.accepts_fetch_id:
            verdict = Verdict("applied", "Accepted after review.")
        if verdict.verdict != "unchanged":
            _note_restatement(con, day, record.fetch_id, is_applied=verdict.verdict == "applied")
        if verdict.verdict != "applied":
            return verdict
    _replace(con, day, has_unknown=report.unknown_rows > 0)
    return verdict


def _key_day(con: duckdb.DuckDBPyConnection, tenant_id: str, report: StagedReport, *, has_unknown: bool) -> None:
    """The staged people with use as ``new_day``, by key; upn is for those who had none yet and get one here.

    has_unknown: rows that name nobody are looked at afterwards, in ``staged``.
    """
    tenant = {"tenant_id": tenant_id}
    if report.file_no is None:
        con.execute(
            f"""
            create or replace temp table new_day as
            select k.upn_key, {_PACKED}, case when k.upn_key is null then s.upn end as upn, s.is_concealed
            from staged as s
            left join raw.upn_keys as k on k.tenant_id = $tenant_id and k.upn = s.upn
            where {ANY_USE} and s.upn is not null
            """,
            tenant,
        )
    else:
        file = {"file_no": report.file_no}
        con.execute(
            "create or replace temp table new_day as "
            "select * exclude (file_no) from keyed_files where file_no = $file_no",
            file,
        )
        if has_unknown:
            con.execute(
                "create or replace temp table staged as from staged_files where file_no = $file_no and upn is null",
                file,
            )
    # On most days everybody is known.
    if not con.execute("select 1 from new_day where upn_key is null limit 1").fetchone():
        return
    add_upn_keys(con, tenant_id, "select upn, is_concealed from new_day where upn_key is null")
    con.execute(
        f"""
        create or replace temp table new_day as
        select upn_key, {_PACKED}, is_concealed from new_day where upn_key is not null
        union all
        select k.upn_key, {_PACKED}, n.is_concealed
        from new_day as n
        inner join raw.upn_keys as k on k.tenant_id = $tenant_id and k.upn = n.upn
        where n.upn_key is null
        """,
        tenant,
    )


def _compare(
    con: duckdb.DuckDBPyConnection,
    day: dict[str, object],
    stored: StoredDay,
    report: StagedReport,
    max_removed_share: float,
) -> Verdict:
    counted = con.execute(
        f"""
        with old_day as (
            select upn_key, {_PACKED} from raw.m365_app_user_days
            where tenant_id = $tenant_id and report_date = $report_date
        ),
        day as (select upn_key, {_PACKED} from new_day),
        old_unknown as (
            select {_PACKED}, user_rows from raw.m365_app_unknown_days
            where tenant_id = $tenant_id and report_date = $report_date
        ),
        new_unknown as (
            select {_PACKED}, count(*)::integer as user_rows from staged where upn is null group by all
        )
        select
            (select count(*) from (from old_day except from day))
            + (select count(*) from (from day except from old_day))
            + (select count(*) from (from old_unknown except from new_unknown))
            + (select count(*) from (from new_unknown except from old_unknown)),
            (select count(*) from old_day anti join new_day using (upn_key)),
            (select count(*) from old_day),
            (select count(*) from new_day)
        """,
        day,
    ).fetchone()
    assert counted is not None
    differences, removed, people, new_people = counted
    if not differences:
        return Verdict("unchanged")
    # Names in the place of hashes, or all hashes anew: everyone is someone else, so only numbers can be compared.
    is_rehashed = report.is_concealed and people - removed < MIN_SAME_HASHES * people
    if stored.is_concealed != report.is_concealed or is_rehashed:
        removed = max(people - new_people, 0)
    fewer = (stored.rows - report.rows + report.duplicate_rows) / stored.rows if stored.rows else 0
    share = max(fewer, removed / people if people else 0)
    if share > max_removed_share:
        return Verdict("held", f"The correction would remove {share:.0%} of the day's rows; held for review.")
    return Verdict("applied")


def _note_restatement(
    con: duckdb.DuckDBPyConnection, day: dict[str, object], fetch_id: str, *, is_applied: bool
) -> None:
    """Record what changed, per app and over all people: new here, gone, switched on, switched off."""
    per_app = " union all ".join(
        f"""
        select '{app}' as app,
            count(*) filter (where o.upn_key is null and n.{app} > 0) as rows_added,
            count(*) filter (where n.upn_key is null and o.{app} > 0) as rows_removed,
            count(*) filter (where coalesce(o.{app}, 0) = 0 and n.{app} > 0) as switched_on,
            count(*) filter (where o.{app} > 0 and coalesce(n.{app}, 0) = 0) as switched_off
        from old_day as o full join new_day as n on n.upn_key = o.upn_key
        """
        for app in APPS
    )
    con.execute(
        f"""
        insert into ledger.restatements
        with old_day as (
            select upn_key, {_PACKED} from raw.m365_app_user_days
            where tenant_id = $tenant_id and report_date = $report_date
        ),
        changes as (
            {per_app}
            union all
            select 'all', count(*) filter (where o.upn_key is null), count(*) filter (where n.upn_key is null), 0, 0
            from old_day as o full join new_day as n on n.upn_key = o.upn_key
        )
        select $tenant_id, $report_date, $fetch_id, app, $is_applied,
            rows_added, rows_removed, switched_on, switched_off
        from changes
        """,
        {**day, "fetch_id": fetch_id, "is_applied": is_applied},
    )


def _replace(con: duckdb.DuckDBPyConnection, day: dict[str, object], *, has_unknown: bool) -> None:
    for table in ("raw.m365_app_user_days", "raw.m365_app_unknown_days"):
        con.execute(f"delete from {table} where tenant_id = $tenant_id and report_date = $report_date", day)
    con.execute(
        f"""
        insert into raw.m365_app_user_days
        select $tenant_id, $report_date, upn_key, {_PACKED} from new_day order by upn_key
        """,
        day,
    )
    if has_unknown:
        con.execute(
            f"""
            insert into raw.m365_app_unknown_days
            select $tenant_id, $report_date, {_PACKED}, count(*) from staged where upn is null group by all order by all
            """,
            day,
        )
