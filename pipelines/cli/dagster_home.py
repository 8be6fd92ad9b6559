"""Dagster's home below the data folder."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock

from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.atomic import write_atomically
from pipelines.warehouse.errors import is_out_of_space

CONFIG = Path(__file__).resolve().parents[2] / "dagster.yaml"
# Stands when Dagster's own tables do.
_MADE = ".made"


def prepare_dagster_home(settings: Settings) -> Path:
    """Make the instance folder with our dagster.yaml in it and point DAGSTER_HOME there.

    A DAGSTER_HOME that is set already is left alone. Raises SettingsError when the data folder cannot be written.
    """
    if os.environ.get("DAGSTER_HOME"):
        return Path(os.environ["DAGSTER_HOME"])
    home = settings.dagster_home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(home / "dagster.yaml", CONFIG.read_text(encoding="utf-8"))
    except OSError as error:
        if is_out_of_space(error):
            raise
        raise SettingsError(
            f"The data folder {settings.data_dir} cannot be written ({error.strerror}): give the account that runs "
            "this the right to write there, or set M365_DATA_DIR to another folder."
        ) from None
    os.environ["DAGSTER_HOME"] = str(home)
    if not (home / _MADE).is_file():
        _make_tables(home)
    return home


def _make_tables(home: Path) -> None:
    """Two processes that begin at the same moment would both make Dagster's tables, and one of them fail."""
    from dagster import DagsterInstance

    with FileLock(home / ".making.lock"):
        if not (home / _MADE).is_file():
            with DagsterInstance.get():
                write_atomically(home / _MADE, "")
