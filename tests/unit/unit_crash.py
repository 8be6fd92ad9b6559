"""A writer that is killed (SIGKILL) at a chosen step; run as a program of its own.

    python unit_crash.py JSON       with {"task": …, "point": [what, number], …}

Points are counted calls: "before replace" 2 is the moment before the second file is renamed to its own name.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killing(function: Callable[..., Any], moment: str, number: int) -> Callable[..., Any]:
    """The function, deadly before or after its so-manieth call."""
    calls = 0

    def wrapped(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and moment == "before":
            die()
        result = function(*args, **options)
        if calls == number and moment == "after":
            die()
        return result

    return wrapped


def arm(point: list[Any] | None) -> None:
    """Make one step deadly: [moment, what, number]."""
    if point is None:
        return
    from pipelines.warehouse import body, landing, load

    moment, what, number = point
    if what == "write":
        body.BodyWriter.write = killing(body.BodyWriter.write, moment, number)  # type: ignore[method-assign]
    elif what == "fsync":
        os.fsync = killing(os.fsync, moment, number)
    elif what == "replace":
        Path.replace = killing(Path.replace, moment, number)  # type: ignore[method-assign]
    elif what == "verdict":
        landing.Landing.add_verdict = killing(landing.Landing.add_verdict, moment, number)  # type: ignore[method-assign]
    elif what == "ledger":
        load.add_fetch = killing(load.add_fetch, moment, number)
    elif what == "commit":
        arm_commit(moment, number)
    else:
        raise ValueError(what)


def arm_commit(moment: str, number: int) -> None:
    from contextlib import contextmanager

    from pipelines.warehouse import load

    step = killing(lambda: None, "before", number)

    @contextmanager
    def transaction(con: Any) -> Any:
        con.execute("begin transaction")
        try:
            yield
        except BaseException:
            con.execute("rollback")
            raise
        if moment == "before":
            step()
        con.execute("commit")
        if moment == "after":
            step()

    load.transaction = transaction


def land(root: str, point: list[Any] | None) -> None:
    """Land two fetches of one day, as a run does."""
    from unit_landing import Lander

    arm(point)
    lander = Lander(Path(root))
    lander.day("2026-08-01", b"first,body\n" * 50)
    lander.day("2026-08-02", b"second,body\n" * 50)


def load(root: str, point: list[Any] | None) -> None:
    """Load what is landed."""
    from pipelines.warehouse.database import open_warehouse
    from pipelines.warehouse.landing import Landing
    from pipelines.warehouse.load import load_pending

    arm(point)
    with open_warehouse(Path(root) / "warehouse.duckdb", wait_seconds=20) as con:
        con.execute("set threads = 1")
        load_pending(con, Landing(Path(root) / "landing"))


def in_child(action: Callable[[], None]) -> int:
    """Run in a forked child; returns the signal that ended it, 0 when none did."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(99)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    if os.WEXITSTATUS(status):
        raise RuntimeError(f"the child failed with {os.WEXITSTATUS(status)}")
    return 0


def main() -> None:
    """Do every job in a fork of its own, so that imports are paid for once; print the signals."""
    import duckdb

    import pipelines.warehouse.database
    import pipelines.warehouse.load  # noqa: F401

    # DuckDB imports pandas and more when it first sees a parameter: once for all forks.
    with duckdb.connect() as con:
        con.execute("select $day, $text", {"day": date.today(), "text": ""}).fetchall()
    sys.path.insert(0, str(Path(__file__).parent))
    tasks = {"land": land, "load": load}
    signals = []
    for job in json.loads(sys.stdin.read()):
        task = tasks[job["task"]]
        signals.append(in_child(lambda task=task, job=job: task(job["root"], job["point"])))  # type: ignore[misc]
    print(json.dumps(signals))


def run_jobs(jobs: list[dict[str, Any]]) -> list[int]:
    """Run the jobs one after another in another process; the signals that ended them, 0 for none."""
    import subprocess

    done = subprocess.run(
        [sys.executable, __file__], input=json.dumps(jobs), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


if __name__ == "__main__":
    main()
