"""m365-usage purge: what is older than retention allows."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from pipelines.actions.retention import OldActions, old_actions, purge_actions
from pipelines.cli.console import messages
from pipelines.cli.erasing import ask, erase_and_publish
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.warehouse.erase import is_unfinished
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.thin import PurgePlan, plan_purge, purge_landing


def purge(
    keep_days: Annotated[
        int | None, typer.Option("--keep-days", help="How many days to keep, instead of M365_RETENTION_DAYS.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Drop what is older than retention: report days, period snapshots, former states of people, plans and log of
    actions, old releases.
    """
    settings = load_settings()
    days = checked_days(settings, keep_days)
    landing, console = Landing(settings.landing_dir), messages()
    if not settings.landing_dir.is_dir():
        raise SettingsError(f"There is no {settings.landing_dir}: nothing was collected yet.")
    plan = plan_purge(landing, settings.today_utc - timedelta(days=days))
    actions = old_actions(settings.actions_dir, plan.horizon)
    print_plan(console, plan, actions, days)
    unfinished = is_unfinished(settings.data_dir)
    if not plan and not actions and not unfinished:
        console.print("Nothing is older: nothing to do.")
        return
    if unfinished:
        console.print("An earlier purge or forget was not finished; it is finished now.")
    ask(console, "Remove this for good?", is_answered=yes)

    # Again, under the lock: another process may have landed and loaded meanwhile.
    def change() -> None:
        purge_actions(settings.actions_dir, plan.horizon)
        purge_landing(plan_purge(landing, plan.horizon))

    erase_and_publish(settings, console, change)


def checked_days(settings: Settings, keep_days: int | None) -> int:
    """The days to keep. Raises SettingsError where none are named, or fewer than Microsoft serves."""
    days = settings.retention_days if keep_days is None else keep_days
    if days is None:
        raise SettingsError("Say how many days to keep, with --keep-days or M365_RETENTION_DAYS; by default all stay.")
    least = settings.lag_days + settings.window_days
    if days < least:
        raise SettingsError(
            f"At least {least} days are kept: Microsoft still serves them, so the next sync would fetch them again."
        )
    return days


def print_plan(console: Console, plan: PurgePlan, actions: OldActions, days: int) -> None:
    """What would go, in counts."""
    console.print(f"Keeping {days} days: report days from {plan.horizon} on.", highlight=False)
    gone = plan.days
    span = f" ({gone[0]} to {gone[-1]})" if gone else ""
    for line in (
        f"report days: {len(gone):,}{span}",
        f"period snapshots: {plan.periods:,}",
        f"reads of the directory: {plan.directory_reads:,} (the newest from before stays)",
        f"files without a record: {len(plan.orphans):,}",
        f"actions: {len(actions.plans):,} plans, {actions.lines:,} lines of the log",
        f"in all {len(plan.fetches):,} answers, {plan.bytes:,} bytes; and every release but the new one",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
