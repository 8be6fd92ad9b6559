"""Retention: what is older goes for good, the rest stays as it is, and keeps its keys."""

from __future__ import annotations

import os
import shutil
import threading
import time
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard
from unit_landing import TENANT, Lander, contents
from unit_reports import people, report, row

from pipelines.cli.purge import checked_days
from pipelines.graph.reports import USER_DETAIL
from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.erase import erase, finish, is_unfinished
from pipelines.warehouse.errors import WarehouseBusyError
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.rebuild import rebuild_warehouse
from pipelines.warehouse.thin import plan_purge, purge_landing

HORIZON = date(2026, 8, 1)
OLD, NEW = "2026-07-31", "2026-08-01"
Tables = dict[str, list[tuple[Any, ...]]]


def person(user_id: str, *skus: str) -> dict[str, object]:
    return {
        "id": user_id,
        "userPrincipalName": f"{user_id}@fabrikam.example",
        "licenseAssignmentStates": [{"skuId": sku, "state": "Active", "disabledPlans": []} for sku in skus],
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two months: somebody who left in July, somebody who changed then, somebody who came in August."""
    lander = Lander(tmp_path, start=datetime(2026, 7, 10, 6, tzinfo=timezone.utc))

    def at(day: str) -> None:
        lander.now = datetime.fromisoformat(f"{day}T06:00:00+00:00")

    lander.objects("users", [person("leaver", "A"), person("stayer", "A")])
    lander.objects("subscribedSkus", [{"skuId": "A", "consumedUnits": 2}])
    lander.objects("deletedUsers", [{"id": "earlier", "userPrincipalName": "earlier@fabrikam.example"}])
    lander.period("D30", report(*people("leaver", "idle")))
    lander.failure("2026-07-08", "failed")
    at("2026-07-20")
    lander.objects("users", [person("stayer", "B")])
    lander.objects("usersDelta", [person("other", "A")])
    at("2026-08-02")
    lander.day(OLD, report(*people("leaver", "gone", "stayer")))
    at("2026-08-04")
    lander.day(OLD, report(*people("leaver", "gone", "stayer"), row("(Unknown)", word="w")))
    lander.day(NEW, report(*people("zoe", "stayer", "newcomer")))
    lander.period("D30", report(*people("stayer")))
    lander.objects("users", [person("stayer", "B"), person("newcomer", "A")])
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        load_pending(con, lander.landing)
    return tmp_path


def tables(root: Path) -> Tables:
    with open_warehouse(root / "warehouse.duckdb") as con:
        return contents(con)


def purge(root: Path) -> None:
    landing = Landing(root / "landing")
    erase(root / "warehouse.duckdb", landing, lambda: purge_landing(plan_purge(landing, HORIZON)), wait_seconds=5)


def text_of(root: Path) -> str:
    """Everything that stands in the warehouse and in landing/."""
    found = [str(tables(root))]
    for path in (root / "landing").rglob("*"):
        if path.suffix == ".zst":
            found.append(zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode())
        elif path.suffix == ".parquet":
            found.append(str(duckdb.sql(f"from '{path}'").fetchall()))
        elif path.is_file():
            found.append(path.read_text())
    return " ".join(found)


def test_what_is_older_goes_and_the_rest_stays_with_its_keys(root: Path) -> None:
    before = tables(root)
    purge(root)
    after = tables(root)
    keys = {k[2]: k[0] for k in before["raw.user_keys"]}
    assert {k[2]: k[0] for k in after["raw.user_keys"]} == {
        name: keys[name] for name in ("stayer", "other", "newcomer")
    }
    upns = {k[2]: k[0] for k in before["raw.upn_keys"]}
    assert {k[2]: k[0] for k in after["raw.upn_keys"]} == {
        name: upns[name] for name in (f"{who}@fabrikam.example" for who in ("zoe", "stayer", "newcomer"))
    }
    assert [r for r in before["raw.m365_app_user_days"] if r[1] >= HORIZON] == after["raw.m365_app_user_days"]
    assert after["raw.m365_app_unknown_days"] == []
    assert after["raw.deleted_users"] == []
    assert {r[2] for r in after["raw.m365_app_user_periods"]} == {date(2026, 8, 29)}
    # Who held what at the horizon is known, and that it has been so since July; counts of nobody stay.
    assert {(r[4], r[3]) for r in after["raw.users"] if r[2] == "stayer"} == {
        (date(2026, 7, 20), datetime(2026, 7, 20, 6, 0, 1, tzinfo=timezone.utc))
    }
    assert [r[3] for r in after["raw.user_licenses"] if r[1] == keys["stayer"]] == ["B"]
    assert after["raw.subscribed_skus"] == before["raw.subscribed_skus"]
    everything = text_of(root)
    assert "stayer" in everything
    assert [name for name in ("leaver", "gone@", "idle", "earlier") if name in everything] == []


def test_a_rebuild_after_it_and_later_answers_gives_the_same_tables(root: Path) -> None:
    purge(root)
    lander = Lander(root, start=datetime(2026, 8, 20, 6, tzinfo=timezone.utc))
    lander.day("2026-08-18", report(*people("aaron", "stayer", "gone")))
    lander.objects("users", [person("aaron"), person("stayer", "B"), person("newcomer", "A")])
    with open_warehouse(root / "warehouse.duckdb") as con:
        load_pending(con, lander.landing)
    expected = tables(root)
    # Nobody gets the number of somebody who was purged.
    numbers = [k[0] for k in expected["raw.upn_keys"]]
    assert len(set(numbers)) == len(numbers) == 5
    rebuild_warehouse(root / "warehouse.duckdb", lander.landing, wait_seconds=5)
    assert tables(root) == expected


def test_twice_is_once(root: Path) -> None:
    assert not is_unfinished(root)
    purge(root)
    expected = tables(root)
    assert not plan_purge(Landing(root / "landing"), HORIZON)
    purge(root)
    assert tables(root) == expected
    assert is_unfinished(root)
    finish(root)
    assert not is_unfinished(root)


def test_a_plan_changes_nothing_and_counts_what_goes(root: Path) -> None:
    before = sorted((path, path.stat().st_size) for path in root.rglob("*"))
    plan = plan_purge(Landing(root / "landing"), HORIZON)
    assert sorted((path, path.stat().st_size) for path in root.rglob("*")) == before
    assert plan.days == [date(2026, 7, 8), date(2026, 7, 31)]
    assert (plan.periods, plan.directory_reads, len(plan.fetches)) == (1, 2, 6)
    assert plan.bytes == sum(path.stat().st_size for path in plan.bodies) > 0


@pytest.mark.parametrize("files", range(0, 16, 3))
def test_killed_at_any_file_it_is_finished_by_the_next(root: Path, tmp_path: Path, files: int) -> None:
    other = tmp_path / "other"
    shutil.copytree(root, other, ignore=shutil.ignore_patterns("other"))
    purge(other)
    expected = tables(other)

    landing = Landing(root / "landing")
    left = files
    unlink = Path.unlink

    class KilledError(BaseException):
        pass

    def change() -> None:
        nonlocal left

        def fragile(path: Path, missing_ok: bool = False) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError
            unlink(path, missing_ok=missing_ok)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "unlink", fragile)
            purge_landing(plan_purge(landing, HORIZON))

    with pytest.raises(KilledError):
        erase(root / "warehouse.duckdb", landing, change, wait_seconds=5)
    assert is_unfinished(root)
    # A sync in between works, whatever is left.
    with open_warehouse(root / "warehouse.duckdb") as con:
        load_pending(con, landing)
    for body in landing.root.rglob("*.zst"):
        os.utime(body, (1, 1))
    purge(root)
    assert tables(root) == expected


def test_bodies_without_a_record_go_after_a_day(root: Path) -> None:
    landing = Landing(root / "landing")
    folder = landing.folder("fabrikam.example", "users")
    with landing.body(folder / "20260801T000000.000000Z-abcd.jsonl.zst") as body:
        body.write(b"leaver")
    path = folder / "20260801T000000.000000Z-abcd.jsonl.zst"
    assert path not in plan_purge(landing, HORIZON).orphans
    os.utime(path, (time.time() - 90_000,) * 2)
    purge_landing(plan_purge(landing, HORIZON))
    assert not path.exists()


def test_days_that_microsoft_still_serves_are_never_purged() -> None:
    settings = Settings(_env_file=None)
    with pytest.raises(SettingsError, match="--keep-days or M365_RETENTION_DAYS"):
        checked_days(settings, None)
    with pytest.raises(SettingsError, match="At least 30 days"):
        checked_days(settings, 29)
    assert checked_days(settings, 30) == 30
    assert checked_days(Settings(_env_file=None, retention_days=400), None) == 400


def test_nothing_is_removed_while_another_process_is_at_work(tmp_path: Path) -> None:
    path, changed, outcome = tmp_path / "warehouse.duckdb", [], []

    def change() -> None:
        changed.append(True)

    def remove() -> None:
        try:
            erase(path, Landing(tmp_path / "landing"), change, wait_seconds=0)
        except WarehouseBusyError as error:
            outcome.append(error)

    with warehouse_lock(path, wait_seconds=0):
        thread = threading.Thread(target=remove)
        thread.start()
        thread.join(10)
    assert len(outcome) == 1
    assert changed == []
    assert not is_unfinished(tmp_path)


def test_the_command_removes_what_it_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.cli import purge as command

    # Making the warehouse anew and publishing are tested with erase, and with the whole command.
    monkeypatch.setattr(command, "erase_and_publish", lambda settings, console, change: change())
    monkeypatch.setenv("M365_DATA_DIR", str(root))
    monkeypatch.setenv("M365_TODAY", str(HORIZON + timedelta(days=60)))
    monkeypatch.chdir(root)
    landing = Landing(root / "landing")
    assert plan_purge(landing, HORIZON).days != []
    command.purge(keep_days=60, yes=True)
    assert not plan_purge(landing, HORIZON)
    assert landing.report_dates(TENANT, USER_DETAIL)[0] == HORIZON
