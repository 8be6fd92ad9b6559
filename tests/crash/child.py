"""A sync below Dagster in a process that is killed; run as a program of its own.

    python -m tests.crash.child       one job a line on standard input: {"environment": …, "point": …}

Every job is done in a fork, so that imports are paid for once. Two lines come back for each: the id of the process
when it begins, and the signal that ended it (0: it ended by itself).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from unit_crash import arm, die, in_child

SOURCES = {"users", "deletedUsers", "subscribedSkus", "subscriptions", "organization", "getM365AppUserCounts"}


def arm_point(point: list[Any] | None) -> None:
    """Make one moment deadly: a counted call, or so many seconds after the so-manieth transaction began.

    Requests are counted by the server, which kills from outside.
    """
    if point is None or point[1] == "request":
        return
    if point[1] != "transaction":
        arm(point)
        return
    seconds, _, number = point
    from pipelines.warehouse import load

    real, begun = load.transaction, 0

    def transaction(con: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun == number:
            # DuckDB works without Python's lock, so this strikes in the middle of a statement.
            threading.Timer(seconds, die).start()
        return real(con)

    load.transaction = transaction


def sync(run_id: str) -> None:
    """Fetch, land and load by the product's own steps, in the order of the job."""
    from pipelines.settings import load_settings
    from pipelines.sync.extract import (
        extract_directory,
        extract_report_days,
        extract_report_periods,
        plan_report_days,
        read_report_settings,
    )
    from pipelines.sync.fetch import Fetcher
    from pipelines.sync.tenants import TenantWork
    from pipelines.warehouse.database import open_warehouse
    from pipelines.warehouse.landing import Landing
    from pipelines.warehouse.load import load_pending

    settings = load_settings()
    landing = Landing(settings.landing_dir)
    work = TenantWork(settings, settings.tenants(), landing, run_id, sleep=time.sleep)

    def extract(fetcher: Fetcher) -> None:
        extract_report_days(fetcher, plan_report_days(settings, fetcher.client.tenant, landing))

    work.for_each(read_report_settings)
    work.for_each(extract)
    work.for_each(extract_report_periods)
    work.for_each(lambda fetcher: extract_directory(fetcher, settings, SOURCES))
    with open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        con.execute("set threads = 1")
        load_pending(con, landing)


def do(job: dict[str, Any]) -> None:
    """One job, in a process of its own."""
    print(os.getpid(), flush=True)
    os.environ.update(job["environment"])
    arm_point(job["point"])
    sync(job["run_id"])


def main() -> None:
    """Do the jobs one after another."""
    import duckdb

    import pipelines.sync.tenants
    import pipelines.warehouse.load  # noqa: F401

    # DuckDB imports pandas and more when it first sees a parameter: once for all forks.
    with duckdb.connect() as con:
        con.execute("select $text", {"text": ""}).fetchall()
    for line in sys.stdin:
        job = json.loads(line)
        print(in_child(lambda job=job: do(job)), flush=True)  # type: ignore[misc]


if __name__ == "__main__":
    main()
