"""The lock of the working database: who holds it, and how long to wait."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

import filelock

from pipelines.warehouse.errors import WarehouseBusyError


@contextmanager
def warehouse_lock(path: Path, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of the warehouse at ``path``; the operating system frees it when the process dies.

    A lock held by this very process is passed through (publishing runs inside a run that holds it).
    Raises WarehouseBusyError, naming the holder, after wait_seconds.
    """
    lock_path = path.with_name(path.name + ".lock")
    lock = filelock.FileLock(lock_path, is_singleton=True)
    try:
        lock.acquire(timeout=wait_seconds)
    except filelock.Timeout:
        raise WarehouseBusyError(
            f"The warehouse {path} is in use by {_holder(lock_path)}; waited {wait_seconds:.0f} s. "
            "Try again when that run has ended."
        ) from None
    try:
        _note_holder(lock_path)
        yield
    finally:
        lock.release()


def _note_holder(lock_path: Path) -> None:
    with suppress(OSError):
        note = lock_path.with_name(lock_path.name + ".holder")
        note.write_text(f"process {os.getpid()}, since {datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC\n")


def _holder(lock_path: Path) -> str:
    try:
        return lock_path.with_name(lock_path.name + ".holder").read_text().strip() or "another process"
    except OSError:
        return "another process"
