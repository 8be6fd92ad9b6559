"""The one job, and the schedule that runs it every day."""

import dagster as dg

from pipelines.defs.extract.partitions import report_day_partitions, window_tags
from pipelines.settings import SettingsError, load_settings

settings = load_settings()

sync = dg.define_asset_job(
    "sync",
    selection=dg.AssetSelection.all(),
    partitions_def=report_day_partitions(settings),
    # One process for all steps: starting one per step would cost more than a small tenant's whole work.
    executor_def=dg.in_process_executor,
    description="Fetch, land, load, transform, publish: everything, for every tenant.",
)


@dg.schedule(
    name="sync_daily",
    job=sync,
    cron_schedule=settings.schedule_cron,
    execution_timezone=settings.schedule_timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Runs the sync every day over the report window of that day; skips while no tenant is configured.",
)
def sync_daily(_: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run over the whole window; which of its days are asked for is decided in the run."""
    now = load_settings()
    try:
        now.tenants()
    except SettingsError as error:
        return dg.SkipReason(str(error))
    return dg.RunRequest(tags=window_tags(now))
