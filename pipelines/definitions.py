"""The code location: everything that Dagster loads."""

import dagster as dg

from pipelines.defs import automation, loggers
from pipelines.defs.actions import assets as actions
from pipelines.defs.actions import automation as policies
from pipelines.defs.actions import log as actions_log
from pipelines.defs.extract import assets as extract
from pipelines.defs.extract import checks, connection, load, rules, sources
from pipelines.defs.publish import assets as publish
from pipelines.defs.resources import Workplace
from pipelines.defs.transform import assets as transform
from pipelines.defs.transform.project import dbt_resource

defs = dg.Definitions(
    assets=[
        *sources.endpoints,
        extract.report_settings,
        extract.report_requests,
        extract.report_days,
        extract.report_periods,
        extract.directory,
        load.user_days,
        load.load,
        actions_log.files,
        actions_log.action_log,
        actions.plans,
        *rules.files,
        rules.rules,
        transform.models,
        publish.publish,
    ],
    asset_checks=[*checks.all_checks, connection.connection],
    jobs=[automation.sync, automation.refresh, automation.check, policies.actions],
    schedules=[automation.sync_daily],
    sensors=[policies.policies_after_sync],
    # One process for all steps: starting one per step would cost more than a small tenant's whole work.
    executor=dg.in_process_executor,
    loggers={"console": dg.colored_console_logger, "progress": loggers.progress},
    resources={"workplace": Workplace(), "dbt": dbt_resource(transform.project)},
)
