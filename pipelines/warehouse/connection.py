"""A connection to DuckDB that says nothing: its own progress bar would be drawn across our lines and into log files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb


def connect(
    path: Path | None = None, *, read_only: bool = False, config: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a database, or one in memory; raises what duckdb.connect raises."""
    options: dict[str, str | bool | int | float | list[str]] = dict(config or {})
    con = duckdb.connect(":memory:" if path is None else str(path), read_only=read_only, config=options)
    con.execute("set enable_progress_bar = false")
    return con
