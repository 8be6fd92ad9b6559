"""m365-usage check: the connection test."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pipelines.check.results import CheckReport, CheckResult, State
from pipelines.check.run import check_all
from pipelines.cli.console import messages, results
from pipelines.settings import SettingsError, load_settings

_STYLES = {State.OK: "green", State.SKIPPED: "dim", State.WARNING: "yellow", State.FAILED: "bold red"}
_STATE_WIDTH, _NAME_WIDTH = 9, 17


def check(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant, by id or name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Test the connection: sign-in, permissions, roles, one report, licences, clock, settings, folder, disk.

    One line each: ok, warning, failed or skipped, and below it the way to mend it. Nothing is written to the
    tenant; one report request per tenant is sent, and counted. Exit code: 0 all ok or warnings, 1 something
    failed, 2 the configuration cannot be used.
    """
    try:
        settings = load_settings()
        tenants = settings.chosen_tenants(tenant)
    except SettingsError as error:
        if not as_json:
            raise
        print(json.dumps({"state": "failed", "exit_code": 2, "error": str(error)}, indent=2))
        raise typer.Exit(2) from None
    with messages().status("Checking …"):
        report = check_all(settings, tenants)
    if as_json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        print_report(results(), report)
    raise typer.Exit(report.exit_code)


def print_report(console: Console, report: CheckReport) -> None:
    """One line for each check, and one below it for the way to mend it."""
    console.print("This machine", style="bold")
    for result in report.machine:
        _print(console, result)
    for tenant in report.tenants:
        label = f"{tenant.tenant_id} ({tenant.name})" if tenant.name else tenant.tenant_id
        console.print(f"\nTenant {label}", style="bold", markup=False, highlight=False, soft_wrap=True)
        for result in tenant.results:
            _print(console, result)
    counts = {state: sum(result.state is state for result in report.results) for state in State}
    summary = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)
    console.print(f"\n{summary}", style=_STYLES[report.state], highlight=False)


def _print(console: Console, result: CheckResult) -> None:
    head = Text.assemble(
        "  ", (f"{result.state.value:<{_STATE_WIDTH}}", _STYLES[result.state]), f"{result.name:<{_NAME_WIDTH}} "
    )
    _print_wrapped(console, head, result.message)
    if result.remedy:
        _print_wrapped(console, Text(" " * len(head) + "-> "), result.remedy, style="cyan")


def _print_wrapped(console: Console, head: Text, message: str, style: str = "") -> None:
    """A text behind its head, further lines below its beginning; in a file or a pipe it is one line."""
    width = max(console.width - len(head), 30)
    lines = Text(message, style=style).wrap(console, width) if console.is_terminal else [Text(message, style=style)]
    for number, line in enumerate(lines):
        line.rstrip()
        console.print((Text(" " * len(head)) if number else head) + line, soft_wrap=True)
