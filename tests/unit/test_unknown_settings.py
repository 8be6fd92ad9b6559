"""What is set although it is no setting: told where somebody looks, and only by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.check.machine import check_names
from pipelines.check.results import State
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.unknown_settings import unknown_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("M365_"):
            monkeypatch.delenv(name)
    file = tmp_path / ".env"
    monkeypatch.setenv("M365_ENV_FILE", str(file))
    return file


def unknown(file: Path) -> list[str]:
    return [str(setting) for setting in unknown_settings(Settings, file)]


def test_a_misspelt_name_in_the_file_is_told_with_the_one_that_is_meant(env_file: Path) -> None:
    env_file.write_text("M365_SETTLEDAYS=4\nM365_COLOUR=blue\nM365_TENANT_ID=x\nm365_cloud=global\nOTHER=1\n")
    assert unknown(env_file) == ["M365_COLOUR", "M365_SETTLEDAYS (M365_SETTLE_DAYS is meant?)"]


def test_a_setting_without_its_prefix_counts_in_the_file_only(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("CLIENT_ID=x\n")
    monkeypatch.setenv("TODAY", "Tuesday")
    assert unknown(env_file) == ["CLIENT_ID (M365_CLIENT_ID is meant?)"]


def test_of_the_environment_only_what_resembles_a_setting(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("M365_TENENT_ID", "M365_OF_ANOTHER_PROGRAM", "M365_WAREHOUSE", "M365_DBT_TODAY", "M365_DBT_WAITING"):
        monkeypatch.setenv(name, "x")
    assert unknown(env_file) == ["M365_TENENT_ID (M365_TENANT_ID is meant?)"]


def test_the_examples_are_all_settings(env_file: Path) -> None:
    lines = EXAMPLE.read_text().splitlines()
    env_file.write_text("\n".join(line.removeprefix("#") for line in lines if line.startswith(("M365_", "#M365_"))))
    assert "M365_CLOUD=" in env_file.read_text()
    assert unknown(env_file) == []


def test_an_incomplete_configuration_says_what_it_ignored(env_file: Path) -> None:
    env_file.write_text("M365_TENANT_ID=contoso.example\nM365_CLIENT_ID=app\nM365_SECRET=hidden-value\n")
    with pytest.raises(SettingsError, match="set M365_CLIENT_SECRET") as caught:
        load_settings().tenants()
    assert str(caught.value).endswith("Ignored, as there is no such setting: M365_SECRET.")
    assert "hidden-value" not in str(caught.value)


def test_the_check_warns(env_file: Path) -> None:
    result = check_names(load_settings())
    assert (result.state, result.message) == (
        State.OK, f"Read from the environment and {env_file}, which is not there."
    )  # fmt: skip
    env_file.write_text("M365_LAGDAYS=hidden-value\n")
    result = check_names(load_settings())
    assert (result.state, result.message) == (
        State.WARNING, "Ignored, as there is no such setting: M365_LAGDAYS (M365_LAG_DAYS is meant?)."
    )  # fmt: skip
    assert str(env_file) in str(result.remedy)
