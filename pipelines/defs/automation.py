"""The jobs, and the schedule that runs the sync every day."""

import dagster as dg

from pipelines.defs.actions.assets import PLANS
from pipelines.defs.extract.assets import REPORT_DAYS
from pipelines.defs.extract.connection import connection
from pipelines.settings import SettingsError, load_settings

# What a run is for: a tag in the list of runs.
DOES = "m365/does"

settings = load_settings()

sync = dg.define_asset_job(
    "sync",
    # Not partitioned: a run over a range of partitions would announce each of its hundred assets once per day,
    # which takes Dagster a minute. The days are reported one by one as they are landed and loaded.
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(REPORT_DAYS, PLANS),
    description="Fetch, land, load, transform, publish: everything, for every tenant.",
    tags={DOES: "fetch, load, publish"},
)

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("landing") - dg.AssetSelection.assets(PLANS),
    description="Load what is landed, transform and publish; asks Microsoft nothing.",
    tags={DOES: "load, publish"},
)

check = dg.define_asset_job(
    "check",
    selection=dg.AssetSelection.checks(connection),
    description="The connection test, as m365-usage check makes it. No part of the sync.",
    tags={DOES: "test the connection"},
)


@dg.schedule(
    name="sync_daily",
    job=sync,
    cron_schedule=settings.schedule_cron,
    execution_timezone=settings.schedule_timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Runs the sync every day; skips while no tenant is configured.",
)
def sync_daily(_: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run; which days it asks for is decided in it."""
    try:
        load_settings().tenants()
    except SettingsError as error:
        return dg.SkipReason(str(error))
    return dg.RunRequest()
