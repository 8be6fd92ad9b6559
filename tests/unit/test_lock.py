"""The lock of the warehouse: one process at a time, the holder named, freed by death."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.database import open_warehouse, transaction
from pipelines.warehouse.errors import WarehouseBusyError
from pipelines.warehouse.lock import warehouse_lock

_HOLDER = """
import sys
from pathlib import Path
from pipelines.warehouse.lock import warehouse_lock
with warehouse_lock(Path(sys.argv[1]), wait_seconds=10):
    print("held", flush=True)
    sys.stdin.readline()
"""

Hold = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def hold(path: Path) -> Iterator[Hold]:
    """Start processes that hold the lock until they read a line, or die."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_second_process_is_told_who_holds_the_lock(path: Path, hold: Hold) -> None:
    holder = hold()
    began = time.monotonic()
    with pytest.raises(WarehouseBusyError) as caught, warehouse_lock(path, wait_seconds=0.3):
        pass
    assert 0.25 <= time.monotonic() - began < 5
    message = str(caught.value)
    assert str(path) in message
    assert f"in use by process {holder.pid}, since " in message
    assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; waited 0 s", message)


def test_a_second_process_waits_until_the_first_is_done(path: Path, hold: Hold) -> None:
    holder = hold()
    assert holder.stdin is not None
    threading.Timer(0.3, lambda: (holder.stdin.write("go\n"), holder.stdin.flush())).start()  # type: ignore[union-attr]
    began = time.monotonic()
    with warehouse_lock(path, wait_seconds=20):
        waited = time.monotonic() - began
    assert 0.2 <= waited < 15


def test_death_frees_the_lock(path: Path, hold: Hold) -> None:
    holder = hold()
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with warehouse_lock(path, wait_seconds=0):
        assert f"process {os.getpid()}," in path.with_name("warehouse.duckdb.lock.holder").read_text()


def test_an_exception_frees_the_lock(path: Path, hold: Hold) -> None:
    def fails() -> None:
        with warehouse_lock(path, wait_seconds=0):
            raise KeyError("x")

    with pytest.raises(KeyError):
        fails()
    hold()


def test_the_same_process_passes_through_and_still_holds_it_afterwards(path: Path) -> None:
    with warehouse_lock(path, wait_seconds=1):
        with warehouse_lock(path, wait_seconds=1):
            pass
        other = subprocess.run(
            [sys.executable, "-c", _HOLDER.replace("=10", "=0"), str(path)], capture_output=True, text=True, check=False
        )
        assert "WarehouseBusyError" in other.stderr


@pytest.mark.parametrize(("outer", "inner"), [(0.0, 900.0), (900.0, 0.0)])
def test_another_patience_inside_is_no_error(path: Path, outer: float, inner: float) -> None:
    with warehouse_lock(path, wait_seconds=outer), warehouse_lock(path, wait_seconds=inner):
        pass


def test_a_thread_of_the_same_process_waits_too(path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with warehouse_lock(path, wait_seconds=10):
            order.append("second")

    with warehouse_lock(path, wait_seconds=1):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_two_warehouses_have_two_locks(tmp_path: Path) -> None:
    with warehouse_lock(tmp_path / "a.duckdb", wait_seconds=0), warehouse_lock(tmp_path / "b.duckdb", wait_seconds=0):
        pass


def test_an_unknown_holder_is_another_process(path: Path, hold: Hold) -> None:
    hold()
    path.with_name("warehouse.duckdb.lock.holder").unlink()
    with pytest.raises(WarehouseBusyError, match="in use by another process"), warehouse_lock(path, wait_seconds=0):
        pass


# --- the database behind it ---------------------------------------------------------------------------------


def test_the_warehouse_opens_with_all_its_tables_and_in_utc(path: Path) -> None:
    for _ in range(2):
        with open_warehouse(path, wait_seconds=0) as con:
            assert con.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
            names = {
                name
                for (name,) in con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
            }
    assert {"raw.m365_app_user_days", "raw.users", "ledger.fetches", "ledger.restatements"} <= names


def test_the_warehouse_is_closed_and_free_after_an_exception(path: Path, hold: Hold) -> None:
    def fails() -> None:
        with open_warehouse(path, wait_seconds=0) as con:
            con.execute("create table raw.left_behind (x integer)")
            raise KeyError("x")

    with pytest.raises(KeyError):
        fails()
    hold()
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("select count(*) from raw.left_behind").fetchone() == (0,)


def test_a_busy_warehouse_is_not_opened(path: Path, hold: Hold) -> None:
    hold()
    with pytest.raises(WarehouseBusyError), open_warehouse(path, wait_seconds=0):
        pass
    assert not path.exists()


def test_only_the_owner_may_read_the_warehouse_its_log_and_its_spilled_data(path: Path) -> None:
    before = os.umask(0o022)
    try:
        with open_warehouse(path, wait_seconds=0) as con:
            con.execute("insert into raw.user_keys values (1, 't', 'u')")
            con.execute("set memory_limit = '100MB'; set threads = 1")
            con.execute(
                "create temp table spilled as select range as n, repeat('x', 90) || range as t from range(2000000)"
            )
            files = [found for found in path.parent.rglob("*") if found.is_file() and ".lock" not in found.name]
            assert {found.name for found in files} >= {"warehouse.duckdb", "warehouse.duckdb.wal"}
            assert any("tmp" in str(found) for found in files), "nothing was spilled: the test proves nothing"
            assert {stat.S_IMODE(found.stat().st_mode) for found in files} == {0o600}
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_transaction_is_all_or_nothing() -> None:
    with duckdb.connect() as con:
        con.execute("create table t (x integer)")
        with transaction(con):
            con.execute("insert into t values (1)")

        def fails() -> None:
            with transaction(con):
                con.execute("insert into t values (2)")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fails()
        with transaction(con):
            con.execute("insert into t values (3)")
        assert con.execute("from t").fetchall() == [(1,), (3,)]
