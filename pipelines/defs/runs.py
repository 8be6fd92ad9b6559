"""Runs that were killed: what Dagster still believes of them is put right by the next run.

A process that works on a run holds a lock file named after it, which the operating system frees when the process
dies. Without this a killed run would keep its place in the pool for ever, and every later run would wait for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import filelock

KILLED = (
    "The process of this run was killed; what it had landed and loaded is kept, and the next run goes on from there."
)


@contextmanager
def working_on(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold the lock of the run, after giving up those of the dead."""
    folder = Path(instance.root_directory) / "running"
    folder.mkdir(parents=True, exist_ok=True)
    end_killed_runs(instance, folder)
    path = folder / f"{run_id}.lock"
    # Steps in processes of their own share a run: the first of them holds its lock.
    lock = filelock.FileLock(path, blocking=False)
    try:
        with suppress(filelock.Timeout):
            lock.acquire()
        yield
    finally:
        if lock.is_locked:
            path.unlink(missing_ok=True)
            lock.release()


def end_killed_runs(instance: dg.DagsterInstance, folder: Path) -> None:
    """Mark the runs whose process is gone as failed, and free their places in the pools."""
    for path in sorted(folder.glob("*.lock")):
        lock = filelock.FileLock(path, blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            continue
        try:
            instance.event_log_storage.free_concurrency_slots_for_run(path.stem)
            run = instance.get_run_by_id(path.stem)
            if run is not None and not run.is_finished:
                instance.report_run_failed(run, KILLED)
            path.unlink(missing_ok=True)
        finally:
            lock.release()
