"""What is checked of the raw data after loading: freshness, rows, contradictions."""

from collections.abc import Iterator

import dagster as dg

from pipelines.defs.extract.load import FETCHES
from pipelines.defs.resources import Workplace, readable_errors
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.health import Health, read_health

# Microsoft publishes about two days late, at times more; beyond this the data are stale.
STALE_AFTER_DAYS = 4


@dg.multi_asset_check(
    name="raw_health",
    pool="duckdb",
    specs=[
        dg.AssetCheckSpec(
            "newest_day_is_recent",
            asset=FETCHES,
            description=f"The newest stored report day is at most {STALE_AFTER_DAYS} days old.",
        ),
        dg.AssetCheckSpec(
            "no_day_about_to_be_lost", asset=FETCHES, description="No day that Microsoft will soon forget is unstored."
        ),
        dg.AssetCheckSpec("every_day_has_rows", asset=FETCHES, description="No stored day of the window is empty."),
        dg.AssetCheckSpec("flags_agree", asset=FETCHES, description="App flags agree with their platform flags."),
    ],
)
def raw_health(workplace: Workplace) -> Iterator[dg.AssetCheckResult]:
    """Look at the stored days of every tenant once, after loading."""
    settings = workplace.settings()
    with readable_errors(), open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        health = read_health(con, settings.window)
    yield _check("newest_day_is_recent", health, [h for h in health if h.days_behind > STALE_AFTER_DAYS])
    yield _check("no_day_about_to_be_lost", health, [h for h in health if h.expiring_days])
    yield _check("every_day_has_rows", health, [h for h in health if h.empty_days])
    yield _check("flags_agree", health, [h for h in health if h.flag_disagreements])


def _check(name: str, health: list[Health], bad: list[Health]) -> dg.AssetCheckResult:
    rows = [
        dg.TableRecord(
            {
                "tenant_id": item.tenant_id,
                "newest_day": str(item.newest_day),
                "days_behind": item.days_behind,
                "stored_days": item.stored_days,
                "expiring_days": item.expiring_days,
                "empty_days": item.empty_days,
                "flag_disagreements": item.flag_disagreements,
            }
        )
        for item in health
    ]
    return dg.AssetCheckResult(
        asset_key=FETCHES,
        check_name=name,
        passed=not bad,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"tenants": dg.MetadataValue.table(rows)} if rows else {},
    )


all_checks = [raw_health]
