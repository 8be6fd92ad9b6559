"""What stands in a release beside the database, checked against the database: queries, workbook, Parquet."""

from __future__ import annotations

import html
import re
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import openpyxl

from pipelines.publish.parquet import table_files
from tests.integration.conftest import ROOT

QUERIES = sorted((ROOT / "queries").glob("*.sql"))
ADMIN_ONLY = {"09_take_back"}


def answers(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The answer to each of the ten questions from one published database."""
    found = {}
    with duckdb.connect(str((folder / "m365_usage.duckdb").resolve()), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        is_admin = con.execute("from publish_info where value = 'admin'").fetchone() is not None
        for path in QUERIES:
            if is_admin or path.stem not in ADMIN_ONLY:
                result = con.sql(path.read_text(encoding="utf-8"))
                assert "HUGEINT" not in map(str, result.types), path
                found[path.stem] = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
    return found


def sheet_rows(folder: Path, sheet: str) -> list[dict[str, Any]]:
    """The native table of a sheet of the workbook."""
    page = openpyxl.load_workbook((folder / "m365_usage.xlsx").resolve())[sheet]
    (table,) = page.tables.values()
    header, *data = ([cell.value for cell in row] for row in page[table.ref])
    return [dict(zip(header, row, strict=True)) for row in data]


def parquet_counts(folder: Path) -> dict[str, int]:
    """Rows of the Parquet files of each table."""
    files = table_files((folder / "parquet").resolve())
    return {
        name: duckdb.read_parquet([str(path) for path in paths]).count("*").fetchall()[0][0]
        for name, paths in files.items()
    }


def name_in(folder: Path, path: Path) -> str:
    """The name of a file of a build; with its folder, where that is a table's."""
    return "/".join(path.relative_to(folder.resolve()).parts[1:]) or path.name


def texts(folder: Path) -> dict[str, str]:
    """Whatever can be read in each file of a build: packed files unpacked."""
    found = {}
    for path in folder.resolve().rglob("*.*"):
        if path.suffix == ".parquet":
            rows = duckdb.sql(f"select cast(t as varchar) from '{path}' as t").fetchall()
            found[name_in(folder, path)] = "\n".join(row for (row,) in rows)
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                found[name_in(folder, path)] = "\n".join(
                    archive.read(name).decode(errors="replace") for name in archive.namelist()
                )
        else:
            found[name_in(folder, path)] = path.read_bytes().decode(errors="replace")
    return found


def values(folder: Path) -> dict[str, set[str]]:
    """The different texts in each file of a build, lower case: every cell, every value of a table, bytes as words."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.resolve().rglob("*.*")):
        if path.suffix == ".parquet":
            found[name_in(folder, path)] = _texts_of(f"'{path}'")
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                tables = [str(name) for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()]
                found[name_in(folder, path)] = set().union(*(_texts_of(name, con) for name in tables))
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                cells = " ".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
            found[name_in(folder, path)] = {html.unescape(text).lower() for text in re.split(r"<[^>]*>", cells)}
        elif path.is_file():
            found[name_in(folder, path)] = {
                text.lower() for text in re.findall(r'"([^"]{1,200})"', path.read_text("utf-8"))
            }
        if path.is_file():
            found[name_in(folder, path)] |= {path.read_bytes().decode("utf-8", "replace").lower()}
    return found


def _texts_of(relation: str, con: duckdb.DuckDBPyConnection | None = None) -> set[str]:
    con = con or duckdb.connect()
    columns = con.sql(f"from {relation}").columns
    found: set[str] = set()
    for column in columns:
        rows = con.execute(f'select distinct lower(cast("{column}" as varchar)) from {relation}').fetchall()
        found.update(text for (text,) in rows if text)
    return found
