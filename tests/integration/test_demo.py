"""The demo, as the README shows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import ROOT


def test_the_demo_ends_with_the_figures_of_the_readme(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("M365_", "DAGSTER_"))}
    done = subprocess.run(
        [Path(sys.executable).with_name("m365-usage"), "demo"],
        env={**kept, "M365_DATA_DIR": "data/demo", "COLUMNS": "100"},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    shown = re.search(r"```text\n(Office suite.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown, "the README shows no demo"
    assert shown.group(1) in done.stdout
    assert "Fetching report days" in done.stderr, "progress is shown"
