"""m365-usage sync: the same Dagster job that the schedule runs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.console import Quiet, messages
from pipelines.cli.jobs import report_outcome, run_job
from pipelines.settings import Settings, SettingsError, load_settings

# The steps that ask Microsoft; they take the options of the command.
CONFIGURED_STEPS = ("landing__report_settings", "landing__report_requests", "landing__report_periods", "directory")


def sync(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant, by id or name.")] = None,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First report date to ask for.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last report date to ask for.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Ask again for every day, settled or not.")] = False,
    quiet: Quiet = False,
) -> None:
    """Fetch what is missing or still settling, load, transform and publish."""
    settings = load_settings()
    chosen = settings.chosen_tenants(tenant)
    first, last = _range(settings, start, end)
    console = messages(quiet=quiet)
    failures = run_sync(
        settings, console, first=first, last=last, tenant=chosen[0].tenant_id if tenant else None, full=full
    )
    report_outcome(settings, console, failures)


def run_sync(
    settings: Settings,
    console: Console,
    *,
    first: date | None = None,
    last: date | None = None,
    tenant: str | None = None,
    full: bool = False,
) -> list[str]:
    """Run the sync job in this process; returns one sentence per failure, none when all went well."""
    options = {
        "tenant": tenant,
        "full": full,
        "first_day": first.isoformat() if first else None,
        "last_day": last.isoformat() if last else None,
    }
    return run_job(settings, console, "sync", {name: {"config": options} for name in CONFIGURED_STEPS})


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
