"""SIGKILL at seeded random moments of fetching and loading: the next run ends as if nothing had happened.

A story is two days: a first sync of 28 report days, and the next day's, which brings corrections. Each of its runs is
killed over and over, then let go to its end. ``make soak`` does the same with two hundred kills.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from pipelines.simulator import Limits, SimulatorServer
from pipelines.simulator.wire import Call, Reply
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from tests.integration.conftest import ROOT, TODAY, tenant

KILLS = int(os.environ.get("CRASH_KILLS", "12"))
SEED = os.environ.get("CRASH_SEED", "seven")
KILLS_PER_RUN = 3
TOMORROW = TODAY + timedelta(days=1)
LATE_CORRECTIONS = (date(2026, 10, 22), date(2026, 10, 27))
# The instant of an observation, and ids made of it, differ from run to run; nothing else may.
PASSING = {"observed_at", "requested_at", "completed_at", "fetch_id", "run_id", "request_id", "body_path", "requests"}
PASSING |= {"throttled_seconds"}
# Asked again by every run, so a killed run leaves more entries of these; what they say is the same.
ASKED_BY_EVERY_RUN = ("reportSettings", "users", "deletedUsers", "subscribedSkus", "subscriptions", "organization",
                      "getM365AppUserCounts")  # fmt: skip

Tables = dict[str, Any]


@dataclass
class Sniper:
    """Kills a process from outside when it has sent so many requests; sits in the server among the faults."""

    number: int
    seconds: float | None
    """So long after the answer was made; None: before there is one."""
    target: queue.Queue[int] = field(default_factory=queue.Queue)
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def before(self, call: Call) -> Reply | None:
        with self.lock:
            self.seen += 1
            if self.seen == self.number:
                self._shoot(self.seconds)
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        return reply

    def _shoot(self, seconds: float | None) -> None:
        process = self.target.get(timeout=20)
        if seconds is None:
            os.kill(process, signal.SIGKILL)
        else:
            # The child is not waited for before its parent read its end, so the id cannot be another's by then.
            threading.Timer(seconds, _kill, [process]).start()


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@dataclass
class Runner:
    """Starts syncs in processes of their own, and has them killed."""

    server: SimulatorServer
    process: subprocess.Popen[str]

    def run(self, data_dir: Path, today: date, run_id: str, point: list[Any] | None = None) -> bool:
        """One sync; whether it was killed."""
        self.server.tenant = self.server.tenant.with_today(today)
        environment = {**self.server.settings(), "M365_DATA_DIR": str(data_dir)}
        sniper = Sniper(point[2], point[0]) if point and point[1] == "request" else None
        if sniper:
            self.server.faults.add(sniper)
        try:
            assert self.process.stdin
            job = {"environment": environment, "point": point, "run_id": run_id}
            print(json.dumps(job), file=self.process.stdin, flush=True)
            child = int(self._line())
            if sniper:
                sniper.target.put(child)
            ended = int(self._line())
        finally:
            if sniper:
                self.server.faults.remove(sniper)
        assert ended in (0, signal.SIGKILL)
        return ended == signal.SIGKILL

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"the runner ended with {self.process.wait()}"
        return line


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    server = SimulatorServer(
        tenant(users=60), limits=Limits.generous(), cert_dir=tmp_path_factory.mktemp("simulator")
    ).start()
    server.tenant.correct(LATE_CORRECTIONS[0], drop=2, add=1, app="Outlook", seen_from=TOMORROW)
    server.tenant.correct(LATE_CORRECTIONS[1], switch_on=3, switch_off=2, app="Excel", seen_from=TOMORROW)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("M365_", "DAGSTER_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.child"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=kept,
    )  # fmt: skip
    yield Runner(server, process)
    assert process.stdin
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    assert process.stdout
    process.stdout.close()
    server.stop()


def tables(data_dir: Path) -> Tables:
    """What the warehouse holds, without what differs from one run to the next; keys of people included."""
    found: Tables = {}
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as con:
        columns: dict[str, list[str]] = {}
        for name, column in con.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where schema_name in ('raw', 'ledger') order by column_index"
        ).fetchall():
            columns.setdefault(name, []).append(column)
        for name, all_of_it in columns.items():
            kept = ", ".join(column for column in all_of_it if column not in PASSING)
            # A fetch that every run repeats is compared by what it says, not by how often it was made.
            source = f"from {name}"
            if name == "ledger.fetches":
                kept = kept.replace(", verdict,", ", ").replace("verdict_reason, ", "")
                source = f"{source} where source not in {ASKED_BY_EVERY_RUN}"
            found[name] = con.execute(f"select {kept} {source} order by all").fetchall()
        found["people"] = con.execute(
            "select upn, d.* exclude (upn_key) from raw.m365_app_user_days as d "
            "join raw.upn_keys using (tenant_id, upn_key) order by all"
        ).fetchall()
        found["verdicts"] = con.execute(
            "select source, report_date, report_period, as_of, outcome, verdict, rows, count(*) from ledger.fetches "
            f"where source not in {ASKED_BY_EVERY_RUN} group by all order by all"
        ).fetchall()
        found["repeated"] = con.execute(
            f"select distinct source, as_of, outcome, rows from ledger.fetches where source in {ASKED_BY_EVERY_RUN} "
            "order by all"
        ).fetchall()
        found["day states"] = con.execute(
            "select report_date, min(rows), max(rows), sum(active_rows), count(*) from ledger.fetches "
            "where report_date is not null group by all order by all"
        ).fetchall()
    return found


def assert_whole(data_dir: Path) -> None:
    """Landing and ledger agree, every body is what its record says, no person-day is doubled."""
    landing = Landing(data_dir / "landing")
    landed = landing.all_fetches()
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as con:
        known = con.execute("select fetch_id from ledger.fetches").fetchall()
        doubled = con.execute(
            "select report_date, upn_key from raw.m365_app_user_days group by all having count(*) > 1"
        ).fetchall()
    assert sorted(name for (name,) in known) == sorted(item.record.fetch_id for item in landed)
    assert doubled == []
    for item in landed:
        assert item.record.outcome == "ok"
        assert item.verdict is not None
        with landing.body_path(item.record).open("rb") as file:
            body = zstandard.ZstdDecompressor().stream_reader(file).read()
        assert hashlib.sha256(body).hexdigest() == item.record.body_sha256


def leftovers(data_dir: Path) -> list[Path]:
    """Files in landing/ that no record names: of fetches that were never finished."""
    landing = Landing(data_dir / "landing")
    named = {landing.body_path(item.record) for item in landing.all_fetches()}
    files = (path for path in landing.root.rglob("*") if path.is_file())
    return [path for path in files if path.suffix == ".part" or (path.suffix == ".zst" and path not in named)]


@pytest.fixture(scope="module")
def calm(runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, Tables]:
    """The tables after each day of an undisturbed story."""
    data_dir = tmp_path_factory.mktemp("calm")
    found = []
    for today in (TODAY, TOMORROW):
        assert not runner.run(data_dir, today, run_id="calm")
        found.append(tables(data_dir))
    assert_whole(data_dir)
    assert leftovers(data_dir) == []
    assert len(found[0]["people"]) > 500
    assert {row[2] for row in found[1]["ledger.restatements"]} >= {"outlook", "excel"}
    return found[0], found[1]


def kill_point(dice: random.Random, first_run: bool) -> list[Any]:
    """A moment that a run may reach: small numbers, as a killed run left less to do for the next."""
    reach = dice.choice([0.2, 0.5, 1.0]) * (1.0 if first_run else 0.4)

    def number(most: int) -> int:
        return dice.randint(1, max(1, int(most * reach)))

    side = dice.choice(["before", "after"])
    return dice.choice(
        [
            [dice.choice([None, dice.uniform(0, 0.01), dice.uniform(0, 0.2)]), "request", number(80)],
            [None, "request", number(80)],
            [side, "write", number(40)],
            [side, "fsync", number(80)],
            [side, "replace", number(80)],
            [dice.choice([0.0, dice.uniform(0, 0.01), dice.uniform(0, 0.05)]), "transaction", number(40)],
            [dice.uniform(0, 0.02), "transaction", number(40)],
            [side, "ledger", number(40)],
            [side, "verdict", number(40)],
            [side, "commit", number(40)],
        ]
    )


@pytest.mark.timeout(300 + 20 * KILLS)
def test_killed_runs_end_like_an_undisturbed_one(
    runner: Runner, calm: tuple[Tables, Tables], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(SEED)
    began = time.monotonic()
    kills: Counter[str] = Counter()
    stories, ignored = 0, 0
    while kills.total() < KILLS:
        stories += 1
        data_dir = tmp_path / f"story{stories}"
        points = []
        for today, expected in zip((TODAY, TOMORROW), calm, strict=True):
            for number in range(KILLS_PER_RUN):
                if kills.total() == KILLS:
                    break
                point = kill_point(dice, first_run=today == TODAY and number == 0)
                points.append(point)
                if not runner.run(data_dir, today, f"killed {number}", point):
                    break
                kills[str(point[1])] += 1
            runner.run(data_dir, today, "last")
            found = tables(data_dir)
            assert found.keys() == expected.keys()
            different = [name for name in expected if found[name] != expected[name]]
            assert different == [], f"story {stories} of seed {SEED}, killed at {points}"
            assert_whole(data_dir)
        ignored += len(leftovers(data_dir))
    with capsys.disabled():
        told = ", ".join(f"{count} by {what}" for what, count in sorted(kills.items()))
        print(f"\n{kills.total()} kills ({told}) in {stories} stories, {time.monotonic() - began:.0f} s; "
              f"every story ended equal, {ignored} unfinished files were ignored.")  # fmt: skip


def test_what_killed_runs_left_half_written_goes_a_day_later(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    folder = landing.folder("tenant.example", "users")
    folder.mkdir(parents=True)
    young, old = folder / ".young.csv.zst.part", folder / ".old.json.77.part"
    for path in (young, old, folder / "body.zst"):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    with open_warehouse(tmp_path / "warehouse.duckdb", wait_seconds=0) as con:
        assert load_pending(con, landing) == []
    assert sorted(path.name for path in folder.iterdir()) == [young.name, "body.zst"]
