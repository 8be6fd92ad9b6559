"""The job of the policies, and the sensor that starts it after each sync that went well."""

import dagster as dg

from pipelines.actions.policies.file import POLICIES_FILE, load_policies
from pipelines.defs.actions.assets import PLANS
from pipelines.defs.automation import DOES, sync
from pipelines.settings import Settings, SettingsError, load_settings

STEP = "__".join(PLANS.path)

actions = dg.define_asset_job(
    "actions",
    selection=dg.AssetSelection.assets(PLANS),
    description="Run the policies: plan, and with apply: true in the config of the step apply what they may. "
    "A dry run otherwise; every limit holds in both.",
    tags={DOES: "plan and apply actions"},
)


@dg.run_status_sensor(
    name="policies_after_sync",
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[sync],
    request_job=actions,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Runs the policies after each sync that went well, and applies those that say apply = auto, within "
    "their limits. Off until it is switched on; skips without policies.toml or while actions are off.",
)
def policies_after_sync(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """One run for each sync."""
    try:
        settings = load_settings()
        reason = why_not(settings)
    except SettingsError as error:
        return dg.SkipReason(str(error))
    if reason:
        return dg.SkipReason(reason)
    return dg.RunRequest(
        run_key=f"policies-{context.dagster_run.run_id}", run_config={"ops": {STEP: {"config": {"apply": True}}}}
    )


def why_not(settings: Settings) -> str | None:
    """Why the policies are not to be run; None when they are. Raises SettingsError for a file that cannot be used."""
    if not load_policies(settings.rules_dir):
        return f"There are no policies: {settings.rules_dir / POLICIES_FILE} is missing or empty."
    if not settings.allow_actions:
        return "Actions are off: M365_ALLOW_ACTIONS is not set."
    return None
