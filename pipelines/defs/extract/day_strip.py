"""The report days at one glance: a glyph per expected day, as the Dagster UI shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import dagster as dg

from pipelines.settings import Settings
from pipelines.sync.status import STATES, DayStatus, day_statuses
from pipelines.warehouse.landing import Landing

# The signs of m365-usage status.
GLYPHS = {
    "final": "\u2588",
    "provisional": "\u2592",
    "header_only": "0",
    "late": "\u2026",
    "failed": "!",
    "missing": "\u00b7",
    "lost": "x",
    "unsettled_lost": "\u2591",
}
_NEEDS_WORDS = ("header_only", "late", "failed", "missing", "lost", "unsettled_lost")
_MOST_REASONS = 7


def day_strip(landing: Landing, tenants: Mapping[str, str], settings: Settings) -> dg.MarkdownMetadataValue:
    """The window of each tenant, oldest day first, a space before each Monday; then what is not as it should be.

    tenants: tenant id -> what it is called.
    """
    parts = [
        strip_of(label, day_statuses(landing, tenant_id, settings.window, settings.settle_days))
        for tenant_id, label in tenants.items()
    ]
    return dg.MetadataValue.md("\n\n".join(parts))


def strip_of(label: str, days: Sequence[DayStatus]) -> str:
    """Markdown for one tenant."""
    glyphs = "".join(
        (" " if place and day.report_date.isoweekday() == 1 else "") + GLYPHS[day.state]
        for place, day in enumerate(days)
    )
    counts = Counter(day.state for day in days)
    legend = ", ".join(
        f"`{GLYPHS[state]}` {state.replace('_', ' ')} {counts[state]}" for state in STATES if counts[state]
    )
    concealed = sum(day.is_concealed for day in days)
    lines = [
        f"**{label}**, {days[0].report_date} to {days[-1].report_date}",
        f"```\n{glyphs}\n```",
        legend + (f"; names concealed on {concealed} of them" if concealed else ""),
    ]
    troubled = [day for day in days if day.state in _NEEDS_WORDS]
    lines += (
        [
            "\n".join(
                f"- {day.report_date} {day.state.replace('_', ' ')}: {day.reason}" for day in troubled[:_MOST_REASONS]
            )
        ]
        if troubled
        else []
    )
    if len(troubled) > _MOST_REASONS:
        lines[-1] += f"\n- and {len(troubled) - _MOST_REASONS} more; `m365-usage status` lists them"
    return "\n\n".join(lines)
