"""What `m365-usage status` says below its strip."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console

from pipelines.cli.status import print_strip
from pipelines.settings import Settings
from pipelines.sync.status import DayStatus

FIRST = date(2026, 10, 1)


def printed(days: list[DayStatus], tmp_path: Path) -> list[str]:
    text = io.StringIO()
    print_strip(Console(file=text, width=200), Settings(data_dir=tmp_path), "contoso", days)
    return text.getvalue().splitlines()


def days(*states: tuple[str, str | None]) -> list[DayStatus]:
    return [DayStatus(FIRST + timedelta(index), state, reason=reason) for index, (state, reason) in enumerate(states)]


def test_days_in_a_row_with_the_same_reason_share_a_line(tmp_path: Path) -> None:
    asked, refused = ("missing", "The next sync asks for it."), ("failed", "Refused.")
    lines = printed(days(("final", None), asked, asked, refused, asked), tmp_path)
    assert lines[4:] == [
        "  2026-10-02 to 2026-10-03  not fetched yet: The next sync asks for it.",
        "  2026-10-04  failed: Refused.",
        "  2026-10-05  not fetched yet: The next sync asks for it.",
    ]


def test_a_day_that_is_well_has_no_line(tmp_path: Path) -> None:
    assert len(printed(days(("final", None), ("provisional", None)), tmp_path)) == 4


def test_concealed_names_and_held_corrections_are_named_without_a_reason(tmp_path: Path) -> None:
    lines = printed([DayStatus(FIRST, "final", is_concealed=True, is_held=True)], tmp_path)
    assert lines[4] == "  2026-10-01  final, names concealed, correction held"
    assert "m365-usage accept" in lines[5]
