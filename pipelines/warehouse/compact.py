"""Giving back what the warehouse's file holds and does not use.

Every run makes most tables anew before the old ones go, and DuckDB keeps the room for the next time: that is as it
should be. But where a file is mostly room, as after a version that kept more, or was made with larger blocks than it
would be today, it is written anew beside itself and put in its own place.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from pipelines.warehouse.connection import connect
from pipelines.warehouse.database import BLOCK_BYTES, for_owner_only, open_warehouse
from pipelines.warehouse.lock import warehouse_lock

# Of a smaller file nobody minds the room.
SMALLEST_BYTES = 16_000_000


def compact_warehouse(path: Path, *, wait_seconds: float, smallest_bytes: int = SMALLEST_BYTES) -> int:
    """Write the warehouse anew where less than half of its file is used, or its blocks are of another size.

    Returns the bytes that were given back. The old file stands until the new one is whole, so a killed run loses
    nothing; where there is no room for a second one, the old one stays. Raises WarehouseBusyError.
    """
    new = path.with_name(path.stem + ".compact.duckdb")
    with warehouse_lock(path, wait_seconds=wait_seconds):
        _remove(new)
        if not path.is_file() or path.stat().st_size < smallest_bytes:
            return 0
        with open_warehouse(path, wait_seconds=wait_seconds) as con:
            con.execute("checkpoint")
            found = con.execute("select block_size, used_blocks, free_blocks from pragma_database_size()").fetchone()
        assert found is not None
        block_size, used, free = found
        if block_size == BLOCK_BYTES and free <= used:
            return 0
        before = path.stat().st_size
        try:
            with for_owner_only():
                _write_anew(path, new)
        except (duckdb.IOException, OSError):
            _remove(new)
            return 0
        # The log of the old file would be replayed into the new one.
        _wal(path).unlink(missing_ok=True)
        new.replace(path)
        _sync(path.parent)
        return before - path.stat().st_size


def _write_anew(path: Path, new: Path) -> None:
    with connect(config={"default_block_size": str(BLOCK_BYTES)}) as con:
        # Under its own name: views name the database that their tables are in.
        con.execute(f"attach '{_literal(path)}' as \"{path.stem}\" (read_only)")
        con.execute(f"attach '{_literal(new)}' as anew")
        con.execute(f'copy from database "{path.stem}" to anew')
        con.execute("checkpoint anew")
        con.execute("detach anew")
    if _wal(new).exists():
        raise OSError(f"A write-ahead log was left beside {new.name}.")
    _sync(new)


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _wal(path).unlink(missing_ok=True)


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
