"""The usage reports as CSV: from Graph for a day or a period, or from the admin centre's usage page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from pipelines.imports.dates import dates_in_name, fitting_styles, timestamp_sql
from pipelines.imports.errors import RefusedFileError
from pipelines.imports.items import USER_COUNTS, USER_DETAIL, ImportItem, ImportOptions, modified_on
from pipelines.imports.tables import CsvTable, column_key
from pipelines.warehouse.report_csv import (
    APP_FLAGS,
    APP_PLATFORM_FLAGS,
    LAST_ACTIVATION,
    LAST_ACTIVITY,
    REFRESH_DATE,
    UPN,
)

REPORT_PERIOD = "Report Period"
REPORT_DATE = "Report Date"
PERIODS = (7, 30, 90, 180)
# Without these it is not the report; both portals and Graph write them.
DETAIL_COLUMNS = (REFRESH_DATE, UPN, *APP_FLAGS, *APP_PLATFORM_FLAGS)
PERIOD_COLUMNS = (LAST_ACTIVATION, LAST_ACTIVITY)
COUNT_COLUMNS = (REFRESH_DATE, REPORT_DATE, *APP_FLAGS)
_KNOWN = (*DETAIL_COLUMNS, *PERIOD_COLUMNS, REPORT_PERIOD, REPORT_DATE)
_DATES = (REFRESH_DATE, LAST_ACTIVATION, LAST_ACTIVITY, REPORT_DATE)
# Name for comparison -> Graph's name.
_BY_KEY = {column_key(name): name for name in _KNOWN} | {"username": UPN, "upn": UPN}
# So many of a report's flags make it that report, even if others are missing.
_ENOUGH_FLAGS = 6


@dataclass(frozen=True)
class ReportTable:
    """A report file: which report it is, and where Graph's columns are in it (name -> position)."""

    table: CsvTable
    source: str
    positions: dict[str, int]

    @property
    def path(self) -> Path:
        """The file given."""
        return self.table.file.original


@dataclass(frozen=True)
class ReportFacts:
    """What the cells of a report say of it.

    periods: the different report periods in days, without empty cells. refresh_date: the newest one.
    """

    rows: int
    periods: tuple[int, ...]
    refresh_date: date | None
    date_styles: tuple[str, ...]


def recognise_report(table: CsvTable) -> ReportTable | None:
    """The report that a CSV file is; None when it is neither of ours. Raises RefusedFileError when it lacks columns."""
    named = [_BY_KEY.get(key) for key in table.keys]
    counted = Counter(name for name in named if name)
    positions = {name: named.index(name) for name in counted}
    if UPN in positions and len(counted.keys() & set(APP_PLATFORM_FLAGS)) >= _ENOUGH_FLAGS:
        source, needed = USER_DETAIL, DETAIL_COLUMNS
    elif UPN not in positions and REPORT_DATE in positions and counted.keys() & set(APP_FLAGS):
        source, needed = USER_COUNTS, COUNT_COLUMNS
    else:
        return None
    doubled = [name for name, count in counted.items() if count > 1]
    if doubled:
        raise RefusedFileError(table.file.original, f"has columns twice: {', '.join(doubled)}.")
    missing = [name for name in needed if name not in positions]
    if missing:
        more = ", …" if len(missing) > 5 else ""
        raise RefusedFileError(
            table.file.original, f"is {source}, but lacks {len(missing)} columns: {', '.join(missing[:5])}{more}."
        )
    return ReportTable(table, source, positions)


def read_facts(con: duckdb.DuckDBPyConnection, report: ReportTable) -> ReportFacts:
    """Read the report once into the table ``report_rows``, and look at its period and dates."""
    table, positions = report.table, report.positions
    rows = table.load(con, "report_rows")
    if not table.file.ends_with_line_end and table.file.ends_with(table.delimiter):
        raise RefusedFileError(report.path, "breaks off in its last line; export it again.")
    cells = {name: table.cell(index) for name, index in positions.items()}
    styles = fitting_styles(con, "report_rows", [cells[name] for name in _DATES if name in cells])
    if not styles:
        raise RefusedFileError(report.path, "has dates in no form that is known; export it again as CSV.")
    if "iso" not in styles and len(styles) > 1:
        raise RefusedFileError(
            report.path, "has dates that can be read as month/day or day/month; export it again instead of saving it "
            "from a spreadsheet."
        )  # fmt: skip
    period = f"regexp_extract({cells[REPORT_PERIOD]}, '\\d+')" if REPORT_PERIOD in cells else "null"
    found = con.execute(
        f"""
        select
            list(distinct try_cast({period} as integer)) filter (where {period} <> ''),
            cast(max({timestamp_sql(cells[REFRESH_DATE], styles[0])}) as date)
        from report_rows
        """
    ).fetchone()
    assert found is not None
    return ReportFacts(rows, tuple(sorted(found[0] or ())), found[1], tuple(styles))


def day_or_period(path: Path, facts: ReportFacts, options: ImportOptions) -> date | str:
    """The report date, or the period (D7, D30, D90, D180) of a snapshot; one is never taken for the other.

    Raises RefusedFileError when the file and the options do not tell, or contradict each other.
    """
    named = dates_in_name(path.name)
    if len(facts.periods) > 1:
        raise RefusedFileError(path, f"holds several report periods: {', '.join(map(str, facts.periods))}.")
    period = facts.periods[0] if facts.periods and facts.periods[0] in PERIODS else None
    day = options.day or (named[0] if len(named) == 1 else None)
    if period is not None and not options.as_day:
        if options.day is not None:
            raise RefusedFileError(
                path,
                f"is a summary of {period} days by its Report Period, not the report of one day; import it without "
                "--date, or with --as-day if you asked Microsoft for that one day.",
            )
        # A file named after a day on which its data had not come yet was named after its download.
        if day is not None and facts.refresh_date is not None and day <= facts.refresh_date:
            raise RefusedFileError(
                path,
                f"has {day} in its name, but is a summary of {period} days by its Report Period; import it with "
                "--as-day if you asked Microsoft for that one day, else take the date out of its name.",
            )
        return f"D{period}"
    if day is None:
        why = "several dates stand in its name" if named else "neither its name nor its contents say so"
        raise RefusedFileError(path, f"is the report of one day, but of which? ({why}) Say so with --date YYYY-MM-DD.")
    if day >= options.today:
        raise RefusedFileError(path, f"cannot be the report of {day}: that day is not over yet.")
    if facts.refresh_date is not None and facts.refresh_date < day and not options.as_day:
        raise RefusedFileError(
            path,
            f"cannot be the report of {day}: by its Report Refresh Date its data end on {facts.refresh_date}. If you "
            "are sure, say so with --as-day.",
        )
    return day


def prepare_report(
    con: duckdb.DuckDBPyConnection, report: ReportTable, target: Path, options: ImportOptions
) -> ImportItem:
    """The report as a thing to land; its body is the very file where loading can read that. Raises RefusedFileError."""
    facts = read_facts(con, report)
    path = report.path
    report_date: date | None = None
    period: str | None = None
    needed: tuple[str, ...]
    if report.source == USER_COUNTS:
        what, needed = "Microsoft's own counts per app and day", COUNT_COLUMNS
        period = f"D{facts.periods[0]}" if len(facts.periods) == 1 else None
        as_of = options.day or _taken_on(path, facts.refresh_date, options)
    else:
        needed = DETAIL_COLUMNS
        answer = day_or_period(path, facts, options)
        if isinstance(answer, date):
            what, report_date = "use per person of one day", answer
        else:
            what, period, needed = f"use per person, summary of {answer[1:]} days", answer, needed + PERIOD_COLUMNS
            missing = [name for name in PERIOD_COLUMNS if name not in report.positions]
            if missing:
                raise RefusedFileError(path, f"is a summary of {answer[1:]} days, but lacks {', '.join(missing)}.")
        as_of = _taken_on(path, report_date or facts.refresh_date, options)
    return ImportItem(
        files=(path,),
        rows=(facts.rows,),
        source=report.source,
        what=what,
        body=_body(con, report, facts, needed, target),
        kind="csv",
        as_of=as_of,
        report_date=report_date,
        report_period=period,
    )


def _taken_on(path: Path, at_least: date | None, options: ImportOptions) -> date:
    """The day on which Microsoft gave the report: when the file was written, as far as that can be."""
    day = modified_on(path, options.today)
    return day if day is not None and (at_least is None or day >= at_least) else options.today


def _body(
    con: duckdb.DuckDBPyConnection, report: ReportTable, facts: ReportFacts, needed: tuple[str, ...], target: Path
) -> Path:
    """The file itself if loading can read it as it is; else the same rows under Graph's column names."""
    table = report.table
    if (
        table.file.is_plain
        and table.delimiter == ","
        and not table.skipped_lines
        and "iso" in facts.date_styles
        and all(name in table.columns for name in needed)
        and len({name.casefold() for name in table.columns}) == len(table.columns)
    ):
        return table.file.original
    graph_names = {position: name for name, position in report.positions.items()}
    taken = {name.casefold() for name in report.positions}
    columns = []
    for index, written in enumerate(table.columns):
        name = graph_names.get(index) or _free_name(written, taken)
        cell = table.cell(index)
        if name in _DATES:
            cell = f"strftime({timestamp_sql(cell, facts.date_styles[0])}, '%Y-%m-%d')"
        columns.append(f'{cell} as "{name}"')
    escaped = str(target).replace("'", "''")
    con.execute(
        f"copy (select {', '.join(columns)} from report_rows) to '{escaped}' "
        "(format csv, header true, delimiter ',', quote '\"', escape '\"')"
    )
    return target


def _free_name(written: str, taken: set[str]) -> str:
    """The name of an extra column, made different from all others."""
    base = written.replace('"', "'") or "column"
    name, number = base, 2
    while name.casefold() in taken:
        name, number = f"{base} ({number})", number + 1
    taken.add(name.casefold())
    return name
