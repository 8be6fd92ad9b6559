"""m365-usage import: files exported by hand, without any app registration."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pipelines.cli.console import Quiet, messages, results
from pipelines.cli.jobs import report_outcome, run_job
from pipelines.cli.tenants import known_tenants
from pipelines.imports.importer import ImportedThing, ImportResult, import_files, verdicts
from pipelines.imports.items import ImportOptions
from pipelines.settings import NO_FILE, Settings, SettingsError, load_settings
from pipelines.tenants import checked_tenant_id
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.records import Verdict

# The tenant of files that nothing tells the tenant of.
IMPORTED = "imported"


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files, or folders of files.")],
    day: Annotated[
        datetime | None,
        typer.Option(
            "--date",
            formats=["%Y-%m-%d"],
            help="Of a report: its day. Of people and products: the day they were exported.",
        ),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant, by id or name.")] = None,
    as_day: Annotated[
        bool, typer.Option("--as-day", help="Reports are of one day, whatever their Report Period says.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="A file of people holds some of them: nobody else counts as gone.")
    ] = False,
    publish: Annotated[
        bool, typer.Option("--publish/--no-publish", help="Transform and publish after loading.")
    ] = True,
    quiet: Quiet = False,
) -> None:
    """Load usage reports, people and licences that were exported by hand; docs/import.md says where to click.

    What a file is, is told from its content. Nothing is loaded unless every file is understood.
    """
    settings = load_settings()
    landing, console = Landing(settings.landing_dir), messages(quiet=quiet)
    options = ImportOptions(
        tenant_id=import_tenant(settings, tenant),
        today=settings.today_utc,
        day=day.date() if day else None,
        as_day=as_day,
        is_partial=partial,
    )
    with console.status("Reading …") as status:
        result = import_files(files, landing, options, settings.data_dir, status.update)
    failures = load_and_publish(settings, console) if publish else load_only(settings, landing)
    found = verdicts(landing, [thing.fetch_id for thing in result.landed if thing.fetch_id])
    print_result(results(), options.tenant_id, result, found)
    if not result.landed:
        console.print("Nothing new: nothing was landed.", highlight=False)
    if publish or failures:
        report_outcome(settings, console, failures)
    if any(verdict.verdict == "refused" for verdict in found.values()):
        raise typer.Exit(1)


def load_and_publish(settings: Settings, console: Console) -> list[str]:
    """Load what is landed, transform and publish; returns one sentence per failure."""
    return run_job(settings, console, "refresh")


def load_only(settings: Settings, landing: Landing) -> list[str]:
    """Load what is landed into the warehouse and leave it at that."""
    with open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        load_pending(con, landing)
    return []


def import_tenant(settings: Settings, wanted: str | None) -> str:
    """The tenant that imported files belong to.

    The one named; else the one of the settings; else the only one that something is landed for; else ``imported``.
    Raises SettingsError where there are several.
    """
    has_file = settings.tenants_file is not None and str(settings.tenants_file) != NO_FILE
    configured = settings.tenants() if has_file else []
    if wanted is not None:
        called = [tenant.tenant_id for tenant in configured if tenant.is_called(wanted)]
        return called[0] if called else checked_tenant_id(wanted, "--tenant")
    if settings.tenant_id:
        return checked_tenant_id(settings.tenant_id, "M365_TENANT_ID")
    choices = [tenant.tenant_id for tenant in configured] or known_tenants(settings)
    if len(choices) > 1:
        raise SettingsError(f"Say with --tenant whose files these are: {', '.join(choices)}.")
    return choices[0] if choices else IMPORTED


def print_result(console: Console, tenant_id: str, result: ImportResult, found: dict[str, Verdict]) -> None:
    """One line per file: what it is, its day, its rows, and what became of it."""
    lines = [
        (path.name, thing.item.what, thing.item.day, _rows(rows), _outcome(thing, found))
        for thing in result.things
        for path, rows in zip(thing.item.files, thing.item.rows, strict=True)
    ]
    lines += [
        (path.name, "an answer without objects", "", _rows(0), "nothing to import") for path in result.empty_files
    ]
    console.print(f"Tenant {tenant_id}", style="bold", highlight=False, markup=False, soft_wrap=True)
    widths = [max(len(line[index]) for line in lines) for index in range(4)]
    for line in lines:
        cells = [cell.rjust(width) if index == 3 else cell.ljust(width) for index, (cell, width) in
                 enumerate(zip(line[:4], widths, strict=True))]  # fmt: skip
        console.print(Text("  ".join(["", *cells, line[4]])), soft_wrap=True)


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _outcome(thing: ImportedThing, found: dict[str, Verdict]) -> str:
    if thing.fetch_id is None:
        return thing.why_not or "not imported"
    verdict = found.get(thing.fetch_id)
    told = "landed, not loaded yet" if verdict is None else verdict.verdict
    reasons = [verdict.reason] if verdict and verdict.reason else []
    notes = [*reasons, *(["names concealed"] if thing.is_concealed else []), *thing.item.notes]
    return f"{told} ({'; '.join(note.rstrip('.') for note in notes)})" if notes else told
