"""m365-usage ui: the Dagster UI, and the daemon that runs the schedule."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.dagster_home import prepare_dagster_home
from pipelines.settings import load_settings

WORKSPACE = Path(__file__).resolve().parents[2] / "workspace.yaml"


def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Start the Dagster UI and its daemon on 127.0.0.1 until Ctrl-C; the daily sync runs while they do."""
    settings = load_settings()
    os.environ.update(settings.for_child_process())
    prepare_dagster_home(settings)
    dagster = str(Path(sys.executable).with_name("dagster"))
    arguments = [dagster, "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
    # From a folder without a dagster.yaml of its own, which Dagster would warn of.
    os.chdir(settings.data_dir)
    os.execv(dagster, arguments)  # noqa: S606 - this process becomes dagster
