"""dbt as the job runs it, without parsing the project once more for every test's folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipelines.defs.transform.project import dbt_project

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"


def run_dbt(
    warehouse: Path,
    *arguments: str,
    today: date | str,
    folder: Path | None = None,
    variables: dict[str, Any] | None = None,
    timeout: float = 280,
) -> subprocess.CompletedProcess[str]:
    """Run dbt on a warehouse; target/ and logs/ stand in folder, which is that of the warehouse if none is named.

    variables: those that differ from the project's; with any, dbt parses anew.
    """
    folder = folder or warehouse.parent
    _give_parsed(folder / "target")
    folders = {"project-dir": PROJECT, "profiles-dir": PROJECT, "target-path": folder / "target"}
    options = [f"--{name}={path}" for name, path in {**folders, "log-path": folder / "logs"}.items()]
    options += [f"--vars={json.dumps(variables)}"] if variables else []
    run = {"M365_WAREHOUSE": str(warehouse), "M365_DBT_TODAY": str(today), "DO_NOT_TRACK": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.dbt_process", *arguments, *options],
        env={**os.environ, **run},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def _give_parsed(target: Path) -> None:
    parsed = target / "partial_parse.msgpack"
    if parsed.exists():
        return
    with FileLock(PROJECT.parent / ".pytest_cache" / "dbt-parse.lock"):
        made = dbt_project().manifest_path.with_name(parsed.name)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, parsed)
