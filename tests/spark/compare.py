"""Two builds of the same marts, row by row: the tables of a DuckDB warehouse, and Parquet that Spark wrote."""

from __future__ import annotations

from pathlib import Path

import duckdb

SCHEMAS = ("main", "shareable")
# Decimals to which fractions must agree; everything else must be the same.
DIGITS = 10


def published_relations(warehouse: Path) -> list[tuple[str, str]]:
    """Schema and name of everything that dbt built for publishing, tables and views."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(
            """
            select schema_name, table_name from duckdb_tables() where schema_name in $schemas
            union all
            select schema_name, view_name from duckdb_views() where schema_name in $schemas and not internal
            order by all
            """,
            {"schemas": SCHEMAS},
        ).fetchall()


def differences(warehouse: Path, parquet: Path, schema: str, name: str, limit: int = 5) -> list[str]:
    """Columns or rows that only one of the two has, with how often; none when they are equal."""
    files = str(parquet / schema / name / "*.parquet")
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        ours = _columns(con, f"select * from {schema}.{name}")
        theirs = _columns(con, f"select * from read_parquet('{files}')")
        if ours != theirs:
            return [f"columns {set(ours.items()) ^ set(theirs.items())}"]
        # A mean of shares is added up in another order: the last bits may differ.
        columns = ", ".join(
            f'round("{name}", {DIGITS}) as "{name}"' if kind == "DOUBLE" else f'"{name}"' for name, kind in ours.items()
        )
        left, right = f"select {columns} from {schema}.{name}", f"select {columns} from read_parquet('{files}')"
        found = []
        for who, one, other in (("DuckDB", left, right), ("Spark", right, left)):
            rows = con.execute(f"({one}) except all ({other}) order by all").fetchall()
            found += [f"only {who} has {len(rows)} rows such as {row}" for row in rows[:limit]]
        return found


def _columns(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute(f"describe {sql}").fetchall()}
