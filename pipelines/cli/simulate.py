"""m365-usage simulate: a Microsoft 365 tenant on loopback, for any Graph client."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.simulator import SimulatorServer


def _list_faults(wanted: bool) -> None:
    if not wanted:
        return
    from pipelines.simulator import describe_faults

    for name, parameters, meaning in describe_faults():
        typer.echo(f"{name}{f' ({parameters})' if parameters else ''}\n    {meaning}")
    raise typer.Exit


def simulate(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8443,
    users: Annotated[int, typer.Option(min=1, help="How many people.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    fixtures: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Serve the files of this folder instead.")
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Let go wrong what this file says, in TOML or JSON; see above."),
    ] = None,
    list_faults: Annotated[  # noqa: ARG001
        bool,
        typer.Option(
            "--list-faults",
            callback=_list_faults,
            is_eager=True,
            help="Print the faults that a file may name, and end.",
        ),
    ] = False,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The tenant's day (default: now).")
    ] = None,
    concealed: Annotated[bool, typer.Option("--concealed", help="Conceal names in the reports.")] = False,
    generous: Annotated[bool, typer.Option("--generous", help="Without Microsoft's request limits.")] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave this permission out of those that the application for actions has; may be repeated."),
    ] = None,
    group_seconds: Annotated[
        float | None, typer.Option(min=0, help="How long licences take to follow a change of a group's members.")
    ] = None,
    copy_seconds: Annotated[float | None, typer.Option(min=0, help="How long a copy in OneDrive takes.")] = None,
) -> None:
    """Serve a simulated tenant over TLS until Ctrl-C, and print the settings that lead a client to it.

    Two applications are registered: one that reads, and one for actions, which may also change people, licences,
    groups, mailboxes and files. What is changed is kept until the end.

    A file of faults holds one table for each thing that goes wrong; docs/faults.example.toml shows them all:

    \b
    [\\[fault]]
    name = "throttled"        # which; --list-faults prints their names and parameters
    date = 2026-08-01         # where: date, period, path, tenant, at
    times = 3                 # how many requests, or "always"; skip = 2: two go well before
    retry_after = 30          # a parameter of this fault
    """
    # Every other command starts without it, sooner by a quarter.
    from pipelines.simulator import (
        ACTION_PERMISSIONS,
        ACTIONS_APP,
        FaultFileError,
        Limits,
        Pace,
        Tenant,
        TenantSpec,
        read_faults,
    )
    from pipelines.simulator.serve import serve

    settings = load_settings()
    day = today.date() if today else settings.today or datetime.now(timezone.utc).date()
    unknown = sorted(set(without or ()) - ACTION_PERMISSIONS)
    if unknown:
        known = ", ".join(sorted(ACTION_PERMISSIONS))
        raise typer.BadParameter(f"No permission is called {unknown[0]!r}; there are {known}.", param_hint="--without")
    app = replace(ACTIONS_APP, permissions=ACTION_PERMISSIONS - set(without or ()))
    spec = TenantSpec(seed=seed, users=users, today=day, is_concealed=concealed, actions_app=app)
    tenant = Tenant.from_fixtures(fixtures, spec) if fixtures else Tenant(spec)
    limits = Limits.generous() if generous else Limits()
    try:
        rules = read_faults(faults) if faults else []
    except FaultFileError as error:
        raise typer.BadParameter(str(error), param_hint="--faults") from None

    def ready(server: SimulatorServer) -> None:
        for rule in rules:
            server.faults.add(rule)
        console = Console()
        console.print(f"A simulated tenant answers at {server.graph_url}. Settings for a client:\n", highlight=False)
        for name, value in server.settings().items():
            console.print(f"export {name}={value}", markup=False, highlight=False, soft_wrap=True)
        console.print("\nFor actions as well, where M365_ALLOW_ACTIONS=1 allows them:\n", highlight=False)
        for name, value in server.action_settings().items():
            console.print(f"export {name}={value}", markup=False, highlight=False, soft_wrap=True)
        if rules:
            number = "1 fault is" if len(rules) == 1 else f"{len(rules)} faults are"
            console.print(f"\n{number} in force, from {faults}.", markup=False, highlight=False, soft_wrap=True)
        console.print("\nCtrl-C ends it.", highlight=False)

    told = {"group_licenses": group_seconds, "copy": copy_seconds}
    pace = Pace(**{name: seconds for name, seconds in told.items() if seconds is not None})
    serve(tenant, limits, port, settings.data_dir / "simulator", ready, pace)
