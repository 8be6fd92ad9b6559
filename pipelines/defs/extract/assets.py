"""From Microsoft Graph to landing/: report days (daily partitions), directory, licences, settings."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from pipelines.defs.extract.day_strip import day_strip
from pipelines.defs.extract.partitions import report_day_partitions
from pipelines.defs.owners import OWNERS
from pipelines.defs.resources import SyncConfig, Workplace, readable_errors
from pipelines.graph.reports import USER_COUNTS
from pipelines.settings import load_settings
from pipelines.sync.extract import (
    DayExtract,
    Progress,
    extract_directory,
    extract_report_days,
    extract_report_periods,
    plan_report_days,
    read_report_settings,
)
from pipelines.sync.fetch import Fetcher
from pipelines.warehouse.records import FetchRecord

REPORT_DAYS = dg.AssetKey(["landing", "report_days"])
REPORT_REQUESTS = dg.AssetKey(["landing", "report_requests"])
REPORT_PERIODS = dg.AssetKey(["landing", "report_periods"])
REPORT_SETTINGS = dg.AssetKey(["landing", "report_settings"])
DIRECTORY_SOURCES = {
    "users": "users",
    "deleted_users": "deletedUsers",
    "subscribed_skus": "subscribedSkus",
    "subscriptions": "subscriptions",
    "organization": "organization",
    "user_counts": USER_COUNTS,
}


def graph_source(path: str) -> dg.AssetKey:
    """The external asset that stands for an endpoint of Microsoft Graph."""
    return dg.AssetKey(["graph", path])


@dg.asset(
    key=REPORT_SETTINGS,
    group_name="landing",
    owners=OWNERS,
    kinds={"microsoft", "json"},
    deps=[graph_source("reportSettings")],
)
def report_settings(
    context: dg.AssetExecutionContext, config: SyncConfig, workplace: Workplace
) -> dg.MaterializeResult[None]:
    """Whether the tenant conceals names in its reports. Read before the reports, never changed."""
    with readable_errors():
        records = workplace.work(context, config.tenant).for_each(read_report_settings)
    outcomes = Counter(record.outcome if record else "unavailable" for record in records)
    return dg.MaterializeResult(metadata={f"tenants_{outcome}": count for outcome, count in outcomes.items()})


@dg.asset(
    key=REPORT_REQUESTS,
    group_name="landing",
    owners=OWNERS,
    kinds={"microsoft", "json"},
    deps=[graph_source("getM365AppUserDetail"), REPORT_SETTINGS],
    check_specs=[
        dg.AssetCheckSpec(
            "every_day_answered",
            asset=REPORT_REQUESTS,
            blocking=False,
            description="Microsoft answered for every day that was asked for. Late and lost days only warn.",
        )
    ],
)
def report_requests(
    context: dg.AssetExecutionContext, config: SyncConfig, workplace: Workplace
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """One record per request for a report day: its outcome, with or without a body.

    Asks for the days of the window that are missing or still settling; pipelines.window chooses them.
    """
    started = time.monotonic()
    wanted = config.days(workplace.settings().window)
    extracts = _extract_days(context, workplace, config.tenant, wanted, full=config.full)
    tenants = {tenant.tenant_id: tenant.label for tenant in workplace.tenants(config.tenant)}
    strip = day_strip(workplace.landing(), tenants, workplace.settings())
    _announce_days(context, extracts, strip)
    seconds = round(time.monotonic() - started, 1)
    yield dg.MaterializeResult(metadata={"report_days": strip, "seconds": seconds, **_extract_metadata(extracts)})
    yield _check_days(extracts)


@dg.asset(
    key=REPORT_DAYS,
    group_name="landing",
    owners=OWNERS,
    kinds={"microsoft", "csv"},
    deps=[graph_source("getM365AppUserDetail")],
    partitions_def=report_day_partitions(load_settings()),
    backfill_policy=dg.BackfillPolicy.single_run(),
    output_required=False,
)
def report_days(context: dg.AssetExecutionContext, workplace: Workplace) -> None:
    """The report CSV of each day as Microsoft sent it; only answered days show as materialised.

    The sync job fills it day by day. Materialising chosen days here asks for exactly those again, in one run;
    the next sync loads them.
    """
    wanted = [date.fromisoformat(key) for key in context.partition_keys]
    extracts = _extract_days(context, workplace, None, wanted, full=True)
    tenants = {tenant.tenant_id: tenant.label for tenant in workplace.tenants()}
    _announce_days(context, extracts, day_strip(workplace.landing(), tenants, workplace.settings()))
    unanswered = [record for extract in extracts for record in extract.records if record.outcome != "ok"]
    if unanswered:
        first = unanswered[0]
        raise dg.Failure(
            description=f"{len(unanswered)} of the days were not answered; {first.report_date} is {first.outcome}: "
            f"{first.error_message}",
            allow_retries=False,
        )
    if len(extracts) < len(workplace.tenants()):
        raise dg.Failure(description="A tenant was left out; the log says which and why.", allow_retries=False)


@dg.asset(
    key=REPORT_PERIODS,
    group_name="landing",
    owners=OWNERS,
    kinds={"microsoft", "csv"},
    # After the days: both draw on one request limit, and days expire.
    deps=[graph_source("getM365AppUserDetail"), REPORT_REQUESTS],
)
def report_periods(
    context: dg.AssetExecutionContext, config: SyncConfig, workplace: Workplace
) -> dg.MaterializeResult[None]:
    """The use of every licensed person in the last 7, 30, 90 and 180 days, once a day."""
    started = time.monotonic()
    with readable_errors():
        found = workplace.work(context, config.tenant).for_each(
            lambda fetcher: extract_report_periods(fetcher, on_fetch=_logger(context, fetcher))
        )
    records = [record for of_tenant in found for record in of_tenant]
    outcomes = Counter(record.outcome for record in records)
    return dg.MaterializeResult(
        metadata={
            "bytes": sum(record.body_bytes or 0 for record in records),
            "requests": sum(record.requests for record in records),
            "seconds": round(time.monotonic() - started, 1),
            **{f"requests_{outcome}": count for outcome, count in outcomes.items()},
        }
    )


@dg.multi_asset(
    name="directory",
    group_name="landing",
    specs=[
        dg.AssetSpec(
            ["landing", name],
            deps=[graph_source(source)],
            owners=OWNERS,
            kinds={"microsoft", "csv" if source == USER_COUNTS else "json"},
            description=f"The answer of Graph for {source}, as received.",
        )
        for name, source in DIRECTORY_SOURCES.items()
    ],
)
def directory(
    context: dg.AssetExecutionContext, config: SyncConfig, workplace: Workplace
) -> Iterator[dg.MaterializeResult[None]]:
    """Read people, licences, subscriptions, the organisation and Microsoft's own daily counts, whole."""
    settings, sources = workplace.settings(), set(DIRECTORY_SOURCES.values())
    with readable_errors():
        found = workplace.work(context, config.tenant).for_each(
            lambda fetcher: extract_directory(fetcher, settings, sources, on_fetch=_logger(context, fetcher))
        )
    records = [record for of_tenant in found for record in of_tenant]
    for name, source in DIRECTORY_SOURCES.items():
        of_source = [record for record in records if record.source == source]
        outcomes = Counter(record.outcome for record in of_source)
        yield dg.MaterializeResult(
            asset_key=["landing", name],
            metadata={
                "bytes": sum(record.body_bytes or 0 for record in of_source),
                "requests": sum(record.requests for record in of_source),
                **{f"requests_{outcome}": count for outcome, count in outcomes.items()},
            },
        )


def _extract_days(
    context: dg.AssetExecutionContext, workplace: Workplace, only: str | None, wanted: list[date], *, full: bool
) -> list[DayExtract]:
    settings = workplace.settings()

    def extract(fetcher: Fetcher) -> DayExtract:
        tenant = fetcher.client.tenant
        if tenant.cloud.gap:
            context.log.warning(f"Tenant {tenant.label}, {tenant.cloud.name}: {tenant.cloud.gap}")
        plan = plan_report_days(settings, tenant, fetcher.landing, days=wanted, full=full)
        needs = plan.describe(settings.throttle_requests, settings.throttle_window_seconds)
        context.log.info(f"Tenant {tenant.label}: {needs}")
        return extract_report_days(fetcher, plan, on_fetch=_logger(context, fetcher))

    with readable_errors():
        return workplace.work(context, only).for_each(extract)


def _announce_days(
    context: dg.AssetExecutionContext, extracts: list[DayExtract], strip: dg.MarkdownMetadataValue
) -> None:
    """A materialisation for each answered day; the last, which the asset's page shows, with the strip of all."""
    answered = _answered(extracts)
    for record in answered:
        metadata = _record_metadata(record) | ({"report_days": strip} if record is answered[-1] else {})
        context.log_event(dg.AssetMaterialization(REPORT_DAYS, partition=str(record.report_date), metadata=metadata))


def _answered(extracts: list[DayExtract]) -> list[FetchRecord]:
    return [record for extract in extracts for record in extract.records if record.outcome == "ok"]


def _logger(context: dg.AssetExecutionContext, fetcher: Fetcher) -> Progress:
    tenant = fetcher.client.tenant.label

    def note(record: FetchRecord) -> None:
        what = f"{tenant}: {record.source} {record.report_date or record.report_period or ''}".strip()
        if record.outcome == "ok":
            context.log.info(f"{what}: {record.body_bytes:,} bytes")
        else:
            context.log.warning(f"{what} is {record.outcome}: {record.error_message}")

    return note


def _record_metadata(record: FetchRecord) -> dict[str, Any]:
    return {
        "tenant_id": record.tenant_id,
        "bytes": record.body_bytes or 0,
        "landing_file": record.body_path or "",
        "requests": record.requests,
    }


def _extract_metadata(extracts: list[DayExtract]) -> dict[str, int | float]:
    records = [record for extract in extracts for record in extract.records]
    outcomes = Counter(record.outcome for record in records)
    return {
        "days_asked": len(records),
        "days_final": sum(extract.plan.final for extract in extracts),
        "bytes": sum(record.body_bytes or 0 for record in records),
        "requests": sum(record.requests for record in records),
        "throttled_seconds": round(sum(record.throttled_seconds for record in records), 1),
        **{f"days_{outcome}": count for outcome, count in outcomes.items()},
    }


def _check_days(extracts: list[DayExtract]) -> dg.AssetCheckResult:
    unanswered = [record for extract in extracts for record in extract.records if record.outcome != "ok"]
    rows = [
        dg.TableRecord(
            {
                "tenant_id": record.tenant_id,
                "report_date": str(record.report_date),
                "state": record.outcome,
                "reason": record.error_message or "",
            }
        )
        for record in unanswered
    ]
    is_failure = any(record.outcome not in ("late", "lost") for record in unanswered)
    return dg.AssetCheckResult(
        asset_key=REPORT_REQUESTS,
        check_name="every_day_answered",
        passed=not unanswered,
        severity=dg.AssetCheckSeverity.ERROR if is_failure else dg.AssetCheckSeverity.WARN,
        metadata={"days": dg.MetadataValue.table(rows)} if rows else {},
    )
