"""What landing/ knows of each day, without any database: the input of the plan."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from unit_landing import TENANT, Lander

from pipelines.sync.history import concealed_setting, day_history, names_are_shown
from pipelines.warehouse.records import FetchRecord, Verdict
from pipelines.window import DayHistory, ReportWindow

TODAY = date(2026, 8, 31)
WINDOW = ReportWindow(TODAY)
DAY = date(2026, 8, 20)


@pytest.fixture
def lander(tmp_path: Path) -> Lander:
    return Lander(tmp_path)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def judge(lander: Lander, record: FetchRecord, verdict: str, **facts: object) -> None:
    (landed,) = [item for item in lander.landing.all_fetches() if item.record == record]
    lander.landing.add_verdict(landed, Verdict(verdict, None, **facts))  # type: ignore[arg-type]


def history(lander: Lander) -> DayHistory | None:
    return day_history(lander.landing, TENANT, WINDOW).get(DAY)


def test_a_day_never_asked_for_has_no_history(lander: Lander) -> None:
    lander.day("2026-08-21", b"x\n", tenant_id="another.example")
    lander.period("D7", b"x\n")
    lander.day("2026-07-01", b"x\n")
    assert day_history(lander.landing, TENANT, WINDOW) == {}


def test_a_landed_day_is_good_before_it_is_loaded(lander: Lander) -> None:
    lander.day(DAY, b"x\n", as_of=ago(3))
    assert history(lander) == DayHistory(ago(3), ago(3), "ok")


@pytest.mark.parametrize(
    ("verdict", "is_good", "outcome"),
    [
        ("applied", True, "ok"),
        ("unchanged", True, "ok"),
        ("kept", False, "ok"),
        ("held", False, "ok"),
        ("refused", False, "refused"),
    ],
)
def test_what_loading_made_of_it_decides(lander: Lander, verdict: str, is_good: bool, outcome: str) -> None:
    first = lander.day(DAY, b"x\n", as_of=ago(5))
    judge(lander, first, "applied")
    judge(lander, lander.day(DAY, b"y\n", as_of=ago(0)), verdict)
    assert history(lander) == DayHistory(ago(0) if is_good else ago(5), ago(0), outcome)


def test_a_refused_answer_alone_is_no_good_answer(lander: Lander) -> None:
    judge(lander, lander.day(DAY, b"<html>\n", as_of=ago(0)), "refused")
    assert history(lander) == DayHistory(None, ago(0), "refused")


@pytest.mark.parametrize("outcome", ["late", "lost", "failed", "refused_permission"])
def test_a_failed_attempt_does_not_undo_a_good_one(lander: Lander, outcome: str) -> None:
    lander.day(DAY, b"x\n", as_of=ago(5))
    lander.failure(DAY, outcome, as_of=ago(1))
    assert history(lander) == DayHistory(ago(5), ago(1), outcome)


def test_the_newest_good_answer_counts(lander: Lander) -> None:
    for age in (8, 5, 1):
        lander.day(DAY, b"x\n", as_of=ago(age))
    assert history(lander) == DayHistory(ago(1), ago(1), "ok")


def test_a_header_alone_settles_nothing(lander: Lander) -> None:
    judge(lander, lander.day(DAY, b"x\n", as_of=ago(5)), "applied", rows=0)
    assert history(lander) == DayHistory(None, ago(5), "ok")
    judge(lander, lander.day(DAY, b"x\n", as_of=ago(1)), "applied", rows=3)
    assert history(lander) == DayHistory(ago(1), ago(1), "ok")


def test_concealed_names_are_remembered_with_the_stored_answer(lander: Lander) -> None:
    judge(lander, lander.day(DAY, b"x\n", as_of=ago(5)), "applied", is_concealed=True)
    found = history(lander)
    assert found is not None
    assert found.is_concealed
    judge(lander, lander.day(DAY, b"x\n", as_of=ago(4)), "applied", is_concealed=False)
    judge(lander, lander.day(DAY, b"x\n", as_of=ago(3)), "kept", is_concealed=True)
    found = history(lander)
    assert found is not None
    assert not found.is_concealed


# --- whether names are shown --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"displayConcealedNames": true}\n', True),
        ('{"displayConcealedNames": false}\n', False),
        ('{"displayConcealedNames": "yes"}\n', None),
        ("{}\n", None),
        ("[]\n", None),
        ("<html>\n", None),
        ("", None),
    ],
)
def test_the_tenant_s_setting_as_last_read(lander: Lander, text: str, expected: bool | None) -> None:
    lander.raw("reportSettings", text)
    assert concealed_setting(lander.landing, TENANT) is expected


def test_the_newest_readable_setting_counts(lander: Lander) -> None:
    assert concealed_setting(lander.landing, TENANT) is None
    lander.raw("reportSettings", '{"displayConcealedNames": true}\n')
    lander.now += timedelta(days=31)
    lander.raw("reportSettings", '{"displayConcealedNames": false}\n')
    lander.raw("reportSettings", '{"displayConcealedNames": true}\n', tenant_id="another.example")
    assert concealed_setting(lander.landing, TENANT) is False


GOOD, CONCEALED = DayHistory(ago(1), ago(1), "ok"), DayHistory(ago(1), ago(1), "ok", is_concealed=True)


@pytest.mark.parametrize(
    ("setting", "histories", "expected"),
    [
        (True, {ago(3): GOOD}, False),
        (False, {ago(3): CONCEALED}, True),
        (None, {ago(4): CONCEALED, ago(3): GOOD}, True),
        (None, {ago(4): GOOD, ago(3): CONCEALED}, False),
        (None, {ago(4): GOOD, ago(3): DayHistory(None, ago(1), "failed")}, True),
        (None, {}, False),
    ],
)
def test_whether_a_day_fetched_now_comes_with_names(
    setting: bool | None, histories: dict[date, DayHistory], expected: bool
) -> None:
    assert names_are_shown(setting, histories) is expected
