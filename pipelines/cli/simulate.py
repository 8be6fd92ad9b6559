"""m365-usage simulate: a Microsoft 365 tenant on loopback, for any Graph client."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.settings import load_settings
from pipelines.simulator import Limits, SimulatorServer, Tenant, TenantSpec
from pipelines.simulator.serve import serve


def simulate(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8443,
    users: Annotated[int, typer.Option(min=1, help="How many people.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    fixtures: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Serve the files of this folder instead.")
    ] = None,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The tenant's day (default: now).")
    ] = None,
    concealed: Annotated[bool, typer.Option("--concealed", help="Conceal names in the reports.")] = False,
    generous: Annotated[bool, typer.Option("--generous", help="Without Microsoft's request limits.")] = False,
) -> None:
    """Serve a simulated tenant over TLS until Ctrl-C, and print the settings that lead a client to it."""
    settings = load_settings()
    day = today.date() if today else settings.today or datetime.now(timezone.utc).date()
    spec = TenantSpec(seed=seed, users=users, today=day, is_concealed=concealed)
    tenant = Tenant.from_fixtures(fixtures, spec) if fixtures else Tenant(spec)
    limits = Limits.generous() if generous else Limits()

    def ready(server: SimulatorServer) -> None:
        console = Console()
        console.print(f"A simulated tenant answers at {server.graph_url}. Settings for a client:\n", highlight=False)
        for name, value in server.settings().items():
            console.print(f"export {name}={value}", markup=False, highlight=False, soft_wrap=True)
        console.print("\nCtrl-C ends it.", highlight=False)

    serve(tenant, limits, port, settings.data_dir / "simulator", ready)
