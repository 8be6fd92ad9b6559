"""A log for people who wait: one line per thing done, no internals."""

import logging
from typing import Any

import dagster as dg
from rich.console import Console

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

# Lines are printed as they are: no markup in a message is meant as such.
_AS_IT_IS: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}


class _ProgressHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True)

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if event is not None:
            if event.event_type_value == "STEP_START" and event.step_key in _STEPS:
                self._console.print(f"{_STEPS[event.step_key]} …", style="bold", **_AS_IT_IS)
            elif (event.message or "").startswith(_BLOCKED):
                self._console.print(f"  {WAITING}", style="yellow", **_AS_IT_IS)
            return
        if record.levelno < logging.INFO or meta.get("step_key") == "dbt":
            return
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        self._console.print(f"  {meta.get('orig_message') or record.getMessage()}", style=style, **_AS_IT_IS)


def _progress(_: dg.InitLoggerContext) -> logging.Logger:
    """Steps as they begin, and what our own code says; Dagster's own events are left out."""
    logger = logging.Logger("progress", level=logging.DEBUG)
    logger.addHandler(_ProgressHandler())
    return logger


progress = dg.LoggerDefinition(_progress, description="Progress lines for a terminal.")
