"""Checks of this machine: the names of the settings, the data folder and the disk it is on."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from pipelines.check.results import CheckResult, failed, ok, warning
from pipelines.settings import Settings, env_file

SETTINGS, FOLDER, DISK = "settings", "data folder", "disk"
# DuckDB and dbt need room beside the data itself; a day of 100,000 people is about 20 MB of CSV before packing.
SCARCE_BYTES = 5 * 1024**3
TOO_LITTLE_BYTES = 500 * 1024**2
# What must be readable by its owner only; everything else in the folder names nobody.
_PRIVATE = ("landing", "warehouse.duckdb", "releases", "sign-in", "actions", "forgotten")


def check_machine(settings: Settings) -> tuple[CheckResult, ...]:
    """The settings, the folder and the disk."""
    return check_names(settings), check_folder(settings), check_disk(settings)


def check_names(settings: Settings) -> CheckResult:
    """Whether everything that is set is a setting: what is misspelt is ignored."""
    file = env_file()
    if ignored := ", ".join(map(str, settings.unknown)):
        return warning(
            SETTINGS,
            f"Ignored, as there is no such setting: {ignored}.",
            f"Correct the name in {file} or in the environment (.env.example has the names), or remove it.",
        )
    return ok(SETTINGS, f"Read from the environment and {file}{'' if file.is_file() else ', which is not there'}.")


def check_folder(settings: Settings) -> CheckResult:
    """Whether the data folder can be written, and is private where it holds names of people."""
    folder = settings.data_dir
    place = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return failed(
            FOLDER,
            f"{folder} cannot be written ({error.strerror}).",
            "Give the account that runs this the right to write there, or set M365_DATA_DIR to another folder.",
        )
    if place != folder:
        return ok(FOLDER, f"{folder} is not there yet and can be made.")
    open_to_others = [name for name in _PRIVATE if _is_open(folder / name)]
    if open_to_others:
        return warning(
            FOLDER,
            f"Other accounts of this machine may read {', '.join(open_to_others)} in {folder}: people are named there.",
            f"Run: chmod -R go= {' '.join(str(folder / name) for name in open_to_others)}",
        )
    return ok(FOLDER, f"{folder} can be written; what names people is for its owner only.")


def check_disk(settings: Settings) -> CheckResult:
    """Whether there is room."""
    place = _nearest(settings.data_dir)
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return warning(DISK, f"How much room there is at {place} cannot be told ({error.strerror}).")
    message = f"{free / 1024**3:,.1f} GiB free at {place}."
    remedy = "Make room, or set M365_DATA_DIR to a folder on a larger disk."
    if free < TOO_LITTLE_BYTES:
        return failed(DISK, message, remedy)
    return warning(DISK, message, remedy) if free < SCARCE_BYTES else ok(DISK, message)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))


def _is_open(path: Path) -> bool:
    """Whether others than the owner may do something with it (on systems that have such rights)."""
    try:
        return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
