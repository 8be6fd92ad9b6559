"""Whether a release would say what the published one says.

A second run on the same day often finds nothing new. Then the release stays: readers need not load it again, and no
older one has to go for it. What tells only when somebody looked, and not what was found, makes no new release: the
time of the last sync and of the last fetch of a day, and the list of runs. They are those of the release.
On the next day the windows are others, and so is the release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from pipelines.warehouse.publish import DATABASE_NAME, DictionaryRow, PublishedTable, plain_select

# Columns, or None for whole tables, that change with every run.
OF_EVERY_RUN: Mapping[str, frozenset[str] | None] = {
    "tenants": frozenset({"last_synced_at"}),
    "report_days": frozenset({"last_fetched_at"}),
    "sync_runs": None,
}
OF_EVERY_RELEASE = "publish_id"
_SOURCES = Path(__file__).resolve().parents[1]


def is_unchanged(
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[PublishedTable],
    folder: Path,
    facts: Mapping[str, str],
    dictionary: Sequence[DictionaryRow],
    files: Sequence[str],
) -> bool:
    """Whether the build in ``folder`` is the one that would be made of these; con has the warehouse open.

    files: what stands beside the database. A release that an older version of the program made is another one.
    """
    database = folder / DATABASE_NAME
    if not all((folder / name).exists() for name in (DATABASE_NAME, *files)) or _is_older(database):
        return False
    con.execute(f"attach '{_literal(database)}' as published (read_only)")
    try:
        told = dict(con.execute("from published.main.publish_info").fetchall())
        if {**told, OF_EVERY_RELEASE: ""} != {**facts, OF_EVERY_RELEASE: ""}:
            return False
        if sorted(map(repr, con.execute("from published.main.data_dictionary").fetchall())) != sorted(
            map(repr, dictionary)
        ):
            return False
        return _tables_of(con) == {*(table.name for table in tables), "publish_info", "data_dictionary"} and all(
            _content(con, table, plain_select(table))
            == _content(con, table, f"from published.main.{_name(table.name)}")
            for table in tables
            if not table.is_view and OF_EVERY_RUN.get(table.name, frozenset()) is not None
        )
    finally:
        con.execute("detach published")


def _is_older(database: Path) -> bool:
    made = database.stat().st_mtime
    return any(path.stat().st_mtime > made for path in _SOURCES.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _tables_of(con: duckdb.DuckDBPyConnection) -> set[str]:
    found = con.execute(
        "select table_name from duckdb_tables() where database_name = 'published' "
        "union all select view_name from duckdb_views() where database_name = 'published' and not internal"
    ).fetchall()
    return {name for (name,) in found}


def _content(con: duckdb.DuckDBPyConnection, table: PublishedTable, rows: str) -> object:
    """The columns, and sums over all rows that are others as soon as one row is."""
    left_out = OF_EVERY_RUN.get(table.name) or frozenset()
    columns = [(name, kind) for name, kind, *_ in con.execute(f"describe {rows}").fetchall() if name not in left_out]
    hashed = ", ".join(_name(name) for name, _ in columns)
    sums = con.execute(
        f"select count(*), bit_xor(h), sum(h) from (select hash({hashed}) as h from ({rows}))"
    ).fetchall()
    return columns, sums


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return str(value).replace("'", "''")
