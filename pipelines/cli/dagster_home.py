"""Dagster's home below the data folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipelines.settings import Settings

CONFIG = Path(__file__).resolve().parents[2] / "dagster.yaml"


def prepare_dagster_home(settings: Settings) -> Path:
    """Make the instance folder with our dagster.yaml in it and point DAGSTER_HOME there.

    A DAGSTER_HOME that is set already is left alone.
    """
    if os.environ.get("DAGSTER_HOME"):
        return Path(os.environ["DAGSTER_HOME"])
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(CONFIG, home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return home
