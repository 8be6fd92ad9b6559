"""DuckDB draws no bar of its own across what we print, however long a statement takes."""

from __future__ import annotations

from pathlib import Path

from pipelines.warehouse.connection import connect
from pipelines.warehouse.database import open_warehouse

ROOT = Path(__file__).resolve().parents[2]
BAR = "select current_setting('enable_progress_bar')"
# One statement each, of milliseconds.
SHORT = {
    "pipelines/warehouse/connection.py",
    "pipelines/warehouse/database.py",
    "pipelines/warehouse/schema.py",
    "pipelines/notify/digest.py",
    "pipelines/notify/situation.py",
    "pipelines/defs/publish/totals.py",
    "pipelines/publish/release.py",
    "pipelines/publish/pseudonyms.py",
}


def test_no_bar_in_memory_in_a_file_and_in_the_warehouse(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        assert con.execute(BAR).fetchone() == (False,)
    with connect(tmp_path / "warehouse.duckdb", read_only=True) as con:
        assert con.execute(BAR).fetchone() == (False,)
    with connect(config={"autoinstall_known_extensions": "false"}) as con:
        assert con.execute(BAR).fetchone() == (False,)


def test_whatever_may_take_long_uses_such_a_connection() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pipelines").rglob("*.py")
        if "duckdb.connect(" in path.read_text(encoding="utf-8")
    }
    assert found == SHORT
