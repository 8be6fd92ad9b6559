"""Opening warehouse.duckdb: one process at a time, one configuration, always closed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.warehouse.connection import connect
from pipelines.warehouse.errors import WarehouseBusyError
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.schema import prepare_tables

# A quarter of DuckDB's own: most tables are small, and each column of each takes at least a part of a block.
BLOCK_BYTES = 65_536


@contextmanager
def for_owner_only() -> Iterator[None]:
    """Files that DuckDB makes as it goes (log, spilled data) hold names of people, too."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def open_warehouse(path: Path, *, wait_seconds: float = 900.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, its tables in place; waits for another process to finish.

    Raises WarehouseBusyError after wait_seconds, and WarehouseOutdatedError for one that only a rebuild can mend.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with warehouse_lock(path, wait_seconds=wait_seconds), for_owner_only():
        con = _connect(path)
        try:
            path.chmod(0o600)
            con.execute("set timezone = 'UTC'")
            prepare_tables(con)
            yield con
        finally:
            con.close()


def _create(path: Path) -> None:
    """A new, empty database at ``path``, whole or not at all: half of one could never be opened again."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    # The log of a database that is gone would be replayed into this one.
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    try:
        duckdb.connect(str(new), config={"default_block_size": str(BLOCK_BYTES)}).close()
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    if not path.exists():
        _create(path)
    try:
        return connect(path, config={"autoinstall_known_extensions": "false"})
    except duckdb.IOException as error:
        # Programs that are not ours do not know our lock file; DuckDB names theirs.
        if "lock" not in str(error):
            raise
        found = re.search(r"held in (\S+) \(PID (\d+)\)", str(error))
        holder = f"{Path(found[1]).name}, process {found[2]}" if found else "another program"
        raise WarehouseBusyError(f"The warehouse {path} is open in {holder}. Close it and try again.") from None


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
