"""The published tables as Parquet files, for Power BI, Fabric and anything else that reads files.

A table is a file, but for the tables of people by day, which grow by hundreds of rows per person and year: each is a
folder with a file per month. A month that says the same as in the release before is not written anew: its file is the
same one, by another link.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from pipelines.warehouse.connection import connect
from pipelines.warehouse.publish import OWN_TABLES, PublishedTable

PARQUET_FOLDER = "parquet"
# The column by whose months a table of people is cut.
DAY = "report_date"
# What a file of a month says of the rows in it, to be found again by the next release.
CONTENT = "content"


def write_parquet(
    database: Path,
    folder: Path,
    tables: Sequence[PublishedTable],
    facts: Mapping[str, str],
    before: Path | None = None,
) -> dict[str, int]:
    """Write each table of a published database to a file, or a folder, of its own; returns the bytes of each.

    A view becomes a file like a table, but for one whose rows stand packed in another table. facts become metadata
    of each file, so that it says which release it is of; of a month's file, the release that it was written for.
    before: the same folder of the release before.
    """
    folder.mkdir()
    written = [table for table in tables if not table.is_packed_elsewhere]
    by_month = {table.name for table in written if table.is_admin_only and DAY in table.grain}
    sizes = {}
    with connect(database, read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        for name in [*(table.name for table in written), *OWN_TABLES]:
            if name in by_month:
                sizes[name] = _write_months(con, name, folder / name, facts, before / name if before else None)
            else:
                sizes[name] = _write(con, f"from {_name(name)}", folder / f"{name}.parquet", facts)
    return sizes


def table_files(folder: Path) -> dict[str, list[Path]]:
    """The files of each table in such a folder."""
    found = {path.stem: [path] for path in sorted(folder.glob("*.parquet"))}
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        found[part.name] = sorted(part.glob("*.parquet"))
    return dict(sorted(found.items()))


def _write_months(
    con: duckdb.DuckDBPyConnection, name: str, folder: Path, facts: Mapping[str, str], before: Path | None
) -> int:
    """One file per month with rows, or an empty one that tells the columns; returns their bytes."""
    folder.mkdir()
    columns = con.execute(
        "select column_name, data_type from duckdb_columns() where table_name = ? order by column_index", [name]
    ).fetchall()
    months = con.execute(
        f"""
        select strftime({DAY}, '%Y-%m') as month, count(*), bit_xor(h), sum(h)
        from (select {DAY}, hash({", ".join(_name(column) for column, _ in columns)}) as h from {_name(name)})
        group by month order by month
        """
    ).fetchall()
    size = 0
    for month, *sums in months:
        text = repr((duckdb.__version__, columns, sums))
        content = {CONTENT: hashlib.sha256(text.encode()).hexdigest()}
        path, old = folder / f"{month}.parquet", before / f"{month}.parquet" if before else None
        if old is not None and _metadata(con, old).get(CONTENT) == content[CONTENT]:
            _link(old, path)
            size += path.stat().st_size
        else:
            rows = f"from {_name(name)} where strftime({DAY}, '%Y-%m') = '{month}' order by all"
            size += _write(con, rows, path, {**facts, **content})
    return size or _write(con, f"from {_name(name)}", folder / "none.parquet", facts)


def _write(con: duckdb.DuckDBPyConnection, rows: str, path: Path, facts: Mapping[str, str]) -> int:
    metadata = ", ".join(f"{_name(key)}: '{_literal(value)}'" for key, value in facts.items())
    con.execute(f"copy ({rows}) to '{_literal(path)}' (format parquet, compression zstd, kv_metadata {{{metadata}}})")
    return path.stat().st_size


def _metadata(con: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """What a file says of itself; nothing, if it is not there or cannot be read."""
    try:
        found = con.execute(f"select key, value from parquet_kv_metadata('{_literal(path)}')").fetchall()
    except (duckdb.IOException, duckdb.InvalidInputException):
        return {}
    return {key.decode(): value.decode() for key, value in found}


def _link(old: Path, new: Path) -> None:
    """The same file by another name; a copy where the file system has no such links."""
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return str(value).replace("'", "''")
