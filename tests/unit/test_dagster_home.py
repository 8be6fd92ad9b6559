"""Dagster's home is made in the data folder, or one sentence says why it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli.dagster_home import prepare_dagster_home
from pipelines.settings import Settings, SettingsError


def test_a_data_folder_that_cannot_be_written_is_told_with_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "file").write_text("a file where the folder should be")
    settings = Settings(_env_file=None, data_dir=tmp_path / "file" / "data")  # type: ignore[call-arg]
    with pytest.raises(SettingsError, match=r"The data folder .* cannot be written .* set M365_DATA_DIR"):
        prepare_dagster_home(settings)
