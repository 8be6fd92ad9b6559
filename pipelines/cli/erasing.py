"""What the commands that erase have in common: asking first, then rebuild, publish, and drop what was published."""

from __future__ import annotations

from collections.abc import Callable

import typer
from rich.console import Console

from pipelines.cli.jobs import report_outcome, run_job
from pipelines.settings import Settings
from pipelines.warehouse.erase import erase, finish
from pipelines.warehouse.landing import Landing


def ask(console: Console, question: str, *, is_answered: bool) -> None:
    """Go on only with a yes; nothing was changed so far."""
    if not is_answered and not typer.confirm(question, err=True):
        console.print("Nothing was changed.")
        raise typer.Exit(0)


def erase_and_publish(
    settings: Settings, console: Console, change: Callable[[], None], check: Callable[[], list[str]] = list
) -> None:
    """Change landing/, make the warehouse anew, publish it, and remove the releases from before.

    check: what is still not as it should be afterwards, a sentence each.
    """
    with console.status("Loading what is left …"):
        loaded = erase(
            settings.warehouse_path,
            Landing(settings.landing_dir),
            change,
            wait_seconds=settings.lock_wait_seconds,
            max_removed_share=settings.max_removed_share,
        )
    console.print(f"{len(loaded):,} answers loaded from {settings.landing_dir}.", highlight=False, soft_wrap=True)
    failures = run_job(settings, console, "refresh")
    if failures:
        failures.append(
            f"The releases in {settings.data_dir / 'releases'} still hold what was to go. Run the command again."
        )
    else:
        removed = finish(settings.data_dir)
        console.print(f"Earlier releases removed: {removed}.", highlight=False)
        failures = check()
    report_outcome(settings, console, failures)
