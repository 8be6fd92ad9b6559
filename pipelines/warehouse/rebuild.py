"""The warehouse made anew from landing/: beside the old one, which it replaces only when it is whole."""

from __future__ import annotations

from pathlib import Path

from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import LoadedFetch, load_pending
from pipelines.warehouse.load_day import MAX_REMOVED_SHARE
from pipelines.warehouse.lock import warehouse_lock


def rebuild_warehouse(
    path: Path, landing: Landing, *, wait_seconds: float, max_removed_share: float = MAX_REMOVED_SHARE
) -> list[LoadedFetch]:
    """Load every landed answer into a new file and put it in the place of the warehouse at ``path``.

    The old warehouse stands until the new one is complete; its write-ahead log goes with it, as DuckDB would
    replay it into the new file. Bodies that were damaged since they were received are refused, not loaded in part.
    Raises WarehouseBusyError.
    """
    new = path.with_name(path.stem + ".rebuild.duckdb")
    with warehouse_lock(path, wait_seconds=wait_seconds):
        _remove(new)
        with open_warehouse(new, wait_seconds=wait_seconds) as con:
            loaded = load_pending(con, landing, max_removed_share=max_removed_share, verifies_bodies=True)
            con.execute("checkpoint")
        _wal(path).unlink(missing_ok=True)
        new.replace(path)
        new.with_name(new.name + ".lock").unlink(missing_ok=True)
    return loaded


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _wal(path).unlink(missing_ok=True)
