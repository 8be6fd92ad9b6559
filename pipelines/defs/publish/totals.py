"""The latest totals of a published build, as Markdown for the Dagster UI: counts only, nobody's name."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb

from pipelines.warehouse.publish import DATABASE_NAME

_MOST_TENANTS = 4
_TOTALS = """
select
    coalesce(any_value(t.name), t.tenant_id), any_value(s.window_start), any_value(s.window_end),
    any_value(s.active_users), any_value(s.app_user_days), any_value(teams.active_users), any_value(teams.user_days),
    sum(l.assigned), sum(l.unassigned), sum(l.over_assigned)
from tenants as t
left join suite_usage_28d as s on s.tenant_id = t.tenant_id
left join app_usage_28d as teams on teams.tenant_id = t.tenant_id and teams.app = 'teams'
left join license_inventory as l
    on l.tenant_id = t.tenant_id and l.applies_to = 'User'
    and not l.is_free and not coalesce(l.is_trial, false) and not l.looks_unlimited
group by t.tenant_id
order by 1
"""
# What a figure is called in the table, and in the plots.
_FIGURES = {
    "Suite: people": "suite_people",
    "Suite: app-days, the five apps summed up": "suite_app_days",
    "Teams on its own: people": "teams_people",
    "Teams on its own: days of use": "teams_days",
    "Paid licences: assigned": "licenses_assigned",
    "Paid licences: unassigned": "licenses_unassigned",
    "Paid licences: over-assigned": "licenses_over_assigned",
}
NO_FIGURE = "\u2013"


def totals(folder: Path) -> dict[str, dg.MetadataValue]:
    """A table with a line per figure and a column per tenant; the numbers too, to be plotted, of a single tenant."""
    with duckdb.connect(str(folder / DATABASE_NAME), read_only=True) as con:
        tenants = con.execute(_TOTALS).fetchall()
    shown = tenants[:_MOST_TENANTS]
    lines = [_line(["", *(_plain(name) for name, *_ in shown)]), _line(["---", *["---:"] * len(shown)])]
    lines.append(_line(["Days", *(f"{start} to {end}" if start else NO_FIGURE for _, start, end, *_ in shown)]))
    for place, figure in enumerate(_FIGURES, start=3):
        lines.append(_line([figure, *(_number(tenant[place]) for tenant in shown)]))
    more = len(tenants) - len(shown)
    table = "\n".join(lines) + (f"\n\nAnd {more} more tenants: see the page." if more else "")
    plotted = zip(_FIGURES.values(), tenants[0][3:], strict=True) if len(tenants) == 1 else ()
    numbers = {key: dg.MetadataValue.int(value) for key, value in plotted if value is not None}
    return {"totals": dg.MetadataValue.md(table), **numbers}


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """An organisation's name is data: it may not end the cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def _number(value: int | None) -> str:
    return NO_FIGURE if value is None else f"{value:,}"
