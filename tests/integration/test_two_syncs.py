"""Two syncs started together: neither breaks anything, and a reader notices nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.landing import Landing
from pipelines.warehouse.lock import warehouse_lock
from tests.integration.conftest import ROOT, TODAY, Rig, tenant

LOAD = """
import sys
from pathlib import Path
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending

root = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
with open_warehouse(root / "warehouse.duckdb", wait_seconds=float(sys.argv[2])) as con:
    print(len(load_pending(con, Landing(root / "landing"))))
"""
PEOPLE = (
    "select d.* exclude (upn_key), upn from raw.m365_app_user_days as d "
    "join raw.upn_keys using (tenant_id, upn_key) order by all"
)


def start_load(rig: Rig, wait_seconds: float = 60) -> subprocess.Popen[str]:
    """A process that loads what is landed as soon as it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, str(rig.data_dir), str(wait_seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_loads_at_once_store_everything_once(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(tenant(users=60))
    rig.extract()
    landed = len(Landing(rig.data_dir / "landing").all_fetches())
    loads = [start_load(rig), start_load(rig)]
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda process: process.communicate("go\n", timeout=90), loads))
    assert [process.returncode for process in loads] == [0, 0], ended
    assert sorted(int(output) for output, _ in ended) == [0, landed], "one loads all, the other finds nothing to do"
    stored = rig.query(PEOPLE)
    assert len(stored) == len(set(stored)) > 500
    assert rig.query("select count(*), count(distinct fetch_id) from ledger.fetches") == [(landed, landed)]


def test_two_extracts_at_once_land_answers_that_load_to_the_same(make_rig: Callable[..., Rig]) -> None:
    """Fetching takes no lock: both may ask for a day, and the second answer changes nothing."""
    rig, calm = make_rig(tenant(users=60)), make_rig(tenant(users=60))
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(rig.extract, run_id=name) for name in ("first", "second")]:
            done.result(timeout=90)
    rig.load()
    calm.extract()
    calm.load()
    assert rig.query(PEOPLE) == calm.query(PEOPLE)
    assert rig.query("select count(*) from ledger.restatements") == [(0,)]
    assert not list((rig.data_dir / "landing").rglob("*.part"))


def test_who_waits_in_vain_is_told_who_holds_the_warehouse(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(tenant(users=1))
    with warehouse_lock(rig.data_dir / "warehouse.duckdb", wait_seconds=0):
        process = start_load(rig, wait_seconds=0.2)
        _, said = process.communicate("go\n", timeout=60)
    assert process.returncode == 1
    assert "is in use by process" in said
    assert "Try again when that run has ended." in said


def test_a_program_that_is_not_ours_is_named_too(make_rig: Callable[..., Rig]) -> None:
    """Somebody looks at the working database with a tool that does not know the lock file."""
    rig = make_rig(tenant(users=1))
    with duckdb.connect(str(rig.data_dir / "warehouse.duckdb")):
        process = start_load(rig, wait_seconds=0)
        _, said = process.communicate("go\n", timeout=60)
    assert process.returncode == 1
    assert "is open in " in said
    assert "Close it and try again." in said


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_syncs_at_once_both_end_well(make_rig: Callable[..., Rig]) -> None:
    """The real job twice, from the same moment; a reader keeps the published file of an earlier day open."""
    rig = make_rig(tenant(users=60))
    release = rig.data_dir / "releases" / "20260101T000000Z-0000" / "admin"
    release.mkdir(parents=True)
    with duckdb.connect(str(release / "m365_usage.duckdb")) as con:
        con.execute("create table tenants as select 'before' as name")
    (rig.data_dir / "published_admin").symlink_to(release.relative_to(rig.data_dir))
    path = rig.data_dir / "published_admin" / "m365_usage.duckdb"
    reader = duckdb.connect(str(path), read_only=True)
    command = [str(Path(sys.executable).with_name("m365-usage")), "sync"]
    began = time.monotonic()
    runs = [
        subprocess.Popen(
            command, env=rig.environment(), cwd=rig.data_dir,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        with ThreadPoolExecutor() as pool:
            outputs = [said for said, _ in pool.map(lambda run: run.communicate(timeout=1000), runs)]
    finally:
        for run in runs:
            run.kill()
    assert [run.returncode for run in runs] == [0, 0], f"{time.monotonic() - began:.0f} s\n" + "\n\n".join(outputs)
    assert "Traceback" not in "".join(outputs)
    assert "Waiting: another run works on the warehouse." in "".join(outputs)
    assert reader.execute("from tenants").fetchall() == [("before",)]
    reader.close()
    with duckdb.connect(str(path.resolve()), read_only=True) as con:
        assert con.execute("select count(*), sum(is_observed::int) from report_days").fetchall() == [(28, 28)]
    stored = rig.query(PEOPLE)
    assert len(stored) == len(set(stored)) > 500
    assert rig.query("select count(*) from ledger.fetches where outcome <> 'ok'") == [(0,)]
    assert rig.query(f"select count(distinct as_of) from ledger.fetches where as_of <> '{TODAY}'") == [(0,)]
    assert not list(rig.data_dir.glob("published*/*.wal"))
