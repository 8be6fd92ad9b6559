"""Dagster's event log with files held open: the same events in the same files, seen by others as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from pipelines.cli.dagster_home import CONFIG
from pipelines.defs.event_log import OPEN_FILES, OpenSqliteEventLog


@dg.asset(check_specs=[dg.AssetCheckSpec("fine", asset="first")])
def first() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """An asset with a check."""
    yield dg.MaterializeResult(metadata={"rows": 3})
    yield dg.AssetCheckResult(passed=True, check_name="fine")


@dg.asset(deps=[first])
def second() -> None:
    """One after it."""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    with dg.DagsterInstance.get() as opened:
        yield opened


def kinds(records: list[dg.EventLogEntry]) -> list[str]:
    return [record.dagster_event_type.value for record in records if record.dagster_event_type]


def test_the_configured_instance_has_it_where_dagster_has_its_own(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    dg.materialize([first, second], instance=instance)
    assert isinstance(instance.event_log_storage, OpenSqliteEventLog)
    assert (tmp_path / "history" / "runs" / "index.db").exists()


def test_dagster_itself_reads_what_was_written(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = dg.materialize([first, second], instance=instance)
    theirs = SqliteEventLogStorage(str(tmp_path / "history" / "runs"))
    written = kinds(list(instance.all_logs(run.run_id)))
    assert kinds(list(theirs.get_logs_for_run(run.run_id))) == written
    assert written.count("ASSET_MATERIALIZATION") == 2
    assert written.count("ASSET_CHECK_EVALUATION") == 1
    for key in (first.key, second.key):
        found = theirs.get_latest_materialization_events([key])[key]
        assert found is not None
        assert found.run_id == run.run_id


def test_many_runs_leave_few_files_open(instance: dg.DagsterInstance) -> None:
    runs = [dg.materialize([first], instance=instance).run_id for _ in range(OPEN_FILES + 3)]
    storage = instance.event_log_storage
    assert isinstance(storage, OpenSqliteEventLog)
    assert len(storage._engines) <= OPEN_FILES + 2
    for run_id in runs:
        assert "ASSET_MATERIALIZATION" in kinds(list(instance.all_logs(run_id)))
    instance.delete_run(runs[0])
    assert list(instance.all_logs(runs[0])) == []


def test_the_run_page_sees_events_while_the_run_goes_on(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = dg.materialize([first], instance=instance)
    reader = OpenSqliteEventLog(str(tmp_path / "history" / "runs"))
    came = threading.Event()
    seen: list[str] = []

    def note(entry: dg.EventLogEntry, _cursor: str) -> None:
        seen.append(entry.user_message)
        came.set()

    try:
        reader.watch(run.run_id, None, note)
        # The writer has the file open, so the event stands in the write-ahead log alone.
        instance.report_engine_event("news", dagster_run=instance.get_run_by_id(run.run_id))
        assert came.wait(10)
        reader.end_watch(run.run_id, note)
    finally:
        reader.dispose()
    assert seen
