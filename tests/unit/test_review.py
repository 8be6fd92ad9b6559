"""Held corrections and what an operator may do about them; hashes made anew; the warehouse made anew."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import House
from unit_landing import TENANT, Lander, contents
from unit_reports import people, report, row

from pipelines.settings import SettingsError
from pipelines.sync.review import accept_correction, held_corrections
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.errors import WarehouseBusyError
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.rebuild import rebuild_warehouse

DAY, NEXT_DAY = "2026-08-20", "2026-08-21"
TEN = [f"p{n}" for n in range(10)]


def held_days(house: House) -> list[date | None]:
    return [item.record.report_date for item in held_corrections(house.lander.landing, TENANT)]


# --- holding and accepting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "verdict"), [(0.0, "held"), (0.29, "held"), (0.3, "applied"), (1.0, "applied")])
def test_how_much_a_correction_may_remove_is_a_setting(house: House, share: float, verdict: str) -> None:
    house.day(DAY, *people(*TEN))
    house.lander.day(DAY, report(*people(*TEN[3:])))
    (loaded,) = load_pending(house.con, house.lander.landing, max_removed_share=share)
    assert loaded.verdict
    assert loaded.verdict.verdict == verdict


def test_an_accepted_correction_replaces_the_day(house: House) -> None:
    house.day(DAY, *people(*TEN))
    held = house.lander.day(DAY, report(*people(*TEN[:4])))
    assert house.only_verdict().verdict == "held"
    assert held_days(house) == [date.fromisoformat(DAY)]
    record = accept_correction(house.lander.landing, TENANT, date.fromisoformat(DAY))
    assert (record.accepts_fetch_id, record.body_path) == (held.fetch_id, held.body_path)
    assert record.fetch_id != held.fetch_id
    accepted = house.only_verdict()
    assert (accepted.verdict, accepted.reason) == ("applied", "Accepted after review.")
    assert len(house.stored(DAY)) == 4
    assert house.rows(
        "select is_applied, rows_removed from ledger.restatements where app = 'all' order by fetch_id"
    ) == [
        (False, 6),
        (True, 6),
    ]
    assert held_days(house) == []


def test_a_rebuild_repeats_the_decision(house: House, tmp_path: Path) -> None:
    house.day(DAY, *people(*TEN))
    house.lander.day(DAY, report(*people(*TEN[:4])))
    house.load()
    house.lander.now = house.lander.now.replace(hour=7)
    accept_correction(house.lander.landing, TENANT, date.fromisoformat(DAY))
    house.load()
    with open_warehouse(tmp_path / "again.duckdb", wait_seconds=0) as con:
        load_pending(con, house.lander.landing)
        assert contents(con) == contents(house.con)


def test_only_a_held_correction_that_still_stands_can_be_accepted(house: House) -> None:
    house.day(DAY, *people(*TEN))
    house.day(NEXT_DAY, *people(*TEN))
    house.day(DAY, *people(*TEN[:4]))
    house.day(NEXT_DAY, *people(*TEN[:4]))
    assert held_days(house) == [date.fromisoformat(DAY), date.fromisoformat(NEXT_DAY)]
    house.day(DAY, *people(*TEN, "new"))
    assert held_days(house) == [date.fromisoformat(NEXT_DAY)]
    with pytest.raises(SettingsError, match=f"No correction of {DAY} is held.*held days: {NEXT_DAY}"):
        accept_correction(house.lander.landing, TENANT, date.fromisoformat(DAY))
    with pytest.raises(SettingsError, match="held days: none"):
        accept_correction(house.lander.landing, "other.example", date.fromisoformat(DAY))


# --- hashes made anew ---------------------------------------------------------------------------------------


def hashes(salt: int, count: int) -> list[dict[str, str]]:
    return [row(f"{salt}{n:031X}", outlook="b") for n in range(count)]


@pytest.mark.parametrize(("count", "verdict"), [(10, "applied"), (9, "applied"), (8, "applied"), (7, "held")])
def test_when_all_hashes_are_others_only_their_number_is_compared(house: House, count: int, verdict: str) -> None:
    house.day(DAY, *hashes(1, 10))
    assert house.day(DAY, *hashes(2, count)).verdict == verdict
    assert len(house.stored(DAY)) == (count if verdict == "applied" else 10)


def test_when_some_hashes_are_others_their_people_are_gone(house: House) -> None:
    house.day(DAY, *hashes(1, 10))
    assert house.day(DAY, *hashes(1, 5), *hashes(2, 5)).verdict == "held"


# --- leftovers ----------------------------------------------------------------------------------------------


def test_what_killed_runs_left_goes_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    lander = Lander(tmp_path)
    folder = lander.landing.body_path(lander.day(DAY, b"x\n")).parent
    old, new = folder / ".20260801T000000.000000Z-0001.csv.zst.part", folder / ".2.json.77.part"
    before = sorted(folder.iterdir())
    for path in (old, new, *before):
        path.touch()
    for path in (old, *before):
        os.utime(path, (time.time() - 90_000,) * 2)
    assert lander.landing.remove_unfinished() == 1
    assert sorted(folder.iterdir()) == sorted([*before, new])


# --- the warehouse made anew --------------------------------------------------------------------------------


def test_a_rebuilt_warehouse_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    lander, path = Lander(tmp_path), tmp_path / "warehouse.duckdb"
    lander.day(DAY, report(*people("a", "b")))
    lander.objects("users", [{"id": "u1"}])
    with open_warehouse(path, wait_seconds=0) as con:
        load_pending(con, lander.landing)
        expected = contents(con)
        con.execute("create table raw.not_from_landing (x integer)")
    assert len(rebuild_warehouse(path, lander.landing, wait_seconds=0)) == 2
    with open_warehouse(path, wait_seconds=0) as con:
        assert contents(con) == expected
    assert not list(tmp_path.glob("*.wal"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_rebuild_that_fails_leaves_the_old_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lander, path = Lander(tmp_path), tmp_path / "warehouse.duckdb"
    lander.day(DAY, report(*people("a", "b")))
    with open_warehouse(path, wait_seconds=0) as con:
        load_pending(con, lander.landing)
        expected = contents(con)
    with monkeypatch.context() as patched:
        patched.setattr(Landing, "all_fetches", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rebuild_warehouse(path, lander.landing, wait_seconds=0)
    with open_warehouse(path, wait_seconds=0) as con:
        assert contents(con) == expected
    assert rebuild_warehouse(path, lander.landing, wait_seconds=0)


def test_a_rebuild_waits_for_its_turn(tmp_path: Path) -> None:
    import threading

    path, outcome = tmp_path / "warehouse.duckdb", []

    def rebuild() -> None:
        try:
            rebuild_warehouse(path, Landing(tmp_path / "landing"), wait_seconds=0)
        except WarehouseBusyError as error:
            outcome.append(error)

    with warehouse_lock(path, wait_seconds=0):
        thread = threading.Thread(target=rebuild)
        thread.start()
        thread.join(10)
    assert len(outcome) == 1
    assert not path.exists()


def test_a_stale_log_is_not_replayed_into_the_new_warehouse(tmp_path: Path) -> None:
    """A crashed run leaves its log beside the old file; DuckDB would apply it to whatever has the name."""
    lander, path = Lander(tmp_path), tmp_path / "warehouse.duckdb"
    lander.day(DAY, report(*people("a")))
    with open_warehouse(path, wait_seconds=0) as con:
        load_pending(con, lander.landing)
    with duckdb.connect(str(path)) as con:
        con.execute("set checkpoint_threshold = '1GB'; delete from raw.m365_app_user_days")
        stale = path.with_name("warehouse.duckdb.wal").read_bytes()
    path.with_name("warehouse.duckdb.wal").write_bytes(stale)
    rebuild_warehouse(path, lander.landing, wait_seconds=0)
    with open_warehouse(path, wait_seconds=0) as con:
        assert con.execute("select count(*) from raw.m365_app_user_days").fetchone() == (1,)
