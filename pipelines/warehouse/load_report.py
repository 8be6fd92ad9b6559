"""Loading the period snapshots and Microsoft's own daily counts."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.warehouse.bits import APPS
from pipelines.warehouse.errors import RefusedBodyError
from pipelines.warehouse.keys import add_upn_keys
from pipelines.warehouse.records import FetchRecord, Verdict
from pipelines.warehouse.report_csv import (
    APP_FLAGS,
    REFRESH_DATE,
    date_sql,
    explain_csv_error,
    read_csv_sql,
    read_shape,
)
from pipelines.warehouse.stage_report import StagedReport

_PACKED = ", ".join(APPS)
_SAME_MONTH = (
    "p.report_period = $period "
    "and date_trunc('month', p.report_refresh_date) = date_trunc('month', cast($refresh_date as date))"
)


def load_period(con: duckdb.DuckDBPyConnection, record: FetchRecord, report: StagedReport) -> Verdict:
    """Keep the staged period snapshot if it is no worse than the stored one of its month; inside a transaction.

    Of every calendar month the newest snapshot stays: what it says of idleness at the end of a month is asked for
    years later. A snapshot with concealed names never takes the place of one with names.
    """
    if not report.rows:
        return Verdict("kept", "The period report has no rows; the stored one stays.")
    if report.report_refresh_date is None:
        raise RefusedBodyError("The period report does not say up to which day it goes.")
    snapshot = {
        "tenant_id": record.tenant_id,
        "period": int((record.report_period or "D0")[1:]),
        "refresh_date": report.report_refresh_date,
    }
    stored = con.execute(
        f"""
        select max(p.report_refresh_date), count(*) filter (where k.is_concealed) * 2 > count(*)
        from raw.m365_app_user_periods as p inner join raw.upn_keys as k on k.upn_key = p.upn_key
        where p.tenant_id = $tenant_id and {_SAME_MONTH}
        """,
        snapshot,
    ).fetchone()
    if stored and stored[0] and stored[0] > report.report_refresh_date:
        return Verdict("kept", "A newer period snapshot is stored.")
    if stored and stored[0] and report.is_concealed and not stored[1]:
        return Verdict("kept", "Names are concealed in the new snapshot; the stored one with names stays.")
    add_upn_keys(con, record.tenant_id, "select upn, is_concealed from staged where upn is not null")
    con.execute(
        f"delete from raw.m365_app_user_periods as p where p.tenant_id = $tenant_id and {_SAME_MONTH}", snapshot
    )
    con.execute(
        f"""
        insert into raw.m365_app_user_periods
        select $tenant_id, $period, $refresh_date, k.upn_key, last_activation_date, last_activity_date, {_PACKED}
        from staged as s
        inner join raw.upn_keys as k on k.tenant_id = $tenant_id and k.upn = s.upn
        order by k.upn_key
        """,
        snapshot,
    )
    return Verdict("applied")


def load_user_counts(con: duckdb.DuckDBPyConnection, record: FetchRecord, path: Path) -> Verdict:
    """Microsoft's own active users per app and day; a newer answer replaces each day it names."""
    shape = read_shape(path, (REFRESH_DATE, "Report Date", *APP_FLAGS))
    counts = ", ".join(f'cast("{flag}" as integer) as {app}' for app, flag in APPS.items())
    try:
        con.execute(
            f"""
            create or replace temp table staged_counts as
            select {date_sql("Report Date")} as report_date, {date_sql(REFRESH_DATE)} as refresh_date, {counts}
            from {read_csv_sql(shape)}
            """,
            {"path": str(path)},
        )
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        raise explain_csv_error(error) from None
    except duckdb.ConversionException:
        raise RefusedBodyError("The user counts hold a cell that is no number.") from None
    undated = con.execute("select count(*) from staged_counts where report_date is null").fetchone()
    if undated and undated[0]:
        raise RefusedBodyError(f"The user counts have {undated[0]} rows whose report date is no date.")
    tenant = {"tenant_id": record.tenant_id}
    con.execute(
        """
        delete from raw.m365_app_user_counts
        where tenant_id = $tenant_id and report_date in (select report_date from staged_counts)
        """,
        tenant,
    )
    con.execute(
        f"""
        insert into raw.m365_app_user_counts
        select $tenant_id, report_date, refresh_date, {_PACKED} from staged_counts
        qualify row_number() over (partition by report_date order by refresh_date desc, {_PACKED}) = 1
        order by report_date
        """,
        tenant,
    )
    return Verdict("applied")
