"""Dagster's own SQLite event log, with connections that stay open.

Dagster stores every event of a run in files of SQLite and opens, commits, synchronises and closes one for each event:
with some hundred assets that is more than half of a small run's time. Files, tables and what is read from them are
Dagster's; only how a connection is had is changed here.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
    SqliteEventLogStorageWatchdog,
)
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool
from watchdog.events import FileSystemEvent

# One file for all runs and one for each run: the UI looks at a few of them at a time.
OPEN_FILES = 4
BUSY_TIMEOUT_SECONDS = 60


class OpenSqliteEventLog(SqliteEventLogStorage):
    """The event log in ``base_dir`` ($DAGSTER_HOME/history/runs, where Dagster has it, unless told otherwise)."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Any:
        """One setting, that may be left out."""
        return {"base_dir": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> OpenSqliteEventLog:
        """As dagster.yaml has it."""
        default = Path(os.environ.get("DAGSTER_HOME", "."), "history", "runs")
        return cls(str(config_value.get("base_dir") or default), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        # The lock is Dagster's: one thread at a time has a connection, so one connection a file is enough.
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        known = self._engines.get(shard)
        if known is not None and Path(self.path_for_shard(shard)).exists():
            self._engines.move_to_end(shard)
            return known
        self._close(shard)
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,
            connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        event.listen(engine, "connect", _commit_without_waiting)
        self._engines[shard] = engine
        for other in [name for name in self._engines if name not in (INDEX_SHARD_NAME, shard)][: -OPEN_FILES or None]:
            self._close(other)
        return engine

    def _close(self, shard: str) -> None:
        engine = self._engines.pop(shard, None)
        if engine is not None:
            engine.dispose()

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        """Call back with each new event of a run: the UI's run page lives from it."""
        super().watch(run_id, cursor, callback)
        observer: Any = self._obs
        observer.remove_handler_for_watch(*self._watchers[run_id][callback])
        follower = _Follower(self, run_id, callback, cursor)
        self._watchers[run_id][callback] = (follower, observer.schedule(follower, self._base_dir, recursive=True))

    def dispose(self) -> None:
        """Close all files."""
        for shard in list(self._engines):
            self._close(shard)
        super().dispose()


class _Follower(SqliteEventLogStorageWatchdog):
    """Looks at the write-ahead log, too: while the file is open new events stand there only."""

    @property
    def patterns(self) -> list[str]:
        return [self._log_path, f"{self._log_path}-wal"]

    def on_modified(self, event: FileSystemEvent) -> None:  # noqa: ARG002
        self._process_log()


def _commit_without_waiting(connection: Any, _record: Any) -> None:
    # With a write-ahead log a power cut may lose the last events of a run, never the file. What was fetched and
    # loaded is told by landing and ledger.
    connection.execute("pragma synchronous = normal")
