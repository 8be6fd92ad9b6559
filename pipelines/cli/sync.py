"""m365-usage sync: the same Dagster job that the schedule runs."""

from __future__ import annotations

import contextlib
import logging
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from pipelines.cli.console import messages
from pipelines.cli.dagster_home import prepare_dagster_home
from pipelines.settings import Settings, SettingsError, load_settings

# The steps that ask Microsoft; they take the options of the command.
CONFIGURED_STEPS = ("landing__report_settings", "landing__report_requests", "landing__report_periods", "directory")


def sync(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant id.")] = None,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First report date to ask for.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last report date to ask for.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Ask again for every day, settled or not.")] = False,
) -> None:
    """Fetch what is missing or still settling, load, transform and publish."""
    settings = load_settings()
    settings.tenants()
    first, last = _range(settings, start, end)
    console = messages()
    failures = run_sync(settings, console, first=first, last=last, tenant=tenant, full=full)
    if failures:
        for failure in failures:
            console.print(failure, style="red", markup=False, highlight=False)
        raise typer.Exit(1)
    console.print(f"Published: {settings.data_dir / 'published'} and {settings.data_dir / 'published_admin'}")


def run_sync(
    settings: Settings,
    console: Console,
    *,
    first: date | None = None,
    last: date | None = None,
    tenant: str | None = None,
    full: bool = False,
) -> list[str]:
    """Run the job in this process; returns one sentence per failure, none when all went well."""
    prepare_dagster_home(settings)
    with console.status("Starting Dagster…"):
        logging.getLogger("dagster.builtin").setLevel(logging.WARNING)
        import dagster as dg

        from pipelines.definitions import defs

    options = {
        "tenant": tenant,
        "full": full,
        "first_day": first.isoformat() if first else None,
        "last_day": last.isoformat() if last else None,
    }
    log = settings.data_dir / "dbt" / "console.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # dbt's own lines go to a file: what the run does is told by the progress log.
    with dg.DagsterInstance.get() as instance, log.open("w") as file, contextlib.redirect_stdout(file):
        result = defs.resolve_job_def("sync").execute_in_process(
            instance=instance,
            run_config={
                "ops": {name: {"config": options} for name in CONFIGURED_STEPS},
                "loggers": {"progress": {}},
            },
            raise_on_error=False,
        )
    return [] if result.success else _failures(result)


def _failures(result: Any) -> list[str]:
    found = []
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        data = event.step_failure_data
        described = data.user_failure_data.description if data.user_failure_data else None
        cause = data.error.message.strip().splitlines()[0] if data.error else "no reason given"
        found.append(described or f"Step {event.step_key} failed: {cause}")
    return found or ["The run failed; its log in the Dagster UI says why."]


def _range(settings: Settings, start: datetime | None, end: datetime | None) -> tuple[date, date]:
    window = settings.window
    first = start.date() if start else window.start
    last = end.date() if end else window.end
    if first > last:
        raise SettingsError(f"--from {first} is after --to {last}.")
    if first not in window or last not in window:
        raise SettingsError(
            f"Microsoft serves the report dates {window.start} to {window.end} only; "
            f"{first if first not in window else last} is not among them."
        )
    return first, last
