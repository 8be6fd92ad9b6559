"""Reading Microsoft's report CSVs with DuckDB's own reader, by column *name*.

``read_csv(columns=…)`` binds by position whatever the header says, so the header line is read first and the
columns are listed in its order. Extra columns and any order are accepted; a missing or doubled name, an HTML
page, a cut file, a ragged row or a strange cell is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import zstandard

from pipelines.warehouse.bits import APP_BIT, APPS, PLATFORM_BITS, PLATFORMS
from pipelines.warehouse.errors import RefusedBodyError

UPN = "User Principal Name"
REFRESH_DATE = "Report Refresh Date"
LAST_ACTIVATION = "Last Activation Date"
LAST_ACTIVITY = "Last Activity Date"
APP_FLAGS = tuple(APPS.values())
APP_PLATFORM_FLAGS = tuple(f"{app} ({platform})" for platform in PLATFORMS.values() for app in APPS.values())
_HEADER_BYTES = 65536
_DAMAGED = "The landed file is damaged."


@dataclass(frozen=True)
class CsvShape:
    """The header of one report file: column names in file order, the line end, and the bytes of the header line."""

    columns: tuple[str, ...]
    line_end: str
    header_bytes: int


def read_shape(path: Path, required: Iterable[str]) -> CsvShape:
    """Read the header line of a landed (zstd-compressed) CSV and check that the required columns are there.

    White space in names is normalised. Raises RefusedBodyError.
    """
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            head = stream.read(_HEADER_BYTES)
    except zstandard.ZstdError:
        raise RefusedBodyError(_DAMAGED) from None
    text = head.decode("utf-8-sig", "replace")
    if not text.strip():
        raise RefusedBodyError("The report is empty, without even a header line.")
    if text.lstrip()[:1] in "<{[":
        kind = "an HTML page" if text.lstrip().startswith("<") else "JSON"
        raise RefusedBodyError(f"The answer is {kind}, not a CSV report.")
    end = text.find("\n")
    if end < 0:
        raise RefusedBodyError("The report breaks off inside its header line.")
    header = text[: end + 1]
    line_end = "\r\n" if header.endswith("\r\n") else "\n"
    columns = _column_names(header.strip("\r\n"))
    missing = [name for name in required if name not in columns]
    if missing:
        raise RefusedBodyError(
            f"The report lacks {len(missing)} of its columns: {', '.join(missing[:5])}"
            f"{', …' if len(missing) > 5 else ''}."
        )
    counted = Counter(name.casefold() for name in columns)
    doubled = sorted(name for name in set(columns) if counted[name.casefold()] > 1)
    if doubled:
        raise RefusedBodyError(f"The report has columns twice: {', '.join(doubled)}.")
    return CsvShape(columns, line_end, head.index(b"\n") + 1)


def _column_names(header: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader(io.StringIO(header)), [])
    except csv.Error:
        raise RefusedBodyError("The header line of the report cannot be read as CSV.") from None
    # A column without a name is an extra one.
    return tuple(" ".join(cell.split()) or f"column {number}" for number, cell in enumerate(cells, start=1))


def read_csv_sql(shape: CsvShape, booleans: Collection[str] = (), *, with_filename: bool = False) -> str:
    """A ``read_csv`` call over ``$path`` that reads every column as text, in the file's own order.

    Flags are text, too, so that a cell which is neither yes nor no is seen rather than guessed at. booleans: columns
    that DuckDB may guess at, as the caller sees to it. with_filename: say of each row, in ``filename``, whence it is.
    """
    columns = ", ".join(f"{_literal(name)}: '{'BOOLEAN' if name in booleans else 'VARCHAR'}'" for name in shape.columns)
    line_end = "'\\r\\n'" if shape.line_end == "\r\n" else "'\\n'"
    return (
        f"read_csv($path, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        f"new_line = {line_end}, {'filename = true, ' if with_filename else ''}columns = {{{columns}}})"
    )


@dataclass(frozen=True)
class FlagReader:
    """How flag cells are read.

    exact: only Yes, No and empty are known, by plain comparison: what Microsoft sends. tolerant: True and
    False too, in any case; dearer, so only for files in which the exact reader found other cells.
    """

    is_tolerant: bool

    def is_yes(self, column: str) -> str:
        """SQL that is true where the flag is set, else false, never NULL."""
        name = quoted(column)
        if self.is_tolerant:
            return f"coalesce(lower(trim({name})) in ('yes', 'true'), false)"
        return f"coalesce({name} = 'Yes', false)"

    def packed_columns(self) -> str:
        """The six packed app columns of one report row; see bits.py for the meaning of the value."""
        return ",\n".join(
            f"cast(case when {self.is_yes(flag)} then {APP_BIT} + "
            + " + ".join(
                f"case when {self.is_yes(f'{flag} ({platform_flag})')} then {PLATFORM_BITS[platform]} else 0 end"
                for platform, platform_flag in PLATFORMS.items()
            )
            + f" else 0 end as tinyint) as {app}"
            for app, flag in APPS.items()
        )

    def disagreement(self) -> str:
        """True where some app's own flag says otherwise than its four platform flags together."""
        return " or ".join(
            f"{self.is_yes(flag)} <> ({' or '.join(self.is_yes(f'{flag} ({p})') for p in PLATFORMS.values())})"
            for flag in APP_FLAGS
        )

    def strange_cells(self) -> str:
        """How many flag cells of the row this reader does not know."""
        known = (
            "lower(trim({0})) in ('yes', 'no', 'true', 'false', '')"
            if self.is_tolerant
            else "{0} = 'No' or {0} = 'Yes'"
        )
        return " + ".join(
            f"case when {known.format(quoted(flag))} or {quoted(flag)} is null then 0 else 1 end"
            for flag in (*APP_FLAGS, *APP_PLATFORM_FLAGS)
        )


def date_sql(column: str) -> str:
    """A date cell: ``YYYY-MM-DD``, with or without a time behind it; empty is NULL."""
    return f"try_cast(left({quoted(column)}, 10) as date)"


def explain_csv_error(error: duckdb.Error) -> RefusedBodyError:
    """DuckDB quotes the offending line, which names a person: keep only where it went wrong.

    Raises what it was given when that has nothing to do with the file.
    """
    if isinstance(error, duckdb.IOException):
        return explain_damage(error)
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f" at line {line.group(1)}" if line else ""
    reason = re.search(r"(Expected Number of Columns: \d+ Found: \d+)", text)
    what = f": {reason.group(1).lower()}" if reason else ""
    return RefusedBodyError(f"The report cannot be read as CSV{where}{what}.")


def explain_damage(error: duckdb.IOException) -> RefusedBodyError:
    """A landed file that cannot be unpacked; raises what it was given when that is trouble of the machine."""
    # Behind the first line DuckDB repeats the statement.
    reason = str(error).partition("\n")[0].lower()
    if not any(word in reason for word in ("corruption", "frame descriptor", "checksum")):
        raise error
    return RefusedBodyError(_DAMAGED)


def quoted(name: str) -> str:
    """A column name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
