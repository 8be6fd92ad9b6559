"""One pass over a getM365AppUserDetail file: from CSV to packed rows in a temporary table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from pipelines.warehouse.bits import APPS
from pipelines.warehouse.errors import RefusedBodyError
from pipelines.warehouse.plain_csv import folded_upn_sql, is_concealed_sql, refresh_date_sql, stage_plain
from pipelines.warehouse.report_csv import (
    APP_FLAGS,
    APP_PLATFORM_FLAGS,
    LAST_ACTIVATION,
    LAST_ACTIVITY,
    REFRESH_DATE,
    UPN,
    CsvShape,
    FlagReader,
    date_sql,
    explain_csv_error,
    quoted,
    read_csv_sql,
    read_shape,
)

REQUIRED = (REFRESH_DATE, UPN, *APP_FLAGS, *APP_PLATFORM_FLAGS)
ANY_USE = f"greatest({', '.join(APPS)}) > 0"


@dataclass(frozen=True)
class StagedReport:
    """What the file holds: all rows; rows with use; rows naming nobody; rows with a concealed name; rows that
    repeat a name; rows whose flags contradict each other.

    file_no: where the rows stand among those of several files, see stage_files.py; None: in ``staged``.
    """

    rows: int
    active_rows: int
    unknown_rows: int
    concealed_rows: int
    duplicate_rows: int
    flag_disagreements: int
    report_refresh_date: date | None
    file_no: int | None = None

    @property
    def is_concealed(self) -> bool:
        """Most of the names that there are have been concealed by the tenant's setting."""
        return self.concealed_rows * 2 > self.rows - self.unknown_rows


def stage_report(
    con: duckdb.DuckDBPyConnection, path: Path, *, with_dates: bool = False, body_bytes: int | None = None
) -> StagedReport:
    """Read the file into the temporary table ``staged`` (upn, is_concealed, six packed apps, …).

    A UPN of a row that names nobody is NULL. Rows that repeat a name are merged, their use added together.
    with_dates: keep the last activation and last activity dates as well (period reports). body_bytes: the size of
    the unpacked file, where it is known. Raises RefusedBodyError.
    """
    required = (*REQUIRED, LAST_ACTIVATION, LAST_ACTIVITY) if with_dates else REQUIRED
    shape = read_shape(path, required)
    if stage_plain(con, path, shape, _dates(with_dates=with_dates), body_bytes):
        report, strange = _counted(con)
    else:
        report, strange = _stage(con, path, shape, FlagReader(is_tolerant=False), with_dates=with_dates)
    if strange:
        report, strange = _stage(con, path, shape, FlagReader(is_tolerant=True), with_dates=with_dates)
    if strange:
        raise RefusedBodyError(f"The report has {strange} cells that are neither Yes, No, True, False nor empty.")
    if report.duplicate_rows:
        _merge_duplicates(con, with_dates=with_dates)
    return report


def _dates(*, with_dates: bool) -> str:
    if not with_dates:
        return ""
    return f"{date_sql(LAST_ACTIVATION)} as last_activation_date, {date_sql(LAST_ACTIVITY)} as last_activity_date,"


def _stage(
    con: duckdb.DuckDBPyConnection, path: Path, shape: CsvShape, flags: FlagReader, *, with_dates: bool
) -> tuple[StagedReport, int]:
    try:
        con.execute(
            f"""
            create or replace temp table staged as
            select
                {folded_upn_sql()} as upn,
                {is_concealed_sql()} as is_concealed,
                {quoted(REFRESH_DATE)} as refresh_text,
                {_dates(with_dates=with_dates)}
                {flags.packed_columns()},
                {flags.disagreement()} as is_contradictory,
                {flags.strange_cells()} as strange_cells
            from {read_csv_sql(shape)}
            """,
            {"path": str(path)},
        )
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        raise explain_csv_error(error) from None
    return _counted(con, "coalesce(sum(strange_cells), 0)")


def _counted(con: duckdb.DuckDBPyConnection, strange_cells: str = "0") -> tuple[StagedReport, int]:
    counted = con.execute(
        f"""
        select
            count(*), count(*) filter (where {ANY_USE}), count(*) filter (where upn is null),
            count(*) filter (where upn is not null and is_concealed),
            count(upn) - count(distinct hash(upn)) filter (where upn is not null),
            count(*) filter (where is_contradictory), {refresh_date_sql()}, {strange_cells}
        from staged
        """
    ).fetchone()
    assert counted is not None
    *counts, strange = counted
    report = StagedReport(*counts)
    # Numbers are told apart in half the time of names; only where two are the same, the names are looked at.
    if report.duplicate_rows:
        exact = con.execute("select count(upn) - count(distinct upn) from staged").fetchone()
        report = replace(report, duplicate_rows=exact[0] if exact else 0)
    return report, int(strange)


def _merge_duplicates(con: duckdb.DuckDBPyConnection, *, with_dates: bool) -> None:
    apps = ", ".join(f"bit_or({app}) as {app}" for app in APPS)
    dates = (
        "max(last_activation_date) as last_activation_date, max(last_activity_date) as last_activity_date,"
        if with_dates
        else ""
    )
    con.execute(
        f"""
        create or replace temp table staged as
        select upn, bool_or(is_concealed) as is_concealed, {dates} {apps}
        from staged where upn is not null group by upn
        union all by name
        select * from staged where upn is null
        """
    )
