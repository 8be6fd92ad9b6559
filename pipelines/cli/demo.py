"""m365-usage demo: the main job against a simulated tenant, and what comes of it."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import Quiet, messages, results
from pipelines.cli.summary import print_summary
from pipelines.cli.sync import run_sync
from pipelines.settings import load_settings
from pipelines.warehouse.atomic import write_atomically
from pipelines.warehouse.own_lists import PRICES_FILE

# The window of this day is October 2026, the 1st to the 28th: the figures in README.md are of it.
DEMO_TODAY = date(2026, 10, 30)


def demo(
    users: Annotated[int, typer.Option(min=1, help="How many people.")] = 300,
    days: Annotated[int, typer.Option(min=1, max=28, help="How many report days.")] = 28,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    today: Annotated[bool, typer.Option("--today", help="Use the current day instead of a pinned one.")] = False,
    quiet: Quiet = False,
) -> None:
    """Start a simulated Microsoft 365 tenant, run the whole sync against it over TLS, and show the result."""
    # Every other command starts without it, sooner by a quarter.
    from pipelines.simulator import Limits, SimulatorServer, Tenant, TenantSpec

    console = messages(quiet=quiet)
    day = datetime.now(timezone.utc).date() if today else DEMO_TODAY
    data_dir = Path(os.environ.get("M365_DATA_DIR") or Path("data") / "demo").absolute()
    tenant = Tenant(TenantSpec(seed=seed, users=users, today=day))
    with SimulatorServer(tenant, limits=Limits.generous(), cert_dir=data_dir / "simulator") as server:
        console.print(
            f"A simulated tenant of {users} people answers at {server.graph_url}; it is {day} there.", highlight=False
        )
        # Whatever the folder's own .env and tenants.toml say, the demo's tenant is the simulated one.
        own = {"M365_AUTH": "secret", "M365_CLOUD": "global", "M365_TENANTS_FILE": "none", "M365_NOTIFY": "0"}
        folders = {"M365_DATA_DIR": str(data_dir), "M365_RULES_DIR": str(_rules(data_dir / "rules"))}
        os.environ.update(server.settings() | own | folders)
        settings = load_settings()
        window = settings.window
        first = window.end - timedelta(days=days - 1)
        failures = run_sync(settings, console, first=max(first, window.start), last=window.end)
    for failure in failures:
        messages().print(failure, style="red", markup=False, highlight=False)
    if failures:
        raise typer.Exit(1)
    print_summary(settings, results())


def _rules(folder: Path) -> Path:
    """The rules folder of the demo: what the made-up company pays; what somebody changed there stays."""
    path = folder / PRICES_FILE
    if not path.exists():
        write_atomically(path, files("pipelines.simulator").joinpath("prices.csv").read_text(encoding="utf-8"))
    return folder
