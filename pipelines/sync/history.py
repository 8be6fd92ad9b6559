"""What landing/ knows of each report date: the input of the plan. No database is opened for it."""

from __future__ import annotations

import json
from datetime import date

from pipelines.graph.directory import REPORT_SETTINGS
from pipelines.graph.reports import USER_DETAIL
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import LandedFetch
from pipelines.window import DayHistory, ReportWindow


def day_history(landing: Landing, tenant_id: str, window: ReportWindow) -> dict[date, DayHistory]:
    """The history of every day of the window that was ever asked for."""
    histories = {day: _summarise(landing.day_fetches(tenant_id, USER_DETAIL, day)) for day in window.days}
    return {day: history for day, history in histories.items() if history.last_as_of is not None}


def names_are_shown(setting: bool | None, histories: dict[date, DayHistory]) -> bool:
    """Whether a day fetched now would come with names.

    setting: what the tenant's "display concealed names" says, None where it could not be read; then the newest
    stored day tells.
    """
    if setting is not None:
        return not setting
    good = {day: history for day, history in histories.items() if history.good_as_of is not None}
    return bool(good) and not good[max(good)].is_concealed


def concealed_setting(landing: Landing, tenant_id: str) -> bool | None:
    """The tenant's "display concealed names" as last read; None when it never could be."""
    landed = landing.newest_answer(tenant_id, REPORT_SETTINGS.source)
    if landed is None:
        return None
    try:
        value = json.loads(landing.read_body(landed)).get("displayConcealedNames")
    except (ValueError, AttributeError):
        return None
    return value if isinstance(value, bool) else None


def _summarise(fetches: list[LandedFetch]) -> DayHistory:
    if not fetches:
        return DayHistory()
    settling = [landed for landed in fetches if landed.is_good and not _is_set_aside(landed)]
    # A header alone settles nothing: the rows may come another day.
    settling = [landed for landed in settling if landed.verdict is None or landed.verdict.rows != 0]
    newest = fetches[-1]
    outcome = "refused" if newest.record.outcome == "ok" and not newest.is_good else newest.record.outcome
    return DayHistory(
        good_as_of=max((landed.record.as_of for landed in settling), default=None),
        last_as_of=newest.record.as_of,
        last_outcome=outcome,
        is_concealed=bool(settling and settling[-1].verdict and settling[-1].verdict.is_concealed),
    )


def _is_set_aside(landed: LandedFetch) -> bool:
    return landed.verdict is not None and landed.verdict.verdict in ("kept", "held")
