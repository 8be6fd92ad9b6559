"""What one run asks of one tenant, in order, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from pipelines.graph import directory, reports
from pipelines.graph.budget import RequestBudget, WaitObserver
from pipelines.graph.client import GraphClient
from pipelines.settings import Settings, TenantSettings
from pipelines.sync.fetch import Fetcher
from pipelines.sync.history import concealed_setting, day_history, names_are_shown
from pipelines.sync.people import extract_people
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord
from pipelines.window import FetchPlan, plan_days

Progress = Callable[[FetchRecord], None]


@dataclass(frozen=True)
class DayExtract:
    """The report days of one tenant in one run: what was planned and how each request ended."""

    tenant_id: str
    plan: FetchPlan
    records: tuple[FetchRecord, ...]


def plan_report_days(
    settings: Settings, tenant: TenantSettings, landing: Landing, *, days: list[date] | None = None, full: bool = False
) -> FetchPlan:
    """Which report dates this run asks for; see pipelines.window."""
    window = settings.window
    if not tenant.cloud.has_usage_reports:
        return FetchPlan()
    history = day_history(landing, tenant.tenant_id, window)
    shown = names_are_shown(concealed_setting(landing, tenant.tenant_id), history)
    return plan_days(window, history, settle_days=settings.settle_days, full=full, names_shown=shown, days=days)


@contextmanager
def open_fetcher(
    settings: Settings,
    tenant: TenantSettings,
    landing: Landing,
    *,
    run_id: str | None = None,
    on_wait: WaitObserver | None = None,
    sleep: Callable[[float], None],
    clock: Callable[[], float] = time.time,
) -> Iterator[Fetcher]:
    """A fetcher for one tenant, its connections closed afterwards.

    clock (seconds since the epoch) and sleep pace the requests; tests replace both.
    """
    budget = RequestBudget(
        settings.data_dir / "throttle-budget.sqlite",
        per_app=settings.throttle_requests,
        per_tenant=settings.throttle_tenant_requests,
        window_seconds=settings.throttle_window_seconds,
        clock=clock,
        sleep=sleep,
        on_wait=on_wait,
    )
    client = GraphClient.connect(tenant, settings, budget, sleep)
    try:
        setting = concealed_setting(landing, tenant.tenant_id)
        yield Fetcher(client, landing, settings.window, run_id=run_id, is_concealed_setting=setting)
    finally:
        client.close()
        budget.close()


def extract_report_days(fetcher: Fetcher, plan: FetchPlan, on_fetch: Progress = lambda _: None) -> DayExtract:
    """Fetch the planned days, one request each.

    A missing permission ends the loop, as every further day would be refused too, and so does a service that
    gives no answer at all, each day after several tries: when two days in a row say so. The next run asks for the
    rest.
    """
    records: list[FetchRecord] = []
    for day in plan.days:
        record = fetcher.fetch_day(day)
        records.append(record)
        on_fetch(record)
        if _is_pointless(records):
            break
    return DayExtract(fetcher.client.tenant.tenant_id, plan, tuple(records))


def _is_pointless(records: list[FetchRecord]) -> bool:
    newest = records[-2:]
    is_refused = all(record.outcome == "refused_permission" for record in newest)
    is_silent = all(record.outcome == "failed" and record.http_status is None for record in newest)
    return len(newest) == 2 and (is_refused or is_silent)


def extract_report_periods(fetcher: Fetcher, on_fetch: Progress = lambda _: None) -> list[FetchRecord]:
    """Fetch the period snapshots that were not fetched today: evidence of idleness from the first day on.

    They share the request limit of the report days, so they come after them.
    """
    records = []
    tenant = fetcher.client.tenant
    for period in reports.PERIODS if tenant.cloud.has_usage_reports else ():
        fetches = fetcher.landing.period_fetches(tenant.tenant_id, reports.USER_DETAIL, period)
        if any(landed.is_good and landed.record.as_of == fetcher.window.today for landed in fetches):
            continue
        record = fetcher.fetch_period(period)
        records.append(record)
        on_fetch(record)
        if record.outcome == "refused_permission":
            break
    return records


def read_report_settings(fetcher: Fetcher) -> FetchRecord | None:
    """Ask whether names are concealed; None in a cloud without usage reports."""
    if not fetcher.client.tenant.cloud.has_usage_reports:
        return None
    return fetcher.fetch_endpoint(directory.REPORT_SETTINGS)


def extract_directory(
    fetcher: Fetcher, settings: Settings, sources: set[str], on_fetch: Progress = lambda _: None
) -> list[FetchRecord]:
    """Read the named directory and licence endpoints, and Microsoft's own counts."""
    records: list[FetchRecord] = []

    def note(record: FetchRecord) -> FetchRecord:
        records.append(record)
        on_fetch(record)
        return record

    if "users" in sources:
        extract_people(fetcher, settings, note)
    for endpoint in (
        directory.DELETED_USERS,
        directory.SUBSCRIBED_SKUS,
        directory.SUBSCRIPTIONS,
        directory.ORGANIZATION,
    ):
        if endpoint.source in sources:
            note(fetcher.fetch_endpoint(endpoint))
    if reports.USER_COUNTS in sources and fetcher.client.tenant.cloud.has_usage_reports:
        note(fetcher.fetch_user_counts("D30"))
    return records
