"""Releases: whole or not there, links swapped in one step, readers undisturbed, private where people are named."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.releases import BUILDS, make_release, new_publish_id


def write(text: str):
    def build(name: str, folder: Path) -> None:
        assert list(folder.iterdir()) == []
        (folder / "file.txt").write_text(f"{name} {text}")
        (folder / "parquet").mkdir()
        (folder / "parquet" / "part.txt").write_text(text)

    return build


def publish(data_dir: Path, publish_id: str, text: str = "x", keep: int = 3) -> Path:
    return make_release(data_dir, publish_id, write(text), keep=keep)


def published(data_dir: Path) -> tuple[str, str]:
    return tuple((data_dir / link / "file.txt").read_text() for link in ("published", "published_admin"))  # type: ignore[return-value]


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def releases(data_dir: Path) -> list[str]:
    return listed(data_dir / "releases")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_both_builds_are_published_side_by_side(tmp_path: Path) -> None:
    release = publish(tmp_path, "p1", "one")
    assert release == tmp_path / "releases" / "p1"
    assert published(tmp_path) == ("shareable one", "admin one")
    for name, link in BUILDS.items():
        assert (tmp_path / link).is_symlink()
        assert (tmp_path / link).readlink() == Path("releases") / "p1" / name
    assert listed(tmp_path) == ["published", "published_admin", "releases"]
    assert listed(release) == ["admin", "shareable"]


def test_the_links_survive_a_move_of_the_data_folder(tmp_path: Path) -> None:
    publish(tmp_path / "data", "p1", "one")
    (tmp_path / "data").rename(tmp_path / "moved")
    assert published(tmp_path / "moved") == ("shareable one", "admin one")


def test_a_new_release_replaces_the_published_one(tmp_path: Path) -> None:
    publish(tmp_path, "p1", "one")
    publish(tmp_path, "p2", "two")
    assert published(tmp_path) == ("shareable two", "admin two")
    assert releases(tmp_path) == ["p1", "p2"]


def test_ids_sort_by_time_and_name_a_folder() -> None:
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", new_publish_id())


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_admin_build_is_private_and_the_shareable_one_readable(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        release = publish(tmp_path, "p1")
    finally:
        os.umask(before)
    admin = [release / "admin", *(release / "admin").rglob("*")]
    assert len(admin) == 4
    assert {mode(path) for path in admin if path.is_dir()} == {0o700}
    assert {mode(path) for path in admin if path.is_file()} == {0o600}
    shared = [release.parent, release, release / "shareable", *(release / "shareable").rglob("*")]
    assert len(shared) == 6
    assert {mode(path) for path in shared if path.is_dir()} == {0o755}
    assert {mode(path) for path in shared if path.is_file()} == {0o644}


# --- old releases -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keep", "left"), [(1, ["p5"]), (2, ["p4", "p5"]), (3, ["p3", "p4", "p5"]), (9, None)])
def test_old_releases_go(tmp_path: Path, keep: int, left: list[str] | None) -> None:
    for number in range(1, 6):
        publish(tmp_path, f"p{number}", keep=keep)
    assert releases(tmp_path) == (left or [f"p{n}" for n in range(1, 6)])


def test_the_release_just_made_is_never_dropped_whatever_its_id(tmp_path: Path) -> None:
    """Two in one second are in no order, and clocks go back."""
    publish(tmp_path, "20260831T060000Z-ffff", "first", keep=1)
    publish(tmp_path, "20260831T060000Z-0000", "second", keep=1)
    assert published(tmp_path) == ("shareable second", "admin second")
    publish(tmp_path, "20250101T000000Z-0000", "third", keep=2)
    assert published(tmp_path) == ("shareable third", "admin third")
    assert releases(tmp_path) == ["20250101T000000Z-0000", "20260831T060000Z-0000"]


def test_a_reader_keeps_the_file_it_has_open(tmp_path: Path) -> None:
    def database(text: str):
        def build(_: str, folder: Path) -> None:
            with duckdb.connect(str(folder / "m.duckdb")) as con:
                con.execute(f"create table t as select '{text}' as x, range as n from range(50000)")

        return build

    make_release(tmp_path, "p1", database("one"), keep=1)
    path = tmp_path / "published" / "m.duckdb"
    with duckdb.connect(str(path), read_only=True) as reader:
        assert reader.execute("select min(x) from t").fetchone() == ("one",)
        make_release(tmp_path, "p2", database("two"), keep=1)
        assert releases(tmp_path) == ["p2"]
        assert reader.execute("select min(x), count(*) from t").fetchone() == ("one", 50000)
    with duckdb.connect(str(path), read_only=True) as reader:
        assert reader.execute("select min(x) from t").fetchone() == ("two",)


# --- what goes wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fails_at", ["shareable", "admin"])
def test_a_failed_build_changes_nothing_that_is_published(tmp_path: Path, fails_at: str) -> None:
    publish(tmp_path, "p1", "one")

    def build(name: str, folder: Path) -> None:
        (folder / "file.txt").write_text("half")
        if name == fails_at:
            raise KeyError("x")

    with pytest.raises(KeyError):
        make_release(tmp_path, "p2", build, keep=1)
    assert published(tmp_path) == ("shareable one", "admin one")
    assert [name for name in releases(tmp_path) if not name.startswith(".")] == ["p1"]
    publish(tmp_path, "p3", "three")
    assert releases(tmp_path) == ["p1", "p3"]


@pytest.mark.parametrize("link", ["published", "published_admin"])
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_something_of_the_user_s_in_the_way_is_named_and_left_alone(tmp_path: Path, link: str, kind: str) -> None:
    obstacle = tmp_path / link
    obstacle.mkdir() if kind == "folder" else obstacle.write_text("mine")
    with pytest.raises(FileExistsError, match=f"{link} is in the way: it is not a link made by publishing"):
        publish(tmp_path, "p1")
    assert not obstacle.is_symlink()
    # Nothing was begun: neither a release nor the other link.
    assert listed(tmp_path) == [link]


def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "published").symlink_to("releases/gone/shareable")
    publish(tmp_path, "p1", "one")
    assert published(tmp_path) == ("shareable one", "admin one")


_KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.warehouse import releases
step, data_dir = sys.argv[1], Path(sys.argv[2])
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def build(name, folder):
    (folder / "file.txt").write_text(f"{name} two")
    if step == f"build {name}":
        die()
if step == "rename":
    Path.rename = die
if step in ("first link", "second link"):
    swap, calls = releases._swap_link, []
    def swapping(*arguments):
        calls.append(1)
        if len(calls) == (1 if step == "first link" else 2):
            die()
        swap(*arguments)
    releases._swap_link = swapping
if step == "replace":
    Path.replace = die
if step == "drop":
    releases._drop_old = die
releases.make_release(data_dir, "p2", build, keep=2)
"""


@pytest.mark.parametrize(
    ("step", "shareable", "admin"),
    [
        ("build shareable", "one", "one"),
        ("build admin", "one", "one"),
        ("rename", "one", "one"),
        ("first link", "one", "one"),
        ("replace", "one", "one"),
        ("second link", "two", "one"),
        ("drop", "two", "two"),
    ],
)
def test_a_killed_publish_leaves_whole_releases_behind_the_links(
    tmp_path: Path, step: str, shareable: str, admin: str
) -> None:
    publish(tmp_path, "p1", "one")
    done = subprocess.run([sys.executable, "-c", _KILLED, step, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert published(tmp_path) == (f"shareable {shareable}", f"admin {admin}")
    publish(tmp_path, "p3", "three", keep=1)
    assert published(tmp_path) == ("shareable three", "admin three")
    assert releases(tmp_path) == ["p3"]
    assert listed(tmp_path) == ["published", "published_admin", "releases"]
