"""Opening warehouse.duckdb: one process at a time, one configuration, always closed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb

from pipelines.warehouse.lock import warehouse_lock


@contextmanager
def _for_owner_only() -> Iterator[None]:
    """Files that DuckDB makes as it goes (log, spilled data) hold names of people, too."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def open_warehouse(path: Path, *, wait_seconds: float = 900.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, its tables in place; waits for another process to finish.

    Raises WarehouseBusyError after wait_seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with warehouse_lock(path, wait_seconds=wait_seconds), _for_owner_only():
        con = duckdb.connect(str(path), config={"autoinstall_known_extensions": "false"})
        try:
            path.chmod(0o600)
            con.execute("set timezone = 'UTC'")
            con.execute(files("pipelines.warehouse").joinpath("schema.sql").read_text(encoding="utf-8"))
            yield con
        finally:
            con.close()


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing."""
    con.execute("begin transaction")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")
