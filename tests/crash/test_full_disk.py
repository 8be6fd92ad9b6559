"""A disk that fills up while answers are landed, loaded and published: one sentence, nothing lost, and on it goes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from pipelines.defs.resources import readable_errors
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.errors import NO_SPACE
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.publish import DATABASE_NAME
from pipelines.warehouse.releases import make_release
from tests.crash.test_kill_fetch_and_load import assert_whole, leftovers, tables
from tests.integration.conftest import Rig, tenant

DISK_MEGABYTES = 64


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of its own, in memory and small."""
    folder = tmp_path_factory.mktemp("disk")
    command = shutil.which("mount")
    mounted = command and subprocess.run(
        [command, "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (it takes root)")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def only_left(disk: Path, kilobytes: int) -> Iterator[None]:
    """Fill the disk up to so much."""
    ballast = disk / "ballast"
    left = os.statvfs(disk)
    size = left.f_bavail * left.f_frsize - kilobytes * 1024
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    try:
        yield
    finally:
        ballast.unlink()


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig], disk: Path) -> Rig:
    made = make_rig(tenant(users=60))
    made.data_dir = disk / "data"
    made.data_dir.mkdir()
    return made


@pytest.fixture(scope="module")
def calm(make_rig: Callable[..., Rig]) -> dict[str, list[tuple]]:
    rig = make_rig(tenant(users=60))
    rig.extract()
    rig.load()
    return tables(rig.data_dir)


class TestFullDisk:
    """One data folder; the tests follow one another."""

    def test_while_answers_are_landed(self, rig: Rig, disk: Path) -> None:
        with only_left(disk, kilobytes=60), pytest.raises(dg.Failure) as caught, readable_errors():
            rig.extract()
        assert caught.value.description == NO_SPACE
        landed = Landing(rig.data_dir / "landing").all_fetches()
        assert 0 < len(landed) < 28, "some days were landed before the disk was full"
        assert leftovers(rig.data_dir) == [], "the answer that found no space left nothing behind"

    @pytest.mark.parametrize("kilobytes", [0, 60, 200])
    def test_while_answers_are_loaded(self, rig: Rig, disk: Path, kilobytes: int) -> None:
        rig.extract()
        landed = len(Landing(rig.data_dir / "landing").all_fetches())
        with only_left(disk, kilobytes), pytest.raises(dg.Failure) as caught, readable_errors():
            rig.load()
        assert caught.value.description == NO_SPACE
        with open_warehouse(rig.data_dir / "warehouse.duckdb", wait_seconds=0) as con:
            known = con.execute("select count(*) from ledger.fetches").fetchone()
        assert known
        assert known[0] < landed

    def test_with_space_again_the_tables_are_those_of_an_undisturbed_run(
        self, rig: Rig, calm: dict[str, list[tuple]]
    ) -> None:
        rig.extract()
        rig.load()
        assert_whole(rig.data_dir)
        found = tables(rig.data_dir)
        assert [name for name in calm if found[name] != calm[name]] == []

    def test_while_a_release_is_written(self, rig: Rig, disk: Path) -> None:
        def build(name: str, folder: Path) -> None:
            with open_warehouse(rig.data_dir / "warehouse.duckdb", wait_seconds=0) as con:
                con.execute(f"attach '{folder / DATABASE_NAME}' as target")
                con.execute("create table target.users as from raw.users")
                con.execute("checkpoint target")
                con.execute("detach target")

        first = make_release(rig.data_dir, "20261030T060000Z-0001", build, keep=3)
        before = (rig.data_dir / "published" / DATABASE_NAME).read_bytes()
        with only_left(disk, kilobytes=40), pytest.raises(dg.Failure) as caught, readable_errors():
            make_release(rig.data_dir, "20261030T060000Z-0002", build, keep=3)
        assert caught.value.description == NO_SPACE
        assert (rig.data_dir / "published").resolve().parent == first
        assert (rig.data_dir / "published" / DATABASE_NAME).read_bytes() == before
        again = make_release(rig.data_dir, "20261030T060000Z-0003", build, keep=3)
        assert sorted(path.name for path in (rig.data_dir / "releases").iterdir()) == [first.name, again.name]

    @pytest.mark.timeout(300)
    def test_the_command_says_so_in_one_sentence(self, rig: Rig, disk: Path) -> None:
        before = (rig.data_dir / "published" / DATABASE_NAME).resolve()
        with only_left(disk, kilobytes=0):
            done = rig.command("sync")
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "The disk of the data folder is full." in " ".join(said.split())
        assert "Traceback" not in said
        assert (rig.data_dir / "published" / DATABASE_NAME).resolve() == before
