"""m365-usage query: SQL on the published copy."""

from __future__ import annotations

from typing import Annotated

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.warehouse.publish import DATABASE_NAME


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
        print_table(Console(), [column[0] for column in result.description], result.fetchall())


def open_published(settings: Settings, *, shareable: bool = False) -> duckdb.DuckDBPyConnection:
    """The published database, read-only; raises SettingsError when nothing is published yet."""
    path = settings.data_dir / ("published" if shareable else "published_admin") / DATABASE_NAME
    if not path.exists():
        raise SettingsError(f"Nothing is published below {settings.data_dir} yet: run m365-usage sync (or demo) first.")
    return duckdb.connect(str(path.resolve()), read_only=True)


def print_table(console: Console, columns: list[str], rows: list[tuple[object, ...]]) -> None:
    """Print rows, numbers to the right; NULL is shown as such."""
    table = Table(header_style="bold")
    numeric = {
        index
        for index in range(len(columns))
        if rows and all(isinstance(row[index], int | float) or row[index] is None for row in rows)
    }
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("NULL" if value is None else _shown(value) for value in row))
    console.print(table)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
