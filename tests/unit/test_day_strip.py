"""The strip of report days that the Dagster UI shows."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.cli.status import SIGNS
from pipelines.defs.extract.day_strip import GLYPHS, strip_of
from pipelines.sync.status import STATES, DayStatus


def days(*states: str) -> list[DayStatus]:
    first = date(2026, 10, 1)  # a Thursday
    return [
        DayStatus(first + timedelta(days=place), state, reason=f"because {state}") for place, state in enumerate(states)
    ]


def test_a_glyph_for_every_day_and_a_gap_before_each_monday() -> None:
    text = strip_of("Contoso", days(*["final"] * 6, "provisional", "late"))
    final, settling, late = GLYPHS["final"], GLYPHS["provisional"], GLYPHS["late"]
    assert f"```\n{final * 4} {final * 2}{settling}{late}\n```" in text
    assert "**Contoso**, 2026-10-01 to 2026-10-08" in text
    assert "final 6" in text
    assert "- 2026-10-08 late: because late" in text
    assert "because final" not in text


def test_many_gaps_are_summed_up() -> None:
    text = strip_of("Contoso", days(*["missing"] * 28))
    assert text.count("because missing") == 7
    assert "and 21 more" in text


def test_every_state_has_the_sign_of_the_status_command() -> None:
    assert set(GLYPHS) == set(STATES) == set(SIGNS)
    assert len(set(GLYPHS.values())) == len(GLYPHS)
    assert [state for state in STATES if GLYPHS[state] != SIGNS[state][0]] == ["unsettled_lost"]
