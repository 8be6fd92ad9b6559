"""How the report days of a tenant stand, told from landing/ alone: for people who look while a run works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.graph.reports import USER_DETAIL
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import LandedFetch
from pipelines.window import ReportWindow

# The states of design and report_days, in the order in which they are summed up.
STATES = (
    "final",
    "provisional",
    "header_only",
    "late",
    "failed",
    "missing",
    "lost",
    "unsettled_lost",
)


@dataclass(frozen=True)
class DayStatus:
    """One report day: its state, whether its names are concealed, and why it is not as it should be."""

    report_date: date
    state: str
    is_concealed: bool = False
    is_held: bool = False
    reason: str | None = None


def day_statuses(landing: Landing, tenant_id: str, window: ReportWindow, settle_days: int) -> list[DayStatus]:
    """The state of every day of the window, oldest first."""
    return [_status(landing.day_fetches(tenant_id, USER_DETAIL, day), day, settle_days) for day in window.days]


def _status(fetches: list[LandedFetch], day: date, settle_days: int) -> DayStatus:
    if not fetches:
        return DayStatus(day, "missing", reason="The next sync asks for it.")
    newest = fetches[-1]
    verdict = newest.verdict
    is_held = verdict is not None and verdict.verdict == "held"
    is_aside = verdict is not None and verdict.verdict in ("kept", "held", "refused")
    reason = verdict.reason if verdict and is_aside else newest.record.error_message
    stored = [item for item in fetches if item.is_good and not _is_aside(item)]
    if not stored:
        outcome = newest.record.outcome
        return DayStatus(day, outcome if outcome in ("late", "lost") else "failed", reason=reason or "No reason given.")
    best = stored[-1]
    is_concealed = bool(best.verdict and best.verdict.is_concealed)
    if best.verdict is None:
        reason = reason or "Landed, not loaded yet."
    if best.verdict is not None and best.verdict.rows == 0:
        return DayStatus(day, "header_only", reason=reason or "Microsoft answered without any row.")
    age = (max(item.record.as_of for item in stored) - day).days
    if age >= settle_days:
        return DayStatus(day, "final", is_concealed, is_held, reason)
    state = "unsettled_lost" if newest.record.outcome == "lost" else "provisional"
    return DayStatus(day, state, is_concealed, is_held, reason)


def _is_aside(landed: LandedFetch) -> bool:
    return landed.verdict is not None and landed.verdict.verdict in ("kept", "held")
