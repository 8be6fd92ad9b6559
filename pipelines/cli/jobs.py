"""Running a Dagster job from the command line, in this process."""

from __future__ import annotations

import contextlib
import logging
import re
from typing import Any

import typer
from rich.console import Console

from pipelines.cli.console import messages
from pipelines.cli.dagster_home import prepare_dagster_home
from pipelines.dbt_process.ahead import dbt_ahead
from pipelines.settings import Settings

_REQUEST_ID = re.compile(r" \[request-id [^\]]*\]")


def run_job(settings: Settings, console: Console, name: str, ops: dict[str, Any] | None = None) -> list[str]:
    """Run a job of the code location; returns one sentence per failure, none when all went well.

    ops: Dagster run configuration of its steps.
    """
    prepare_dagster_home(settings)
    with dbt_ahead():
        return _run_job(settings, console, name, ops)


def _run_job(settings: Settings, console: Console, name: str, ops: dict[str, Any] | None) -> list[str]:
    with console.status("Starting Dagster…"):
        logging.getLogger("dagster.builtin").setLevel(logging.WARNING)
        import dagster as dg

        from pipelines.definitions import defs
        from pipelines.defs.loggers import progress_bar

    job = defs.resolve_job_def(name)
    log = settings.data_dir / "dbt" / "console.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # dbt's own lines go to a file: what the run does is told by the progress log.
    with (
        dg.DagsterInstance.get() as instance,
        log.open("w") as file,
        progress_bar(console, len(job.graph.node_dict)),
        contextlib.redirect_stdout(file),
    ):
        loggers = {"progress": {"config": {"quiet": console.quiet}}}
        result = job.execute_in_process(
            instance=instance, run_config={"ops": ops or {}, "loggers": loggers}, raise_on_error=False
        )
    return [] if result.success else _failures(result)


def report_outcome(settings: Settings, console: Console, failures: list[str]) -> None:
    """Say where the result is, or what failed; then the command ends with exit code 1."""
    if failures:
        for failure in failures:
            messages().print(failure, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    published = " and ".join(str(settings.data_dir / link) for link in ("published", "published_admin"))
    console.print(f"Published: {published}", highlight=False, soft_wrap=True)


def _failures(result: Any) -> list[str]:
    # Steps side by side may fail for one reason, which is told once: only Microsoft's request-id differs.
    found: dict[str, str] = {}
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        data = event.step_failure_data
        described = data.user_failure_data.description if data.user_failure_data else None
        cause = data.error.message.strip().splitlines()[0] if data.error else "no reason given"
        if described is None and cause.startswith("Dependencies for step"):
            # It never ran, for want of a step whose own failure is told.
            continue
        sentence = described or f"Step {event.step_key} failed: {cause}"
        found.setdefault(_REQUEST_ID.sub("", sentence), sentence)
    return list(found.values()) or ["The run failed; its log in the Dagster UI says why."]
