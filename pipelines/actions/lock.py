"""One at a time acts on a tenant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock


class ApplyBusyError(RuntimeError):
    """Another apply works on the same tenant."""


@contextmanager
def tenant_lock(folder: Path, tenant_id: str) -> Iterator[None]:
    """Hold the tenant's lock below the folder of actions; the operating system frees it when the process dies.

    Raises ApplyBusyError at once when it is held.
    """
    path = folder / "locks" / f"{tenant_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = filelock.FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ApplyBusyError(
            f"Another apply works on tenant {tenant_id} at the moment. Wait until it has ended, and try again."
        ) from None
    try:
        yield
    finally:
        lock.release()
