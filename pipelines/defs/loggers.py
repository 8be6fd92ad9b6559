"""A log for people who wait: one line per thing done, no internals."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

_STEPS = {
    "landing__report_settings": "Reading the report settings",
    "landing__report_requests": "Fetching report days",
    "landing__report_periods": "Fetching period snapshots",
    "directory": "Reading people and licences",
    "load": "Loading into DuckDB",
    "rules": "Reading prices, exceptions and thresholds",
    "dbt": "Building and testing the models",
    "publish": "Publishing",
}

# What Dagster says, at first and once a minute, of a step whose pool another run holds.
_BLOCKED = ("Step blocked by limit for pool", "Step still blocked by limit for pool")
WAITING = "Waiting: another run works on the warehouse."

# Steps that wanted what a failed one was to bring: the failure itself is told.
_SKIPPED = "Dependencies for step"

# Lines are printed as they are: no markup in a message is meant as such.
_AS_IT_IS: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}


# The steps that are over, of a run that somebody watches on a terminal.
_watched: list[tuple[Progress, TaskID]] = []


@contextmanager
def progress_bar(console: Console, steps: int) -> Iterator[None]:
    """On a terminal, a bar of so many steps under the lines of the one run that goes on meanwhile in this process."""
    if not console.is_terminal or console.quiet:
        yield
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        _watched.append((bar, bar.add_task("Starting", total=steps)))
        try:
            yield
        finally:
            _watched.pop()


class _ProgressHandler(logging.Handler):
    def __init__(self, *, quiet: bool) -> None:
        super().__init__()
        # Above the bar, where there is one.
        self._console = _watched[-1][0].console if _watched else Console(stderr=True, quiet=quiet)

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if event is not None:
            for bar, task in _watched:
                _move(bar, task, event.event_type_value, event.step_key)
            if event.event_type_value == "STEP_START" and event.step_key in _STEPS:
                self._console.print(f"{_STEPS[event.step_key]} …", style="bold", **_AS_IT_IS)
            elif (event.message or "").startswith(_BLOCKED):
                self._console.print(f"  {WAITING}", style="yellow", **_AS_IT_IS)
            return
        if record.levelno < logging.INFO or meta.get("step_key") == "dbt":
            return
        message = meta.get("orig_message") or record.getMessage()
        if message.startswith(_SKIPPED):
            return
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        self._console.print(f"  {message}", style=style, **_AS_IT_IS)


def _move(bar: Progress, task: TaskID, what: str, step: str | None) -> None:
    if what == "STEP_START" and step in _STEPS:
        bar.update(task, description=_STEPS[step])
    elif what in ("STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"):
        bar.advance(task)


def _progress(context: dg.InitLoggerContext) -> logging.Logger:
    """Steps as they begin, and what our own code says; Dagster's own events are left out."""
    logger = logging.Logger("progress", level=logging.DEBUG)
    logger.addHandler(_ProgressHandler(quiet=context.logger_config["quiet"]))
    return logger


progress = dg.LoggerDefinition(
    _progress,
    config_schema={"quiet": dg.Field(bool, default_value=False, description="Say nothing.")},
    description="Progress lines for a terminal.",
)
