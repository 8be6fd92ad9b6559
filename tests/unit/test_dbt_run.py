"""What a run tells dbt."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.defs.transform import project
from pipelines.defs.transform.assets import models
from pipelines.defs.transform.project import dbt_environment, dbt_variables
from pipelines.settings import Settings
from pipelines.warehouse.lock import warehouse_lock


def settings(folder: Path, today: date) -> Settings:
    return Settings(_env_file=None, data_dir=folder, rules_dir=folder / "rules", today=today)


def test_the_variables_are_the_same_every_day(tmp_path: Path) -> None:
    """Others, and dbt parses the whole project anew: ten seconds of every day's run."""
    first, second = (dbt_variables(settings(tmp_path, date(2026, 10, day))) for day in (29, 30))
    assert first == second
    assert "today" not in first


def test_the_day_goes_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("M365_DBT_TODAY", "M365_WAREHOUSE", "M365_DBT_PARENT", "DBT_LOG_PATH", "DBT_LOG_LEVEL_FILE"):
        monkeypatch.setenv(name, "")  # put back afterwards
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "")
    for day in (29, 30):
        dbt_environment(settings(tmp_path, date(2026, 10, day)))
        assert os.environ["M365_DBT_TODAY"] == f"2026-10-{day}"


def test_dbt_waits_for_whoever_has_the_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("M365_DBT_TODAY", "M365_WAREHOUSE", "M365_DBT_PARENT", "DBT_LOG_PATH", "DBT_LOG_LEVEL_FILE"):
        monkeypatch.setenv(name, "")  # put back afterwards
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "")
    place = settings(tmp_path, date(2026, 10, 30)).model_copy(update={"lock_wait_seconds": 0.0})
    told: list[str] = []

    def build() -> None:
        # Without the lock it would come to dbt, which is nothing here.
        run = models.op.compute_fn.decorated_fn(None, None, SimpleNamespace(settings=lambda: place))
        try:
            list(run)
        except Exception as error:
            told.append(str(getattr(error, "description", None) or error))

    with warehouse_lock(place.warehouse_path, wait_seconds=0):
        thread = threading.Thread(target=build)
        thread.start()
        thread.join(30)
    assert len(told) == 1
    assert "is in use by process" in told[0]


class SlowDbt:
    """Parses by hand: the manifest is half there until it is told to go on."""

    def __init__(self) -> None:
        self.calls = 0
        self.is_half, self.go_on = threading.Event(), threading.Event()

    def cli(self, arguments: list[str], target_path: Path) -> SimpleNamespace:
        assert arguments[0] == "parse"
        self.calls += 1
        with (target_path / "manifest.json").open("w") as file:
            file.write('{"nodes": ')
            file.flush()
            self.is_half.set()
            assert self.go_on.wait(30)
            file.write("{}}")
        return SimpleNamespace(wait=lambda: None)


def test_of_two_that_begin_at_once_one_parses_and_none_sees_half_a_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(project.PROJECT_DIR / "dbt_project.yml", tmp_path)
    shutil.copy(project.PROJECT_DIR / "profiles.yml", tmp_path)
    slow = SlowDbt()
    monkeypatch.setattr(project, "PROJECT_DIR", tmp_path)
    monkeypatch.setattr(project, "dbt_resource", lambda _: slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(project.dbt_project)
        assert slow.is_half.wait(30)
        second = pool.submit(project.dbt_project)
        assert not (tmp_path / "target" / "manifest.json").exists()
        slow.go_on.set()
        found = [one.result(30).manifest_path.read_text() for one in (first, second)]
    assert found == ['{"nodes": {}}'] * 2
    assert slow.calls == 1
