"""Releases: whole folders behind one link, so that a reader never sees half of one.

    data/releases/20260803T060500Z-1f3a/shareable/…   published       -> releases/…/shareable
                                       /admin/…       published_admin -> releases/…/admin

A link is changed by renaming a new link over it. Readers that hold an old file keep it until they close it.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

BUILDS = {"shareable": "published", "admin": "published_admin"}


def new_publish_id() -> str:
    """An id that sorts by time; every file of the release carries it."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def make_release(data_dir: Path, publish_id: str, build: Callable[[str, Path], None], *, keep: int) -> Path:
    """Build both parts of a release and swap the links to it.

    build(name, folder) writes one build ("shareable", "admin") into an empty folder. The release is made under
    a temporary name: a killed run leaves no half release behind a link. Older releases beyond ``keep`` go.
    The shareable build may be read by everyone, the admin build by its owner only.
    """
    for link in BUILDS.values():
        _refuse_obstacle(data_dir / link)
    releases = data_dir / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    unfinished = releases / f".{publish_id}.part"
    unfinished.mkdir()
    for folder in (releases, unfinished):
        folder.chmod(0o755)
    for name in BUILDS:
        others = 0o077 if name == "admin" else 0o022
        folder = unfinished / name
        folder.mkdir(mode=0o700)
        build(name, folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod((0o777 if path.is_dir() else 0o666) & ~others)
            _sync(path)
    release = releases / publish_id
    unfinished.rename(release)
    _sync(releases)
    for name, link in BUILDS.items():
        _swap_link(data_dir / link, Path("releases") / publish_id / name)
    _drop_old(releases, publish_id, keep)
    return release


def drop_other_releases(data_dir: Path, is_unwanted: Callable[[Path], bool] | None = None) -> int:
    """Remove every release but the published one, or those of them that are unwanted; returns how many went."""
    current = {(data_dir / link).resolve().parent for link in BUILDS.values() if (data_dir / link).is_symlink()}
    releases = data_dir / "releases"
    others = [path for path in releases.iterdir() if path.resolve() not in current] if releases.is_dir() else []
    dropped = [path for path in others if is_unwanted is None or is_unwanted(path)]
    for path in dropped:
        shutil.rmtree(path)
    return len(dropped)


def _refuse_obstacle(link: Path) -> None:
    if link.exists() and not link.is_symlink():
        raise FileExistsError(f"{link} is in the way: it is not a link made by publishing. Move it and run again.")


def _swap_link(link: Path, target: Path) -> None:
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target, target_is_directory=True)
    temporary.replace(link)


def _drop_old(releases: Path, newest: str, keep: int) -> None:
    """Keep the newest and the ``keep - 1`` before it, whatever the clock said when they were made."""
    others = [path for path in releases.iterdir() if path.name != newest]
    whole = sorted((path for path in others if not path.name.startswith(".")), reverse=True)
    unfinished = [path for path in others if path.name.startswith(".")]
    for path in whole[keep - 1 :] + unfinished:
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
