"""The progress log: what a run tells people who wait."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from pipelines.defs.loggers import WAITING, progress

OURS = Path(__file__).resolve().parents[2] / "dagster.yaml"


def test_a_run_that_waits_for_another_one_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    is_working, may_end = threading.Event(), threading.Event()

    @dg.op(pool="duckdb")
    def work() -> None:
        is_working.set()
        assert may_end.wait(60)

    @dg.op(pool="duckdb")
    def more_work() -> None:
        pass

    @dg.job(logger_defs={"progress": progress}, executor_def=dg.in_process_executor)
    def first() -> None:
        work()

    @dg.job(logger_defs={"progress": progress}, executor_def=dg.in_process_executor)
    def second() -> None:
        more_work()

    shutil.copy(OURS, tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance, ThreadPoolExecutor() as pool:

        def start(job: dg.JobDefinition) -> dg.ExecuteInProcessResult:
            return job.execute_in_process(instance=instance, run_config={"loggers": {"progress": {}}})

        runs = [pool.submit(start, first)]
        try:
            assert is_working.wait(60)
            runs.append(pool.submit(start, second))
            said = ""
            while WAITING not in said and not runs[1].done():
                said += capfd.readouterr().err
        finally:
            may_end.set()
        assert [run.result(60).success for run in runs] == [True, True]
    assert WAITING in said
