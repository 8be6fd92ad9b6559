"""The published databases: the marts copied out of the warehouse, what they mean beside them, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb

from pipelines.warehouse.database import transaction

# The oldest storage version that DuckDB still writes: every 1.x reader opens it.
STORAGE_VERSION = "v1.0.0"
DATABASE_NAME = "m365_usage.duckdb"
# The tables that are about the published copy itself.
OWN_TABLES = ("data_dictionary", "publish_info")

# table, column, position, type, is_grain, grain, meaning, additivity
DictionaryRow = tuple[str, str, int, str, bool, str, str, str | None]


@dataclass(frozen=True)
class PublishedTable:
    """One table of a build: the relation in the warehouse it is copied from, and the name readers see."""

    name: str
    source_schema: str
    source_name: str
    is_view: bool
    # The same rows stand, packed, in another table: files that are copies, not views, hold only that one.
    is_packed_elsewhere: bool = False
    # Column and kind of what tells of a person, from the columns' meta.
    personal: tuple[tuple[str, str], ...] = ()
    # The columns of which each combination stands in one row.
    grain: tuple[str, ...] = ()
    is_admin_only: bool = False


class Copying(Protocol):
    """How tables come from the warehouse into a published database otherwise than as they are."""

    def select(self, table: PublishedTable) -> str:
        """The query whose rows are published as this table."""


def plain_select(table: PublishedTable) -> str:
    """The query of a table as it is."""
    return f"from {_name(table.source_schema)}.{_name(table.source_name)}"


def published_tables(manifest: Mapping[str, Any], build: str) -> list[PublishedTable]:
    """What a build holds, from dbt's manifest.

    "shareable": the models of the shareable schema. "admin": all marts, and the packed table that their views
    read. Tables come before views.
    """
    found = []
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        meta = node["config"].get("meta") or {}
        is_shareable_model = node["fqn"][1] == "shareable"
        if is_shareable_model == (build == "shareable") and meta.get("audience"):
            # What is packed is published as a table, whatever it is in the warehouse: other views read it.
            is_packed = bool(meta.get("published_as"))
            is_view = node["config"]["materialized"] == "view" and build == "admin" and not is_packed
            name = meta.get("published_as") or node["alias"]
            found.append(
                PublishedTable(
                    name,
                    node["schema"],
                    node["alias"],
                    is_view,
                    bool(meta.get("packed_as")),
                    personal=_personal(node),
                    grain=tuple(meta.get("grain") or ()),
                    is_admin_only=meta["audience"] == "admin",
                )
            )
    return sorted(found, key=lambda table: (table.is_view, table.name))


def _personal(node: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The marked columns of a model: ``config: {meta: {personal: …}}``."""
    marks = {name: (column.get("config") or {}).get("meta") or {} for name, column in node.get("columns", {}).items()}
    return tuple((name, str(meta["personal"])) for name, meta in marks.items() if meta.get("personal"))


def write_database(
    con: duckdb.DuckDBPyConnection,
    tables: list[PublishedTable],
    path: Path,
    facts: Mapping[str, str],
    dictionary: Sequence[DictionaryRow] = (),
    copying: Copying | None = None,
) -> dict[str, int]:
    """Copy the tables into a new database file at ``path``; returns the rows of each.

    con has the warehouse open. The file is check-pointed and closed, no write-ahead log stands beside it, and
    any DuckDB 1.x opens it. facts become the rows of its table ``publish_info``, dictionary those of
    ``data_dictionary``, which describes the two of them as well. copying: other than as they are.
    """
    con.execute(f"attach '{_literal(path)}' as target (storage_version '{STORAGE_VERSION}')")
    try:
        for table in tables:
            if not table.is_view:
                _copy_table(con, table, copying)
        # Hundreds of comments, each of which would be synced to disk on its own.
        with transaction(con):
            for table in tables:
                if table.is_view:
                    _copy_view(con, table, tables)
            _write_own_tables(con, facts, dictionary)
            _write_comments(con, tables, dictionary)
        rows = {table.name: _count(con, table.name) for table in tables}
        con.execute("checkpoint target")
    finally:
        con.execute("detach target")
    if path.with_name(path.name + ".wal").exists():
        raise RuntimeError(f"A write-ahead log was left beside {path.name}; it is not published.")
    return rows


def _write_own_tables(
    con: duckdb.DuckDBPyConnection, facts: Mapping[str, str], dictionary: Sequence[DictionaryRow]
) -> None:
    con.execute("create table target.main.publish_info (name varchar, value varchar)")
    con.executemany("insert into target.main.publish_info values (?, ?)", [list(item) for item in facts.items()])
    con.execute(
        """
        create table target.main.data_dictionary (
            table_name varchar, column_name varchar, position integer, type varchar,
            is_grain boolean, grain varchar, meaning varchar, additivity varchar
        )
        """
    )
    if dictionary:
        kinds = ("varchar", "varchar", "integer", "varchar", "boolean", "varchar", "varchar", "varchar")
        columns = ", ".join(f"unnest(cast(? as {kind}[]))" for kind in kinds)
        con.execute(
            f"insert into target.main.data_dictionary select {columns}",
            [list(column) for column in zip(*dictionary, strict=True)],
        )


def read_manifest(path: Path) -> Mapping[str, Any]:
    """dbt's manifest."""
    manifest: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _copy_table(con: duckdb.DuckDBPyConnection, table: PublishedTable, copying: Copying | None) -> None:
    con.execute(
        f"create table target.main.{_name(table.name)} as {copying.select(table) if copying else plain_select(table)}"
    )


def _copy_view(con: duckdb.DuckDBPyConnection, table: PublishedTable, published: list[PublishedTable]) -> None:
    """Create the view over the published tables instead of over the warehouse's."""
    found = con.execute(
        "select sql, database_name from duckdb_views() "
        "where database_name = current_database() and schema_name = ? and view_name = ?",
        [table.source_schema, table.source_name],
    ).fetchone()
    if found is None:
        raise RuntimeError(f"The view {table.source_name} is not in the warehouse.")
    sql, database = found
    body = sql[sql.lower().index(" as ") + 4 :]
    for other in published:
        relation = _relation_pattern(database, other.source_schema, other.source_name)
        body = _name(other.name).join(relation.split(body))
    if _relation_pattern(database, "").search(body):
        raise RuntimeError(f"The view {table.source_name} reads a table that is not published with it.")
    con.execute("use target.main")
    try:
        con.execute(f"create view {_name(table.name)} as {body}")
    finally:
        con.execute(f"use {_name(database)}")


def _relation_pattern(*parts: str) -> re.Pattern[str]:
    """A qualified name as DuckDB prints it: each part in quotes where it needs them."""
    quoted = r"\.".join(f'"?{re.escape(part)}"?' if part else "" for part in parts)
    return re.compile(rf'(?<![\w".]){quoted}' + (r'(?![\w"])' if parts[-1] else ""))


def _write_comments(
    con: duckdb.DuckDBPyConnection, tables: list[PublishedTable], dictionary: Sequence[DictionaryRow]
) -> None:
    """Say of each table and column that is there what the dictionary says of it."""
    views = {table.name for table in tables if table.is_view}
    columns = "select table_name, column_name from duckdb_columns() where database_name = 'target'"
    there = set(con.execute(columns).fetchall())
    statements = {}
    for name, column, _, _, _, grain, meaning, additivity in dictionary:
        if (name, column) in there:
            relation = f"target.main.{_name(name)}"
            text = f"{meaning} {additivity}" if additivity else meaning
            kind = "view" if name in views else "table"
            statements[name, ""] = f"comment on {kind} {relation} is '{_literal(grain)}'"
            statements[name, column] = f"comment on column {relation}.{_name(column)} is '{_literal(text)}'"
    if statements:
        con.execute("; ".join(statements.values()))


def _count(con: duckdb.DuckDBPyConnection, name: str) -> int:
    counted = con.execute(f"select count(*) from target.main.{_name(name)}").fetchone()
    return int(counted[0]) if counted else 0


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return str(value).replace("'", "''")
