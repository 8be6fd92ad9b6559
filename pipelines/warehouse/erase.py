"""What purge and forget have in common: landing/ is changed, and the warehouse made anew from what is left.

A file in the data folder says that an erasure has begun; it goes when the releases from before are gone, too. Until
then the next purge or forget finishes the work, whatever became of the process.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipelines.warehouse.atomic import write_atomically
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.forgotten import Forgotten
from pipelines.warehouse.keys import keep_keys
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import LoadedFetch
from pipelines.warehouse.load_day import MAX_REMOVED_SHARE
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.rebuild import rebuild_warehouse
from pipelines.warehouse.releases import drop_other_releases

_UNFINISHED = "erasure.unfinished"


def is_unfinished(data_dir: Path) -> bool:
    """Whether an erasure was begun and not brought to its end."""
    return (data_dir / _UNFINISHED).is_file()


def erase(
    path: Path,
    landing: Landing,
    change: Callable[[], None],
    *,
    wait_seconds: float,
    max_removed_share: float = MAX_REMOVED_SHARE,
) -> list[LoadedFetch]:
    """Change landing/, and make the warehouse at ``path`` anew from it; everybody who is left keeps their key.

    Publishing again and ``finish`` complete it. Raises WarehouseBusyError.
    """
    with warehouse_lock(path, wait_seconds=wait_seconds):
        write_atomically(path.parent / _UNFINISHED, "m365-usage purge or forget was begun; run it again to finish.\n")
        if path.is_file():
            _keep_keys(path, landing, wait_seconds)
        change()
        if path.is_file() and Forgotten.beside(landing.root):
            # Who was forgotten meanwhile is not even in the list of keys.
            _keep_keys(path, landing, wait_seconds)
        loaded = rebuild_warehouse(path, landing, wait_seconds=wait_seconds, max_removed_share=max_removed_share)
        _keep_keys(path, landing, wait_seconds)
    return loaded


def finish(data_dir: Path) -> int:
    """After publishing: remove the releases from before; returns how many went."""
    removed = drop_other_releases(data_dir)
    (data_dir / _UNFINISHED).unlink(missing_ok=True)
    return removed


def _keep_keys(path: Path, landing: Landing, wait_seconds: float) -> None:
    forgotten = Forgotten.beside(landing.root)
    with open_warehouse(path, wait_seconds=wait_seconds) as con:
        keep_keys(
            con, landing.root, lambda tenant_id, name: bool(forgotten) and forgotten.is_forgotten(tenant_id, name)
        )
