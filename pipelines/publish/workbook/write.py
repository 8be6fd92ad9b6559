"""Writing the workbook from a published database, one query and one sheet after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from pipelines.publish.workbook.cells import FORMATS, cells, kind_of, width_of
from pipelines.publish.workbook.charts import LAID_OUT_BY, add_charts
from pipelines.publish.workbook.model import MAX_ROWS, Placed, Sheet
from pipelines.publish.workbook.readme import write_readme
from pipelines.publish.workbook.sheets import ADMIN_SHEETS, SHEETS

# Title, sentence, a line for what is missing: the header of each table is the row after.
_HEADER_ROW = 3
_TABLES = """
    select table_name from duckdb_tables() where schema_name = 'main'
    union all
    select view_name from duckdb_views() where schema_name = 'main' and not internal
"""


def write_workbook(database: Path, path: Path, facts: Mapping[str, str], *, max_rows: int = MAX_ROWS) -> dict[str, int]:
    """Write the workbook of one build beside its published database; returns the rows of each table.

    facts: publish_id, data_through, published_on and build, as in ``publish_info``. max_rows: how many rows a
    sheet takes; a table with more is split by year. A path that fails half-way is no workbook: callers write into
    an unfinished release.
    """
    # XlsxWriter puts parts of the workbook on disk, and they name people: not into the folder of everybody's.
    with TemporaryDirectory(dir=path.parent) as parts, duckdb.connect(str(database), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        tables = frozenset(str(name) for (name,) in con.execute(_TABLES).fetchall())
        sheets = [sheet for sheet in SHEETS if facts.get("build") == "admin" or sheet.name not in ADMIN_SHEETS]
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with Workbook(str(path), {**plain, "tmpdir": parts}) as book:
            book.set_properties({"title": "Microsoft 365 usage and licences"})
            for name, value in facts.items():
                book.set_custom_property(name, value, "text")
            front = book.add_worksheet("Read me")
            placed = _Writer(book, con, tables, max_rows).write_all(sheets)
            write_readme(book, front, con, facts, sheets, tables)
            add_charts(book, placed)
    return {table: found.last_row - found.first_row + 1 for table, found in placed.items()}


def _without_zones(result: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Instants as UTC: Excel knows no time zones, and the Read me sheet says so."""
    columns = zip(result.columns, result.types, strict=True)
    return result.project(
        ", ".join(
            f'"{name}" at time zone \'UTC\' as "{name}"' if "TIME ZONE" in str(kind) else f'"{name}"'
            for name, kind in columns
        )
    )


class _Writer:
    """Sheets with native tables, in one workbook."""

    def __init__(self, book: Workbook, con: duckdb.DuckDBPyConnection, tables: frozenset[str], max_rows: int) -> None:
        self._book = book
        self._con = con
        self._tables = tables
        self._most = max_rows - _HEADER_ROW - 1
        self._formats = {kind: book.add_format({"num_format": code}) for kind, code in FORMATS.items()}
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._quiet = book.add_format({"font_color": "#595959"})
        self._header = book.add_format({"bold": True})

    def write_all(self, sheets: list[Sheet]) -> dict[str, Placed]:
        """All sheets in order; where each table came to stand, by its name."""
        placed = {}
        for sheet in sheets:
            missing = [table for table in sheet.needs if table not in self._tables]
            if missing:
                self._begin(sheet, sheet.name, f"This release does not have {', '.join(missing)}.")
                continue
            result = self._con.sql(sheet.sql)
            kinds = [kind_of(name, str(kind)) for name, kind in zip(result.columns, result.types, strict=True)]
            for part, frame, note in self._parts(sheet, _without_zones(result).df()):
                found = self._write_table(sheet, part, frame, kinds, note)
                if found:
                    placed[f"{sheet.table}{part}"] = found
        return placed

    def _parts(self, sheet: Sheet, frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, str]]:
        """The frame as it fits on sheets: whole, by year, or cut; with what to add to names and what to say."""
        if len(frame) <= self._most:
            yield "", frame, ""
        elif sheet.year_of:
            years = pd.to_datetime(frame[sheet.year_of]).dt.year
            for year in sorted(years.unique()):
                yield from self._cut(f"_{year}", frame[years == year], f"{year} only: Excel has room for no more.")
        else:
            yield from self._cut("", frame, "")

    def _cut(self, part: str, frame: pd.DataFrame, note: str) -> Iterator[tuple[str, pd.DataFrame, str]]:
        if len(frame) > self._most:
            note = f"{note} The first {self._most:,} of {len(frame):,} rows; the Parquet files have all.".strip()
        yield part, frame.head(self._most), note

    def _begin(self, sheet: Sheet, name: str, note: str) -> Worksheet:
        page = self._book.add_worksheet(name)
        page.write_string(0, 0, sheet.title, self._title)
        page.write_string(1, 0, sheet.about, self._quiet)
        if note:
            page.write_string(2, 0, note, self._header)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        return page

    def _write_table(self, sheet: Sheet, part: str, frame: pd.DataFrame, kinds: list[str], note: str) -> Placed | None:
        page = self._begin(sheet, sheet.name + part.replace("_", " "), note if len(frame) else sheet.empty)
        if frame.empty:
            return None
        first, last = _HEADER_ROW + 1, _HEADER_ROW + len(frame)
        known = {}
        for index, (name, kind) in enumerate(zip(frame.columns, kinds, strict=True)):
            column = cells(frame[name], kind)
            if name in LAID_OUT_BY:
                known[str(name)] = column
            self._write_column(page, first, index, column, kind)
            page.set_column(index, index, width_of(str(name), column, kind), self._formats[kind])
            if name == sheet.shaded:
                bar = {"type": "data_bar", "bar_solid": True, "bar_color": "#9DC3E6", "min_type": "num", "min_value": 0}
                page.conditional_format(first, index, last, index, {**bar, "max_type": "num", "max_value": 1})
        page.add_table(
            _HEADER_ROW, 0, last, len(kinds) - 1,
            {
                "name": f"{sheet.table}{part}",
                "style": "Table Style Light 9",
                "columns": [{"header": str(name)} for name in frame.columns],
                "title": sheet.title,
                "description": sheet.about,
            },
        )  # fmt: skip
        page.freeze_panes(first, 0)
        page.repeat_rows(_HEADER_ROW)
        return Placed(page.get_name(), first, last, [str(name) for name in frame.columns], known)

    def _write_column(self, page: Worksheet, first: int, index: int, column: list[object], kind: str) -> None:
        writer = {"text": page.write_string, "flag": page.write_boolean}.get(kind, page.write_number)
        if kind in ("date", "instant"):
            writer = page.write_datetime
        shown: Format = self._formats[kind]
        for offset, value in enumerate(column):
            if value is not None:
                writer(first + offset, index, value, shown)
