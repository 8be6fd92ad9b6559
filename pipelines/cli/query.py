"""m365-usage query: SQL on the published copy."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import duckdb
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli.console import results
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.warehouse.publish import DATABASE_NAME

NUMBERS = (int, float, Decimal)
# Up to so many rows a table that is too wide is printed upright, one line per column.
UPRIGHT_ROWS = 5


def query(
    sql: Annotated[str, typer.Argument(help='For example: "from suite_usage_28d"')],
    shareable: Annotated[bool, typer.Option("--shareable", help="Ask the shareable copy, not the admin one.")] = False,
) -> None:
    """Run SQL on the published database and print the result as a table."""
    with open_published(load_settings(), shareable=shareable) as con:
        try:
            result = con.execute(sql)
        except duckdb.Error as error:
            raise SettingsError(f"DuckDB says: {error}") from None
        print_table(results(), [column[0] for column in result.description], result.fetchall())


def open_published(settings: Settings, *, shareable: bool = False) -> duckdb.DuckDBPyConnection:
    """The published database, read-only; raises SettingsError when nothing is published yet."""
    path = settings.data_dir / ("published" if shareable else "published_admin") / DATABASE_NAME
    if not path.exists():
        raise SettingsError(f"Nothing is published below {settings.data_dir} yet: run m365-usage sync (or demo) first.")
    return duckdb.connect(str(path.resolve()), read_only=True)


def print_table(console: Console, columns: list[str], rows: list[tuple[object, ...]]) -> None:
    """Print rows, numbers to the right, NULL as such; a few rows too wide for the terminal are printed upright."""
    cells = [["NULL" if value is None else _shown(value) for value in row] for row in rows]
    widths = [max(map(len, [name, *(row[index] for row in cells)])) for index, name in enumerate(columns)]
    if sum(widths) + 3 * len(columns) + 1 > console.width and len(rows) <= UPRIGHT_ROWS:
        _print_upright(console, columns, cells)
        return
    table = Table(header_style="bold")
    for index, column in enumerate(columns):
        is_number = all(row[index] is None or isinstance(row[index], NUMBERS) for row in rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


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
