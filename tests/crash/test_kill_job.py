"""The real job killed in load, in dbt and while publishing: the next run ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.releases import BUILDS
from tests.integration.conftest import Rig, tenant

DATABASE = "m365_usage.duckdb"
STEPS = ("Loading into DuckDB", "Building and testing the models", "Publishing")
# Told of the run that published, not of the data.
OF_THE_RUN = ("publish_info", "sync_runs", "restatements")

Tables = dict[str, list[str]]


def published_tables(data_dir: Path) -> dict[str, Tables]:
    """Every published table of both builds, row by row, without instants, which differ from run to run."""
    found = {}
    for build in ("published", "published_admin"):
        with duckdb.connect(str((data_dir / build / DATABASE).resolve()), read_only=True) as con:
            tables: dict[str, list[str]] = {}
            for name, column, kind in con.execute(
                "select table_name, column_name, data_type from duckdb_columns() "
                "where database_name = current_database() and not internal order by column_index"
            ).fetchall():
                kept = tables.setdefault(name, [])
                if not kind.startswith("TIMESTAMP") and column not in ("run_id", "fetch_id"):
                    kept.append(column)
            found[build] = {
                name: [repr(row) for row in con.execute(
                    f"select {', '.join(columns)} from {name} order by all"
                ).fetchall()]
                for name, columns in tables.items()
                if name not in OF_THE_RUN
            }  # fmt: skip
    return found


@dataclass
class Watch:
    """Looks at the published copies all the time."""

    data_dir: Path
    seen: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    looks: int = 0

    def look(self) -> None:
        """Once a copy has been seen it is there for ever, whole, and no log stands beside it."""
        for build in ("published", "published_admin"):
            path = self.data_dir / build / DATABASE
            if build not in self.seen and not path.exists():
                continue
            self.seen.add(build)
            self.looks += 1
            if list(self.data_dir.glob(f"{build}/*.wal")):
                self.wrong.append(f"a log beside {path}")
            try:
                with duckdb.connect(str(path.resolve(strict=True)), read_only=True) as con:
                    con.execute("select count(*) from tenants").fetchone()
            except (OSError, duckdb.Error) as error:
                if not self._is_superseded(path, error):
                    self.wrong.append(f"{build}: {error}")

    def _is_superseded(self, path: Path, error: Exception) -> bool:
        """The release was swapped and dropped between finding and opening it: it opens now."""
        return isinstance(error, duckdb.IOException) and path.exists()


@contextmanager
def watched(data_dir: Path) -> Iterator[Watch]:
    watch, stop = Watch(data_dir), threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            watch.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


def publish_by_hand(data_dir: Path) -> Path:
    """A release of an earlier day, behind both links."""
    release = data_dir / "releases" / "20260101T000000Z-0000"
    for build, link in BUILDS.items():
        folder = release / build
        folder.mkdir(parents=True)
        with duckdb.connect(str(folder / DATABASE)) as con:
            con.execute("create table tenants as select 'before' as name")
        (data_dir / link).symlink_to(folder.relative_to(data_dir))
    return release


def children_of(process: int) -> list[int]:
    """The processes below a process, their children included."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found, wave = [], [process]
    while wave:
        wave = [child for child, parent in parents.items() if parent in wave]
        found += wave
    return found


def grown(log: Path) -> bool:
    """Whether a write-ahead log holds more than a beginning."""
    try:
        return log.stat().st_size > 50_000
    except FileNotFoundError:
        return False


def is_running(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def sync_killed_when(rig: Rig, moment: Callable[[str], bool]) -> tuple[str, list[int]]:
    """A sync that is killed when the moment has come; what it printed, and the processes it had started.

    moment is asked again and again with the output so far.
    """
    log = rig.data_dir / "killed.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("m365-usage")), "sync"],
            env=rig.environment(), cwd=rig.data_dir, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + 600
        try:
            while not moment(log.read_text()):
                assert process.poll() is None, f"it ended too early:\n{log.read_text()}"
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.01)
            children = children_of(process.pid)
        finally:
            process.kill()
        assert process.wait() == -signal.SIGKILL
    return log.read_text(), children


@pytest.fixture(scope="module")
def calm(make_rig: Callable[..., Rig]) -> dict[str, Tables]:
    """What an undisturbed run publishes."""
    rig = make_rig(tenant(users=60))
    done = rig.command("sync")
    assert done.returncode == 0, done.stdout + done.stderr
    return published_tables(rig.data_dir)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_job_killed_in_every_step_ends_like_an_undisturbed_one(
    make_rig: Callable[..., Rig], calm: dict[str, Tables]
) -> None:
    """First sync, killed while it loads, while dbt builds, and while it publishes, then left alone."""
    rig = make_rig(tenant(users=60))
    warehouse = rig.data_dir / "warehouse.duckdb"
    log = Path(f"{warehouse}.wal")
    before = publish_by_hand(rig.data_dir)
    with watched(rig.data_dir) as watch:
        output, _ = sync_killed_when(rig, lambda said: STEPS[0] in said and grown(log))
        assert STEPS[1] not in output
        # Models stand in the database or its log: dbt is at work.
        size = warehouse.stat().st_size

        def dbt_is_at_work(said: str) -> bool:
            return STEPS[1] in said and (warehouse.stat().st_size > size + 500_000 or grown(log))

        output, children = sync_killed_when(rig, dbt_is_at_work)
        assert STEPS[2] not in output
        assert children, "dbt runs in a process of its own"
        deadline = time.monotonic() + 10
        while any(map(is_running, children)):
            assert time.monotonic() < deadline, "dbt works on without the run that started it"
            time.sleep(0.05)
        output, _ = sync_killed_when(rig, lambda said: bool(list(rig.data_dir.glob("releases/.*/shareable/*.duckdb"))))
        assert {(rig.data_dir / link).resolve().parent for link in BUILDS.values()} == {before}
        done = rig.command("sync")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Nothing to fetch" in done.stdout + done.stderr
    assert watch.wrong == []
    assert watch.seen == set(BUILDS.values())
    assert watch.looks > 100
    assert published_tables(rig.data_dir) == calm
    assert [path.name for path in rig.data_dir.glob("*.new")] == []
    releases = {path.resolve().parent for path in (rig.data_dir / link for link in BUILDS.values())}
    assert set((rig.data_dir / "releases").iterdir()) == {before, *releases}, "the half release is gone"
    assert len(releases) == 1
    assert before not in releases
    assert not log.exists()
    assert list((rig.data_dir / "dagster" / "running").iterdir()) == []
    states = rig_run_states(rig)
    assert sorted(states) == ["FAILURE", "FAILURE", "FAILURE", "SUCCESS"]


def rig_run_states(rig: Rig) -> list[str]:
    """How Dagster says that the runs ended."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(rig.data_dir / "dagster")) as instance:
        return [run.status.value for run in instance.get_runs()]
