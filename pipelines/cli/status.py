"""m365-usage status: the report days of the last four weeks, and why one is missing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from itertools import groupby
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from pipelines.cli.console import results
from pipelines.cli.tenants import known_tenants
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.sync.status import STATES, DayStatus, day_statuses
from pipelines.warehouse.landing import Landing

# One sign per day; each differs without colour, too.
SIGNS = {
    "final": ("█", "green"),
    "provisional": ("▒", "green"),
    "header_only": ("0", "yellow"),
    "late": ("…", "yellow"),
    "failed": ("!", "red"),
    "missing": ("·", "dim"),
    "lost": ("x", "red"),
    "unsettled_lost": ("▒", "yellow"),
}
MEANINGS = {
    "final": "final",
    "provisional": "still settling",
    "header_only": "without rows",
    "late": "late",
    "failed": "failed",
    "missing": "not fetched yet",
    "lost": "lost",
    "unsettled_lost": "kept unsettled",
}


def status(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of the strip.")] = False,
) -> None:
    """Show the last 28 report days as a strip, with the reason for each gap."""
    settings = load_settings()
    landing = Landing(settings.landing_dir)
    tenants = known_tenants(settings, tenant)
    if not tenants:
        raise SettingsError(f"Nothing is landed below {settings.data_dir} yet: run m365-usage sync (or demo) first.")
    statuses = {name: day_statuses(landing, name, settings.window, settings.settle_days) for name in tenants}
    if as_json:
        typer.echo(json.dumps(_as_json(statuses), default=str, indent=2))
        return
    console = results()
    for name, days in statuses.items():
        print_strip(console, settings, name, days)


def print_strip(console: Console, settings: Settings, tenant_id: str, days: list[DayStatus]) -> None:
    """One tenant: the strip, the counts, a line for the days with something to say."""
    window = settings.window
    console.print(f"\n{tenant_id}  {window.start} to {window.end}", style="bold", highlight=False)
    strip = Text("  ")
    for day in days:
        sign, style = SIGNS[day.state]
        strip.append(sign, style=style)
    console.print(strip)
    counts = Counter(day.state for day in days)
    console.print(
        "  " + " · ".join(f"{SIGNS[state][0]} {counts[state]} {MEANINGS[state]}" for state in STATES if counts[state]),
        highlight=False,
    )
    for what, alike in groupby(days, key=_what_to_say):
        if what:
            first, *rest = [day.report_date for day in alike]
            until = f" to {rest[-1]}" if rest else ""
            console.print(f"  {first}{until}  {what}", highlight=False, markup=False)
    if any(day.is_held for day in days):
        console.print("  A held correction is put in place by: m365-usage accept DATE", style="dim", highlight=False)


def _what_to_say(day: DayStatus) -> str:
    """What the reader is told of a day; empty where nothing is amiss. Days in a row that say the same share a line."""
    notes = [*(["names concealed"] if day.is_concealed else []), *(["correction held"] if day.is_held else [])]
    if not (day.reason or notes):
        return ""
    return ", ".join([MEANINGS[day.state], *notes]) + (f": {day.reason}" if day.reason else "")


def _as_json(statuses: dict[str, list[DayStatus]]) -> dict[str, object]:
    return {"tenants": [{"tenant_id": name, "days": [asdict(day) for day in days]} for name, days in statuses.items()]}
