"""CSV files as tables: which columns they have, and a DuckDB query that reads every cell as text."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass

import duckdb

from pipelines.imports.errors import RefusedFileError
from pipelines.imports.text import TextFile
from pipelines.warehouse.errors import RefusedBodyError
from pipelines.warehouse.report_csv import explain_csv_error

DELIMITERS = (",", ";", "\t")
# What Excel writes to tell itself the delimiter.
_DELIMITER_HINT = re.compile(r"^sep=(.)\n", re.IGNORECASE)


def column_key(name: str) -> str:
    """A column name for comparison: letters and digits only, in lower case, without a trailing ``(UTC)``."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    folded = re.sub(r"\(utc\)\s*$", "", folded)
    return "".join(character for character in folded if character.isalnum())


@dataclass(frozen=True)
class CsvTable:
    """A CSV file with a header: its columns as written (white space normalised), in file order.

    head_delimiters: how many delimiters stand before the first row, those inside names included.
    """

    file: TextFile
    delimiter: str
    columns: tuple[str, ...]
    head_delimiters: int
    skipped_lines: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns' names for comparison, in file order."""
        return tuple(column_key(name) for name in self.columns)

    def cell(self, index: int) -> str:
        """SQL that names the column at a position; the file's own names never become SQL."""
        return f"c{index}"

    def sql(self) -> str:
        """A ``read_csv`` call over ``$path``: columns c0, c1, …, all of them text; strict about ragged rows."""
        columns = ", ".join(f"{self.cell(index)}: 'VARCHAR'" for index in range(len(self.columns)))
        delimiter = "\\t" if self.delimiter == "\t" else self.delimiter
        return (
            f"read_csv($path, header = true, auto_detect = false, delim = '{delimiter}', quote = '\"', escape = '\"', "
            f"new_line = '\\n', skip = {self.skipped_lines}, columns = {{{columns}}})"
        )

    @property
    def parameters(self) -> dict[str, object]:
        """What ``sql`` is bound to."""
        return {"path": str(self.file.text)}

    def load(self, con: duckdb.DuckDBPyConnection, name: str) -> int:
        """Read the file into a temporary table; returns its row count. Raises RefusedFileError."""
        try:
            con.execute(f"create or replace temp table {name} as select * from {self.sql()}", self.parameters)
        except (duckdb.InvalidInputException, duckdb.IOException) as error:
            raise self.refusal(error) from None
        cells = [self.cell(index) for index in range(len(self.columns))]
        inside = " + ".join(
            f"coalesce(sum(length({cell}) - length(replace({cell}, $delimiter, ''))), 0)" for cell in cells
        )
        counted = con.execute(f"select count(*), {inside} from {name}", {"delimiter": self.delimiter}).fetchone()
        assert counted is not None
        rows, in_cells = int(counted[0]), int(counted[1])
        # DuckDB lets a row have an empty cell too many: then its other cells may all stand one column too far.
        if self.file.count(self.delimiter) != self.head_delimiters + rows * (len(self.columns) - 1) + in_cells:
            raise RefusedFileError(
                self.file.original, "has rows with more cells than there are columns; a cell with a delimiter in it "
                "must stand in quotes."
            )  # fmt: skip
        return rows

    def refusal(self, error: duckdb.Error) -> RefusedFileError:
        """DuckDB quotes the offending line, which may name a person: keep only where it went wrong."""
        try:
            reason: RefusedBodyError | duckdb.Error = explain_csv_error(error)
        except duckdb.IOException:
            return RefusedFileError(self.file.original, "cannot be read as CSV.")
        return RefusedFileError(self.file.original, str(reason).replace("The report", "it").rstrip(".") + ".")


def read_table(file: TextFile) -> CsvTable | None:
    """The file as a CSV table; None when it has no header line of at least two columns."""
    head = file.head()
    hint = _DELIMITER_HINT.match(head)
    body = head[hint.end() :] if hint else head
    headers = {delimiter: _header(body, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: len(headers[delimiter]))
    cells = headers[best]
    if len(cells) < 2:
        return None
    inside = sum(cell.count(best) for cell in cells)
    hinted = hint.group(0).count(best) if hint else 0
    columns = tuple(" ".join(cell.split()) for cell in cells)
    return CsvTable(file, best, columns, len(cells) - 1 + inside + hinted, skipped_lines=1 if hint else 0)


def _header(text: str, delimiter: str) -> list[str]:
    try:
        return next((row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row), [])
    except csv.Error:
        return []
