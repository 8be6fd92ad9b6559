"""Writing the workbook from a published database, one query and one sheet after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from pipelines.publish.workbook.cells import FORMATS, MAX_WIDTH, cells, height_of, width_of
from pipelines.publish.workbook.charts import LAID_OUT_BY, add_charts
from pipelines.publish.workbook.model import MAX_ROWS, Placed, Sheet
from pipelines.publish.workbook.parts import Part, parts_of
from pipelines.publish.workbook.readme import write_readme
from pipelines.publish.workbook.sheets import ADMIN_SHEETS, SHEETS
from pipelines.publish.workbook.streamed import MANY_ROWS, StreamedSheet
from pipelines.warehouse.connection import connect

# Title, sentence, a line for what is missing: the header of each table is the row after.
_HEADER_ROW = 3
_TABLES = """
    select table_name from duckdb_tables() where schema_name = 'main'
    union all
    select view_name from duckdb_views() where schema_name = 'main' and not internal
"""


def write_workbook(
    database: Path,
    path: Path,
    facts: Mapping[str, str],
    *,
    max_rows: int = MAX_ROWS,
    many_rows: int = MANY_ROWS,
) -> dict[str, int]:
    """Write the workbook of one build beside its published database; returns the rows of each table.

    facts: publish_id, data_through, published_on and build, as in ``publish_info``. max_rows: how many rows a
    sheet takes; a table with more is split by year. many_rows: with more than so many, rows go to disk as they are
    read. A path that fails half-way is no workbook: callers write into an unfinished release.
    """
    # XlsxWriter puts parts of the workbook on disk, and they name people: not into the folder of everybody's.
    with TemporaryDirectory(dir=path.parent) as parts, connect(database, read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        tables = frozenset(str(name) for (name,) in con.execute(_TABLES).fetchall())
        sheets = [sheet for sheet in SHEETS if facts.get("build") == "admin" or sheet.name not in ADMIN_SHEETS]
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with Workbook(str(path), {**plain, "tmpdir": parts}) as book:
            book.set_properties({"title": "Microsoft 365 usage and licences"})
            for name, value in facts.items():
                book.set_custom_property(name, value, "text")
            front = book.add_worksheet("Read me")
            placed = _Writer(book, con, tables, max_rows, many_rows).write_all(sheets)
            write_readme(book, front, con, facts, sheets, tables)
            add_charts(book, placed)
    return {table: found.last_row - found.first_row + 1 for table, found in placed.items()}


class _Writer:
    """Sheets with native tables, in one workbook."""

    def __init__(
        self, book: Workbook, con: duckdb.DuckDBPyConnection, tables: frozenset[str], max_rows: int, many_rows: int
    ) -> None:
        self._book = book
        self._con = con
        self._tables = tables
        self._most = max_rows - _HEADER_ROW - 1
        self._many = many_rows
        self._formats = {kind: book.add_format({"num_format": code, "valign": "top"}) for kind, code in FORMATS.items()}
        # Beside a number, which stands at the right.
        self._formats["text beside"] = book.add_format({"align": "left", "indent": 1, "valign": "top"})
        self._formats["long text"] = book.add_format({"text_wrap": True, "valign": "top"})
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
            for part in parts_of(self._con, sheet, self._most):
                found = self._write_table(sheet, part)
                if found:
                    placed[f"{sheet.table}{part.suffix}"] = found
        return placed

    def _begin(self, sheet: Sheet, name: str, note: str, *, rows: int = 0) -> Worksheet:
        kind = StreamedSheet if rows > self._many else None
        page = self._book.add_worksheet(name, worksheet_class=kind)
        page.write_string(0, 0, sheet.title, self._title)
        page.write_string(1, 0, sheet.about, self._quiet)
        if note:
            page.write_string(2, 0, note, self._header)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        return page

    def _write_table(self, sheet: Sheet, part: Part) -> Placed | None:
        name = sheet.name + part.suffix.replace("_", " ")
        page = self._begin(sheet, name, part.note if part.rows else sheet.empty, rows=part.rows)
        if not part.rows:
            return None
        first, last = _HEADER_ROW + 1, _HEADER_ROW + part.rows
        page.add_table(
            _HEADER_ROW, 0, last, len(part.columns) - 1,
            {
                "name": f"{sheet.table}{part.suffix}",
                "style": "Table Style Light 9",
                "columns": [{"header": name} for name in part.columns],
                "title": sheet.title,
                "description": sheet.about,
            },
        )  # fmt: skip
        looks: list[Format] = []
        known: dict[str, list[object]] = {name: [] for name in part.columns if name in LAID_OUT_BY}
        row = first
        for frame in part.frames(self._con):
            columns = {name: cells(frame[name], kind) for name, kind in part.columns.items()}
            if row == first:
                # Of a long table the beginning has to do.
                looks = self._lay_out(page, sheet, part, columns, (first, last))
            for name, seen in known.items():
                seen += columns[name]
            self._write_rows(page, row, columns, part, looks)
            row += len(frame)
        page.freeze_panes(first, sheet.named_by)
        page.repeat_rows(_HEADER_ROW)
        return Placed(page.get_name(), first, last, list(part.columns), known)

    def _lay_out(
        self, page: Worksheet, sheet: Sheet, part: Part, columns: dict[str, list[object]], rows: tuple[int, int]
    ) -> list[Format]:
        """Set the width of each column; returns how its cells look."""
        looks = []
        before = "text"
        for index, (name, kind) in enumerate(part.columns.items()):
            width = width_of(name, columns[name], kind)
            look = "text beside" if kind == "text" != before else kind
            if kind == "text" and width == MAX_WIDTH:
                look = "long text"
            before = kind
            looks.append(self._formats[look])
            page.set_column(index, index, width, looks[-1])
            if name == sheet.shaded:
                bar = {"type": "data_bar", "bar_solid": True, "bar_color": "#9DC3E6", "min_type": "num", "min_value": 0}
                page.conditional_format(rows[0], index, rows[1], index, {**bar, "max_type": "num", "max_value": 1})
        return looks

    def _write_rows(
        self, page: Worksheet, first: int, columns: dict[str, list[object]], part: Part, looks: list[Format]
    ) -> None:
        """Row by row, as a sheet on disk takes no other order."""
        writers = {"text": page.write_string, "flag": page.write_boolean}
        writers |= dict.fromkeys(("date", "instant"), page.write_datetime)
        how = [
            (writers.get(kind, page.write_number), look)
            for kind, look in zip(part.columns.values(), looks, strict=True)
        ]
        wrapped = [index for index, look in enumerate(looks) if look is self._formats["long text"]]
        for row, values in enumerate(zip(*columns.values(), strict=True), start=first):
            if height := height_of((values[index] for index in wrapped), MAX_WIDTH):
                page.set_row(row, height)
            for index, (value, (write, look)) in enumerate(zip(values, how, strict=True)):
                if value is not None:
                    write(row, index, value, look)
