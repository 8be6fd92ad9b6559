"""From landing/ into the raw tables of the warehouse."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines.defs.extract.assets import (
    DIRECTORY_SOURCES,
    REPORT_DAYS,
    REPORT_PERIODS,
    REPORT_REQUESTS,
    REPORT_SETTINGS,
)
from pipelines.defs.extract.columns import raw_metadata
from pipelines.defs.extract.day_strip import day_strip
from pipelines.defs.extract.partitions import report_day_partitions
from pipelines.defs.owners import OWNERS
from pipelines.defs.resources import Workplace, readable_errors
from pipelines.settings import load_settings
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.load import LoadedFetch, load_pending
from pipelines.warehouse.tables import table_descriptions

USER_DAYS = dg.AssetKey(["raw", "m365_app_user_days"])
FETCHES = dg.AssetKey(["ledger", "fetches"])


DESCRIPTIONS = table_descriptions()


def _landing(name: str) -> dg.AssetKey:
    return dg.AssetKey(["landing", name])


# Table -> the landing assets it is filled from.
TABLES: dict[dg.AssetKey, list[dg.AssetKey]] = {
    FETCHES: [REPORT_REQUESTS, REPORT_PERIODS, REPORT_SETTINGS, *(_landing(name) for name in DIRECTORY_SOURCES)],
    dg.AssetKey(["ledger", "restatements"]): [REPORT_REQUESTS],
    dg.AssetKey(["raw", "upn_keys"]): [REPORT_REQUESTS, REPORT_PERIODS],
    dg.AssetKey(["raw", "m365_app_unknown_days"]): [REPORT_REQUESTS],
    dg.AssetKey(["raw", "m365_app_user_periods"]): [REPORT_PERIODS],
    dg.AssetKey(["raw", "m365_app_user_counts"]): [_landing("user_counts")],
    dg.AssetKey(["raw", "user_keys"]): [_landing("users"), _landing("deleted_users")],
    dg.AssetKey(["raw", "users"]): [_landing("users")],
    dg.AssetKey(["raw", "user_licenses"]): [_landing("users")],
    dg.AssetKey(["raw", "user_sign_ins"]): [_landing("users")],
    dg.AssetKey(["raw", "deleted_users"]): [_landing("deleted_users")],
    dg.AssetKey(["raw", "subscribed_skus"]): [_landing("subscribed_skus")],
    dg.AssetKey(["raw", "sku_service_plans"]): [_landing("subscribed_skus")],
    dg.AssetKey(["raw", "subscriptions"]): [_landing("subscriptions")],
    dg.AssetKey(["raw", "organization"]): [_landing("organization")],
    dg.AssetKey(["raw", "report_settings"]): [REPORT_SETTINGS],
}

# Its days are reported one by one while they are loaded, so only days that are stored show as materialised.
user_days = dg.AssetSpec(
    USER_DAYS,
    deps=[REPORT_DAYS],
    group_name="raw",
    owners=OWNERS,
    kinds={"duckdb"},
    partitions_def=report_day_partitions(load_settings()),
    description=DESCRIPTIONS["raw", "m365_app_user_days"],
    metadata=raw_metadata("raw", "m365_app_user_days"),
)


@dg.multi_asset(
    name="load",
    pool="duckdb",
    specs=[
        dg.AssetSpec(
            key,
            deps=deps,
            group_name=key.path[0],
            owners=OWNERS,
            kinds={"duckdb"},
            description=DESCRIPTIONS[key.path[0], key.path[1]],
            metadata=raw_metadata(key.path[0], key.path[1]),
        )
        for key, deps in TABLES.items()
    ],
)
def load(context: dg.AssetExecutionContext, workplace: Workplace) -> Iterator[dg.MaterializeResult[None]]:
    """Load every landed answer that the ledger does not know yet, one transaction each."""
    settings, started = workplace.settings(), time.monotonic()

    def report(loaded: LoadedFetch) -> None:
        verdict = loaded.verdict
        if verdict and verdict.reason:
            context.log.warning(f"{loaded.record.source} {loaded.record.report_date or ''}: {verdict.reason}")
        if verdict and verdict.verdict in ("applied", "unchanged") and loaded.record.report_date:
            context.log_event(_day_materialization(loaded))

    with readable_errors(), open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        loaded = load_pending(con, workplace.landing(), report, settings.max_removed_share)
        rows = {
            key: con.execute(f"select count(*) from {'.'.join(key.path)}").fetchone()  # noqa: S608
            for key in TABLES
        }
        tenants = con.execute("select distinct tenant_id from ledger.fetches order by tenant_id").fetchall()
    verdicts = Counter(item.verdict.verdict for item in loaded if item.verdict)
    seconds, size = round(time.monotonic() - started, 1), sum(item.record.body_bytes or 0 for item in loaded)
    strip = day_strip(workplace.landing(), {name: name for (name,) in tenants}, settings)
    for key in TABLES:
        counted = rows[key]
        metadata: dict[str, Any] = {"dagster/row_count": counted[0] if counted else 0}
        if key == FETCHES:
            metadata |= {"seconds": seconds, "answers_loaded": len(loaded), "bytes_loaded": size, "report_days": strip}
            metadata |= {f"answers_{verdict}": count for verdict, count in verdicts.items()}
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)


def _day_materialization(loaded: LoadedFetch) -> dg.AssetMaterialization:
    facts = loaded.facts
    return dg.AssetMaterialization(
        USER_DAYS,
        partition=str(loaded.record.report_date),
        metadata={
            "tenant_id": loaded.record.tenant_id,
            "dagster/partition_row_count": facts.active_rows or 0,
            "report_rows": facts.rows or 0,
            "unknown_rows": facts.unknown_rows or 0,
            "flag_disagreements": facts.flag_disagreements or 0,
            "report_refresh_date": str(facts.report_refresh_date),
            "bytes": loaded.record.body_bytes or 0,
        },
    )
