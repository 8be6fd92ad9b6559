"""The tables that loading writes, made in a new warehouse and brought up to date in an older one."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import duckdb

from pipelines.warehouse.errors import WarehouseOutdatedError

_COLUMNS = """
    select schema_name, table_name, column_name, data_type, is_nullable
    from duckdb_columns() where database_name = current_database() and schema_name in ('raw', 'ledger')
    order by table_name, column_index
"""


def schema_text() -> str:
    """The statements of schema.sql."""
    return files("pipelines.warehouse").joinpath("schema.sql").read_text(encoding="utf-8")


def prepare_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that are missing, and the columns that a newer version added to them.

    Nothing is done where the schema is the one that was prepared last. Raises WarehouseOutdatedError where a table
    is otherwise than a new one would be; everything in it can be had again from landing/.
    """
    text = schema_text()
    digest = hashlib.sha256(text.encode()).hexdigest()
    if _prepared(con) == digest:
        return
    con.execute("begin transaction")
    try:
        con.execute(text)
        _add_missing_columns(con, text)
        con.execute("create or replace table ledger.schema_version as select $digest as digest", {"digest": digest})
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


def _prepared(con: duckdb.DuckDBPyConnection) -> str | None:
    try:
        found = con.execute("select digest from ledger.schema_version").fetchone()
    except duckdb.CatalogException:
        return None
    return str(found[0]) if found else None


def _add_missing_columns(con: duckdb.DuckDBPyConnection, text: str) -> None:
    with duckdb.connect() as fresh:
        fresh.execute(text)
        wanted = fresh.execute(_COLUMNS).fetchall()
    there = {(schema, table, column): rest for schema, table, column, *rest in con.execute(_COLUMNS).fetchall()}
    for schema, table, column, data_type, is_nullable in wanted:
        found = there.get((schema, table, column))
        if found is None and is_nullable:
            con.execute(f'alter table {schema}.{table} add column "{column}" {data_type}')
        elif found is None or found[0] != data_type:
            raise WarehouseOutdatedError(
                f"The warehouse was made by another version: {schema}.{table} has "
                f"{'no' if found is None else 'another'} column {column}. `m365-usage rebuild` makes it anew from "
                "landing/; nothing is lost."
            )
