"""m365-usage rebuild: the warehouse again, from landing/ alone."""

from __future__ import annotations

from pipelines.cli.console import Quiet, messages
from pipelines.cli.jobs import report_outcome, run_job
from pipelines.settings import SettingsError, load_settings
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.rebuild import rebuild_warehouse


def rebuild(quiet: Quiet = False) -> None:
    """Make the warehouse anew from landing/, transform and publish it. Asks Microsoft nothing."""
    settings = load_settings()
    if not settings.landing_dir.is_dir():
        raise SettingsError(f"There is no {settings.landing_dir} to rebuild from.")
    console = messages(quiet=quiet)
    with console.status("Loading everything again …"):
        loaded = rebuild_warehouse(
            settings.warehouse_path,
            Landing(settings.landing_dir),
            wait_seconds=settings.lock_wait_seconds,
            max_removed_share=settings.max_removed_share,
        )
    console.print(f"{len(loaded):,} answers loaded from {settings.landing_dir}.", highlight=False)
    for result in loaded:
        if result.verdict and result.verdict.verdict == "refused":
            what = f"{result.record.source} {result.record.report_date or result.record.report_period or ''}".strip()
            reason = f"{what}, received {result.record.requested_at:%Y-%m-%d %H:%M} UTC: {result.verdict.reason}"
            messages().print(reason, style="yellow", markup=False, highlight=False)
    report_outcome(settings, console, run_job(settings, console, "refresh"))
