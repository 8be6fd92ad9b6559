"""What landing/ knows of each report date: the input of the plan. No database is opened for it."""

from __future__ import annotations

from datetime import date

from pipelines.graph.reports import USER_DETAIL
from pipelines.warehouse.landing import LandedFetch, Landing
from pipelines.window import DayHistory, ReportWindow


def day_history(landing: Landing, tenant_id: str, window: ReportWindow) -> dict[date, DayHistory]:
    """The history of every day of the window that was ever asked for."""
    histories = {day: _summarise(landing.day_fetches(tenant_id, USER_DETAIL, day)) for day in window.days}
    return {day: history for day, history in histories.items() if history.last_as_of is not None}


def _summarise(fetches: list[LandedFetch]) -> DayHistory:
    if not fetches:
        return DayHistory()
    settling = [landed.record.as_of for landed in fetches if landed.is_good and not _is_set_aside(landed)]
    newest = fetches[-1]
    outcome = "refused" if newest.record.outcome == "ok" and not newest.is_good else newest.record.outcome
    return DayHistory(good_as_of=max(settling, default=None), last_as_of=newest.record.as_of, last_outcome=outcome)


def _is_set_aside(landed: LandedFetch) -> bool:
    return landed.verdict is not None and landed.verdict.verdict in ("kept", "held")
