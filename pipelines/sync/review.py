"""Accepting a correction that was held because it would take away much of a stored day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pipelines.graph.reports import USER_DETAIL
from pipelines.settings import SettingsError
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord, LandedFetch


def held_corrections(landing: Landing, tenant_id: str) -> list[LandedFetch]:
    """The held corrections that still stand: no later answer for the day was stored. Oldest day first."""
    found = []
    for day in landing.report_dates(tenant_id, USER_DETAIL):
        settled = [item for item in landing.day_fetches(tenant_id, USER_DETAIL, day) if item.verdict]
        if settled and settled[-1].verdict and settled[-1].verdict.verdict == "held":
            found.append(settled[-1])
    return found


def accept_correction(landing: Landing, tenant_id: str, report_date: date) -> FetchRecord:
    """Land the operator's decision: the next load puts the held correction in the place of the stored day.

    The decision is a record of its own beside the held answer, so a rebuild comes to the same tables.
    Raises SettingsError when nothing is held for the day.
    """
    held = {item.record.report_date: item for item in held_corrections(landing, tenant_id)}
    if report_date not in held:
        days = ", ".join(str(day) for day in held) or "none"
        raise SettingsError(f"No correction of {report_date} is held in tenant {tenant_id}; held days: {days}.")
    original = held[report_date]
    now = landing.clock()
    record = replace(
        original.record,
        fetch_id=landing.new_fetch_id(),
        requested_at=now,
        completed_at=now,
        requests=0,
        throttled_seconds=0.0,
        run_id=None,
        accepts_fetch_id=original.record.fetch_id,
    )
    landing.commit(original.record_path.parent, record)
    return record
