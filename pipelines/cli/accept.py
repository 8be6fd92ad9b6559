"""m365-usage accept: put a held correction in place."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from pipelines.cli.console import Quiet, messages
from pipelines.cli.jobs import report_outcome, run_job
from pipelines.cli.tenants import the_tenant
from pipelines.settings import load_settings
from pipelines.sync.review import accept_correction
from pipelines.warehouse.landing import Landing


def accept(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The report date whose correction is held.")],
    tenant: Annotated[str | None, typer.Option(help="The tenant id, where there are several.")] = None,
    quiet: Quiet = False,
) -> None:
    """Accept a correction that was held because it removes more than a fifth of a stored day."""
    settings = load_settings()
    tenant_id = the_tenant(settings, tenant)
    accept_correction(Landing(settings.landing_dir), tenant_id, day.date())
    console = messages(quiet=quiet)
    report_outcome(settings, console, run_job(settings, console, "refresh"))
