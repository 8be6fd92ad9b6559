"""What stands in a release beside the database, checked against the database: queries, workbook, Parquet."""

from __future__ import annotations

import html
import re
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import openpyxl

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
    """Rows of each Parquet file."""
    files = (folder / "parquet").resolve().glob("*.parquet")
    return {path.stem: duckdb.sql(f"select count(*) from '{path}'").fetchall()[0][0] for path in files}


def texts(folder: Path) -> dict[str, str]:
    """Whatever can be read in each file of a build: packed files unpacked."""
    found = {}
    for path in folder.resolve().rglob("*.*"):
        if path.suffix == ".parquet":
            rows = duckdb.sql(f"select cast(t as varchar) from '{path}' as t").fetchall()
            found[path.name] = "\n".join(row for (row,) in rows)
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                found[path.name] = "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
        else:
            found[path.name] = path.read_bytes().decode(errors="replace")
    return found


def values(folder: Path) -> dict[str, set[str]]:
    """The different texts in each file of a build, lower case: every cell, every value of a table, bytes as words."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.resolve().rglob("*.*")):
        if path.suffix == ".parquet":
            found[path.name] = _texts_of(f"'{path}'")
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                tables = [str(name) for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()]
                found[path.name] = set().union(*(_texts_of(name, con) for name in tables))
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                cells = " ".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
            found[path.name] = {html.unescape(text).lower() for text in re.split(r"<[^>]*>", cells)}
        elif path.is_file():
            found[path.name] = {text.lower() for text in re.findall(r'"([^"]{1,200})"', path.read_text("utf-8"))}
        if path.is_file():
            found[path.name] |= {path.read_bytes().decode("utf-8", "replace").lower()}
    return found


def _texts_of(relation: str, con: duckdb.DuckDBPyConnection | None = None) -> set[str]:
    con = con or duckdb.connect()
    columns = con.sql(f"from {relation}").columns
    found: set[str] = set()
    for column in columns:
        rows = con.execute(f'select distinct lower(cast("{column}" as varchar)) from {relation}').fetchall()
        found.update(text for (text,) in rows if text)
    return found
