"""The warehouse's file, written anew where it is mostly room: the same afterwards, and whole at any moment."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.warehouse import compact
from pipelines.warehouse.compact import compact_warehouse
from pipelines.warehouse.database import BLOCK_BYTES, open_warehouse
from pipelines.warehouse.errors import WarehouseBusyError
from pipelines.warehouse.lock import warehouse_lock

ROWS = 300_000


def fill(path: Path) -> None:
    """Tables and views in several schemas, and far more that is gone again."""
    with open_warehouse(path) as con:
        con.execute(f"""
            create schema intermediate;
            create table intermediate.kept as select range as n, hash(range) as h from range({ROWS // 10});
            comment on table intermediate.kept is 'It''s kept';
            create view main.kept_view as select n + 1 as n from intermediate.kept;
            create table main.gone as select hash(range) as h, hash(range, 1) as i from range({ROWS});
        """)
        con.execute("insert into raw.upn_keys values (1, 't', 'a@x.com', false)")
        con.execute("checkpoint")
        con.execute("drop table main.gone")
        con.execute("create table main.last as select hash(range) as h from range(1000)")


def content(path: Path) -> Any:
    with duckdb.connect(str(path), read_only=True) as con:
        return (
            con.execute("from raw.upn_keys").fetchall(),
            con.execute("select count(*), sum(n), bit_xor(h) from intermediate.kept").fetchall(),
            con.execute("select sum(n) from kept_view").fetchall(),
            con.execute("select table_name, comment from duckdb_tables() order by all").fetchall(),
            con.execute("select table_name, column_name, is_nullable, data_type from duckdb_columns() order by all"
                        ).fetchall(),
        )  # fmt: skip


def block_size(path: Path) -> Any:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute("select block_size from pragma_database_size()").fetchone()


def test_a_new_warehouse_has_small_blocks(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "w.duckdb"):
        pass
    assert block_size(tmp_path / "w.duckdb") == (BLOCK_BYTES,)


def test_room_is_given_back_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "it's a warehouse.duckdb"
    fill(path)
    before, size = content(path), path.stat().st_size
    given_back = compact_warehouse(path, wait_seconds=1, smallest_bytes=0)
    assert given_back == size - path.stat().st_size > size // 2
    assert content(path) == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {found.name for found in tmp_path.iterdir()} <= {path.name, f"{path.name}.lock", f"{path.name}.lock.holder"}
    # And then there is nothing to be done.
    inode = path.stat().st_ino
    assert compact_warehouse(path, wait_seconds=1, smallest_bytes=0) == 0
    assert path.stat().st_ino == inode


def test_larger_blocks_are_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(path), config={"default_block_size": "262144"}).close()
    fill(path)
    before = content(path)
    assert block_size(path) == (262_144,)
    assert compact_warehouse(path, wait_seconds=1) == 0, "a small file stays as it is"
    assert compact_warehouse(path, wait_seconds=1, smallest_bytes=0) > 0
    assert (block_size(path), content(path)) == ((BLOCK_BYTES,), before)


@pytest.mark.parametrize("error", [OSError("No space left on device"), duckdb.IOException("Could not write")])
def test_without_room_for_a_second_file_the_first_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = tmp_path / "warehouse.duckdb"
    fill(path)
    before = content(path)

    def fail(_path: Path, new: Path) -> None:
        new.write_bytes(b"half of it")
        raise error

    monkeypatch.setattr(compact, "_write_anew", fail)
    assert compact_warehouse(path, wait_seconds=1, smallest_bytes=0) == 0
    assert content(path) == before
    assert not list(tmp_path.glob("*.compact*"))


def test_what_a_killed_one_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    fill(path)
    before = content(path)
    for name in ("warehouse.compact.duckdb", "warehouse.compact.duckdb.wal"):
        (tmp_path / name).write_bytes(os.urandom(5000))
    assert compact_warehouse(path, wait_seconds=1, smallest_bytes=0) > 0
    assert content(path) == before


def test_nothing_to_compact(tmp_path: Path) -> None:
    assert compact_warehouse(tmp_path / "warehouse.duckdb", wait_seconds=1) == 0


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    path, outcome = tmp_path / "warehouse.duckdb", []
    half_written = tmp_path / "warehouse.compact.duckdb"
    half_written.touch()

    def make_smaller() -> None:
        try:
            compact_warehouse(path, wait_seconds=0)
        except WarehouseBusyError as error:
            outcome.append(error)

    with warehouse_lock(path, wait_seconds=0):
        thread = threading.Thread(target=make_smaller)
        thread.start()
        thread.join(10)
    assert len(outcome) == 1
    assert half_written.exists()
