"""m365-usage export: the published files, copied to where somebody wants them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.progress import track

from pipelines.cli.console import messages
from pipelines.cli.published import published_file, published_folder, whole_file
from pipelines.publish.neutral import FORMULA
from pipelines.publish.parquet import PARQUET_FOLDER, table_files
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.settings import SettingsError, load_settings
from pipelines.warehouse.connection import connect


class ExportFormat(str, Enum):
    """What is written."""

    XLSX = "xlsx"
    PARQUET = "parquet"
    CSV = "csv"


def export(
    form: Annotated[
        ExportFormat, typer.Option("--format", help="xlsx: one workbook; parquet, csv: one file per table.")
    ] = ExportFormat.XLSX,
    to: Annotated[Path, typer.Option("--to", help="The folder to write into; made when it is missing.")] = Path(),
    shareable: Annotated[bool, typer.Option("--shareable", help="The shareable copy: aggregates only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not say what was written.")] = False,
) -> None:
    """Copy the newest figures into a folder: the Excel workbook, or every table as Parquet or CSV.

    Files of the same names there are replaced. Without --shareable they name people and are readable by you only.
    """
    settings = load_settings()
    # One release for all files, whatever is published meanwhile.
    release = published_folder(settings, shareable=shareable).resolve()
    tables = published_file(release, PARQUET_FOLDER)
    if form is ExportFormat.XLSX:
        copies = {to / WORKBOOK_NAME: [published_file(release, WORKBOOK_NAME)]}
    elif form is ExportFormat.PARQUET:
        files = [path for paths in table_files(tables).values() for path in paths]
        copies = {to / PARQUET_FOLDER / path.relative_to(tables): [path] for path in files}
    else:
        copies = {to / "csv" / f"{name}.csv": paths for name, paths in table_files(tables).items()}
    console = messages()
    for folder in sorted({path.parent for path in copies}):
        _make_folder(folder, shareable=shareable)
    steps = track(copies.items(), "Writing", console=console, transient=True, disable=quiet or not console.is_terminal)
    with connect() as con:
        con.execute("set timezone = 'UTC'")
        for target, sources in steps:
            with whole_file(target, shareable=shareable) as new:
                if form is ExportFormat.CSV:
                    write_table(con, sources, new)
                else:
                    shutil.copyfile(sources[0], new)
    if not quiet:
        where = (
            next(iter(copies)) if len(copies) == 1 else f"{min(path.parent for path in copies)}: {len(copies)} files"
        )
        console.print(str(where), markup=False, highlight=False, soft_wrap=True)


def write_table(con: duckdb.DuckDBPyConnection, sources: Sequence[Path], target: Path) -> None:
    """The Parquet files of one table as CSV, instants in UTC, texts that begin like a formula made harmless."""
    relation = con.read_parquet([str(source) for source in sources])
    columns = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        column = '"' + name.replace('"', '""') + '"'
        if str(kind) == "VARCHAR":
            column = (
                f"case when regexp_matches({column}, '{FORMULA}') then '''' || {column} else {column} end as {column}"
            )
        columns.append(column)
    relation.project(", ".join(columns)).write_csv(str(target), header=True)


def _make_folder(folder: Path, *, shareable: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755 if shareable else 0o700)
    except OSError as error:
        raise SettingsError(f"The folder {folder} cannot be made: {error.strerror}.") from None
