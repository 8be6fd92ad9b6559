"""m365-usage query: SQL on the published copy."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli.console import PLAIN_WIDTH, has_edge, messages, results
from pipelines.cli.formats import Format, format_of, write_csv, write_json
from pipelines.cli.published import note_on_people, open_published, whole_file
from pipelines.settings import SettingsError, load_settings

NUMBERS = (int, float, Decimal)
# Up to so many rows a table that would have to be folded is printed upright, one line per column.
UPRIGHT_ROWS = 5
# A longer word, such as an id, may be broken where a table is too wide.
WORD = 24


def query(
    sql: Annotated[str | None, typer.Argument(help='For example: "from suite_usage_28d"')] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read the SQL from a file, such as those in queries/.")
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Default: by the name of --output, else a table.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write into this file.")] = None,
    shareable: Annotated[bool, typer.Option("--shareable", help="Ask the shareable copy, not the admin one.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Do not say what was written, nor that people are pseudonyms.")
    ] = False,
) -> None:
    """Run SQL on the published database and print the result, or write it to a file.

    Instants are UTC. In CSV, texts that begin like a formula get an apostrophe; JSON and Parquet have them as they are.
    """
    statement = _statement(sql, file)
    chosen = form or (format_of(output) if output else Format.TABLE)
    if chosen is None:
        raise SettingsError(f"Say with --format what {output} is to be: table, csv, json or parquet.")
    if chosen is Format.PARQUET and output is None:
        raise SettingsError("Parquet is not for the terminal: name a file with --output.")
    with open_published(load_settings(), shareable=shareable) as con:
        try:
            rows = _write(con, statement, chosen, output, shareable=shareable)
        except duckdb.Error as error:
            raise SettingsError(f"DuckDB says: {error}") from None
        note = None if quiet else note_on_people(con)
    if note:
        messages().print(note, style="dim", highlight=False, soft_wrap=True)
    if output and not quiet:
        messages().print(f"{output}: {rows:,} rows", markup=False, highlight=False, soft_wrap=True)


def _statement(sql: str | None, file: Path | None) -> str:
    if (sql is None) == (file is None):
        raise SettingsError('Give either SQL, such as "from suite_usage_28d", or a file of it with --file.')
    if sql is not None:
        return sql
    assert file is not None
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _write(con: duckdb.DuckDBPyConnection, sql: str, form: Format, output: Path | None, *, shareable: bool) -> int:
    """Run the statement and put its rows where they belong; returns how many."""
    with ExitStack() as stack:
        path = stack.enter_context(whole_file(output, shareable=shareable)) if output else None
        if form is Format.PARQUET:
            relation = con.sql(sql)
            if relation is None:
                raise SettingsError("This SQL has no rows as its result.")
            relation.write_parquet(str(path), compression="zstd")
            found = con.execute("select count(*) from read_parquet(?)", [str(path)]).fetchone()
            return int(found[0]) if found else 0
        result = con.execute(sql)
        target = stack.enter_context(path.open("w", encoding="utf-8", newline="")) if path else sys.stdout
        if form is Format.CSV:
            return write_csv(result, target)
        if form is Format.JSON:
            return write_json(result, target)
        rows = result.fetchall()
        console = Console(file=target, width=PLAIN_WIDTH) if path else results()
        print_table(console, [column[0] for column in result.description or []], rows)
        return len(rows)


def print_table(console: Console, columns: list[str], rows: list[tuple[object, ...]]) -> None:
    """Print rows, numbers to the right, NULL as such.

    Where there is no edge to stay inside of, a table is as wide as it needs to be. On a terminal its texts are folded
    between words; where not even that fits, rows are printed upright, one line per column.
    """
    cells = [["NULL" if value is None else _shown(value) for value in row] for row in rows]
    numeric = [
        all(row[index] is None or isinstance(row[index], NUMBERS) for row in rows) for index in range(len(columns))
    ]
    wide = [max(map(len, [name, *(row[index] for row in cells)])) for index, name in enumerate(columns)]
    narrow = [
        width if is_number else max(len(name), *(min(_longest_word(row[index]), WORD) for row in cells), 0)
        for index, (name, width, is_number) in enumerate(zip(columns, wide, numeric, strict=True))
    ]
    borders = 3 * len(columns) + 1
    if not has_edge(console):
        console.width = max(console.width, sum(wide) + borders)
    if sum(narrow) + borders > console.width or (sum(wide) + borders > console.width and len(rows) <= UPRIGHT_ROWS):
        _print_upright(console, columns, cells)
        return
    table = Table(header_style="bold")
    for column, width, is_number in zip(columns, narrow, numeric, strict=True):
        table.add_column(column, justify="right" if is_number else "left", overflow="fold", min_width=width)
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _print_upright(console: Console, columns: list[str], cells: list[list[str]]) -> None:
    for row in cells:
        table = Table(show_header=False)
        for column, cell in zip(columns, row, strict=True):
            table.add_row(Text(column, style="bold"), Text(cell))
        console.print(table)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)
