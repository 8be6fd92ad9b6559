"""The progress log: what a run tells people who wait."""

import io
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
import typer
from rich.console import Console

from pipelines.cli import app
from pipelines.defs.loggers import WAITING, progress, progress_bar

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
                time.sleep(0.05)
        finally:
            may_end.set()
        assert [run.result(200).success for run in runs] == [True, True]
    assert WAITING in said


@dg.op
def counts(context: dg.OpExecutionContext) -> None:
    context.log.info("12 of 28 days")


@dg.job(logger_defs={"progress": progress}, executor_def=dg.in_process_executor)
def short() -> None:
    counts()


def run_short(console: Console, *, quiet: bool) -> str:
    """What a run says on standard error, or on the terminal that the console stands for."""
    with dg.DagsterInstance.ephemeral() as instance, progress_bar(console, 1):
        loggers = {"progress": {"config": {"quiet": quiet}}}
        assert short.execute_in_process(instance=instance, run_config={"loggers": loggers}).success
    return console.file.getvalue() if isinstance(console.file, io.StringIO) else ""


def test_a_terminal_shows_a_bar_under_the_lines() -> None:
    said = run_short(Console(file=io.StringIO(), force_terminal=True, width=80), quiet=False)
    assert "12 of 28 days" in said
    assert "0/1" in said
    assert "\x1b[?25h" in said, "the cursor is back"


def test_without_a_terminal_there_are_plain_lines(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_short(Console(file=io.StringIO(), force_terminal=False), quiet=False) == ""
    assert capfd.readouterr().err == "  12 of 28 days\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_quiet_says_nothing(capfd: pytest.CaptureFixture[str], is_terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=is_terminal, quiet=True)
    assert run_short(console, quiet=True) == ""
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("command", ["sync", "demo", "import", "rebuild", "accept"])
def test_every_command_that_runs_the_job_can_be_quiet(command: str) -> None:
    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    assert "--quiet" in [option for parameter in parameters for option in parameter.opts]
