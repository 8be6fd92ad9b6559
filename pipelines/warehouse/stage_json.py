"""Reading landed JSON pages of Graph with DuckDB's own reader."""

from __future__ import annotations

from pathlib import Path

import duckdb

# Pages of 999 people with their licences stay far below. The reader takes twice of it for each thread.
_MAX_PAGE_BYTES = 64 << 20


def stage_objects(con: duckdb.DuckDBPyConnection, path: Path, structure: str) -> int:
    """Read landed pages into the temporary table ``staged``, one row per object of their ``value`` lists."""
    con.execute(
        f"""
        create or replace temp table staged as
        select item.* from (
            select unnest(value) as item
            from read_json($path, format = 'newline_delimited', compression = 'zstd',
                maximum_object_size = {_MAX_PAGE_BYTES}, columns = {{value: '{structure}[]'}})
        ) as listed
        """,
        {"path": str(path)},
    )
    counted = con.execute("select count(*) from staged").fetchone()
    return int(counted[0]) if counted else 0
