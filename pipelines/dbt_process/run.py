"""dbt in this process, without three things that cost a third of a small tenant's run and that nobody looks at."""

import gc
import sys
from typing import Any


def load_dbt() -> None:
    """Import everything that a run needs, and quicken it."""
    import dbt.adapters.duckdb
    import dbt.cli.main  # noqa: F401

    _drop_unwritten_events()
    _parse_once_for_all_warehouses()
    # dbt makes objects by the hundred thousand and keeps nearly all of them: looking for garbage finds none.
    gc.set_threshold(100_000, 50, 1_000)


def run_dbt(arguments: list[str]) -> int:
    """Run dbt's command line; returns its exit code."""
    load_dbt()
    from dbt.cli.main import cli

    sys.argv = ["dbt", *arguments]
    try:
        cli()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    finally:
        # So that Python does not look through all of it once more while it ends.
        gc.freeze()
    return 0


def _drop_unwritten_events() -> None:
    """dbt puts every debug event into words, as JSON, before it looks whether anybody wants it."""
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.event_manager import EventManager

    unwritten = (EventLevel.DEBUG, EventLevel.TEST)
    fire_event = EventManager.fire_event

    def fire_wanted_event(self: EventManager, e: Any, level: Any = None, *args: Any, **kwargs: Any) -> None:
        if (level or e.level_tag()) in unwritten and not any(logger.level in unwritten for logger in self.loggers):
            return
        fire_event(self, e, level, *args, **kwargs)

    EventManager.fire_event = fire_wanted_event  # type: ignore[method-assign]


def _parse_once_for_all_warehouses() -> None:
    """What was parsed holds for any warehouse of the same name: no model asks in which folder it lies."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    keys = DuckDBCredentials._connection_keys

    def keys_without_path(self: DuckDBCredentials) -> tuple[str, ...]:
        return tuple(key for key in keys(self) if key != "path")  # type: ignore[no-untyped-call]

    DuckDBCredentials._connection_keys = keys_without_path  # type: ignore[method-assign]
