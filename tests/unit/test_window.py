"""Which report dates exist, which are asked for now and in which order."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.window import DayHistory, FetchPlan, ReportWindow, plan_days

TODAY = date(2026, 8, 31)
WINDOW = ReportWindow(TODAY)
SETTLE_DAYS = 10


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def good(as_of: date) -> DayHistory:
    return DayHistory(good_as_of=as_of, last_as_of=as_of, last_outcome="ok")


def bad(outcome: str, as_of: date, good_as_of: date | None = None) -> DayHistory:
    return DayHistory(good_as_of=good_as_of, last_as_of=as_of, last_outcome=outcome)


# --- the window ---------------------------------------------------------------------------------------------


def test_the_window_is_28_days_that_end_two_days_ago() -> None:
    assert WINDOW.start == date(2026, 8, 2)
    assert WINDOW.end == date(2026, 8, 29)
    assert len(WINDOW.days) == 28
    assert WINDOW.days[0] == WINDOW.start
    assert WINDOW.days[-1] == WINDOW.end


@pytest.mark.parametrize(
    ("today", "start", "end"),
    [
        (date(2026, 3, 1), date(2026, 1, 31), date(2026, 2, 27)),
        (date(2028, 3, 2), date(2028, 2, 2), date(2028, 2, 29)),
        (date(2027, 1, 1), date(2026, 12, 3), date(2026, 12, 30)),
    ],
)
def test_the_window_crosses_months_leap_days_and_years(today: date, start: date, end: date) -> None:
    assert (ReportWindow(today).start, ReportWindow(today).end) == (start, end)


@pytest.mark.parametrize(
    ("lag", "length", "oldest", "newest"), [(2, 28, 29, 2), (1, 28, 28, 1), (3, 27, 29, 3), (2, 1, 2, 2)]
)
def test_lag_and_length_are_settings(lag: int, length: int, oldest: int, newest: int) -> None:
    window = ReportWindow(TODAY, lag_days=lag, length=length)
    assert (window.start, window.end) == (ago(oldest), ago(newest))


@pytest.mark.parametrize(("age", "is_inside"), [(30, False), (29, True), (15, True), (2, True), (1, False), (0, False)])
def test_a_date_is_inside_from_the_oldest_to_the_newest_day(age: int, is_inside: bool) -> None:
    assert (ago(age) in WINDOW) is is_inside


@pytest.mark.parametrize(
    ("age", "meaning"),
    [
        (29, "lost"),
        (28, "lost"),
        (27, "failed"),
        (15, "failed"),
        (4, "failed"),
        (3, "late"),
        (2, "late"),
        (40, "lost"),
        (0, "late"),
    ],
)
def test_a_refused_date_is_lost_at_the_old_end_and_late_at_the_new_one(age: int, meaning: str) -> None:
    assert WINDOW.meaning_of_refusal(ago(age)) == meaning


def test_a_longer_lag_asks_for_days_that_nobody_serves_any_more() -> None:
    late = ReportWindow(WINDOW.today, lag_days=5)
    assert [late.meaning_of_refusal(ago(age)) for age in (32, 30, 28, 27, 6)] == ["lost"] * 3 + ["failed", "late"]


# --- the plan, by cases -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "history", "expected"),
    [
        (20, DayHistory(), "never"),
        (20, bad("failed", ago(1)), "never"),
        (20, bad("refused", ago(0)), "never"),
        (20, bad("failed", ago(0)), "never"),
        (3, bad("late", ago(1)), "never"),
        (3, bad("late", ago(0)), "never"),
        (20, bad("refused_permission", ago(1)), "never"),
        (28, bad("lost", ago(1)), "left"),
        (28, bad("lost", ago(0)), "left"),
        # Settled only when the good fetch itself happened at age 10 or more.
        (20, good(ago(10)), "left"),
        (20, good(ago(11)), "provisional"),
        (20, good(ago(18)), "provisional"),
        (28, good(ago(26)), "provisional"),
        (5, good(ago(3)), "provisional"),
        (5, good(ago(0)), "left"),
        (11, good(ago(0)), "left"),
        # A good fetch stays good when a later one fails; the failed one is repeated, on the same day too.
        (20, bad("failed", ago(1), good_as_of=ago(10)), "left"),
        (20, bad("failed", ago(1), good_as_of=ago(15)), "provisional"),
        (20, bad("failed", ago(0), good_as_of=ago(15)), "provisional"),
        (20, bad("refused", ago(0), good_as_of=ago(15)), "provisional"),
        (28, bad("lost", ago(1), good_as_of=ago(24)), "left"),
    ],
)
def test_one_day(age: int, history: DayHistory, expected: str) -> None:
    plan = plan_days(WINDOW, {ago(age): history}, settle_days=SETTLE_DAYS, days=[ago(age)])
    assert plan.never_fetched == ((ago(age),) if expected == "never" else ())
    assert plan.provisional == ((ago(age),) if expected == "provisional" else ())


def test_first_sync_asks_for_every_day_oldest_first() -> None:
    plan = plan_days(WINDOW, {})
    assert plan.days == tuple(WINDOW.days)
    assert plan.provisional == ()
    assert (plan.final, plan.already_today) == (0, 0)


def test_never_fetched_days_come_before_provisional_ones_and_final_days_are_counted_only() -> None:
    history = {day: good(day + timedelta(days=10)) for day in WINDOW.days if day <= ago(12)}
    history |= {ago(6): good(ago(4)), ago(5): good(ago(3)), ago(4): good(ago(0))}
    plan = plan_days(WINDOW, history)
    assert plan.never_fetched == tuple(ago(n) for n in (11, 10, 9, 8, 7, 3, 2))
    assert plan.provisional == (ago(5), ago(6))
    assert plan.days == plan.never_fetched + plan.provisional
    assert (plan.final, plan.already_today) == (18, 1)


def test_a_daily_run_asks_for_the_new_day_and_the_settling_ones_newest_first() -> None:
    history = {day: good(min(day + timedelta(days=10), ago(1))) for day in WINDOW.days if day < ago(2)}
    plan = plan_days(WINDOW, history)
    assert plan.never_fetched == (ago(2),)
    assert plan.provisional == tuple(ago(n) for n in range(3, 11))
    assert plan.final == 19


def test_full_asks_again_for_final_days_and_those_fetched_today_but_not_for_lost_ones() -> None:
    history = {day: good(ago(0)) for day in WINDOW.days}
    history[ago(29)] = bad("lost", ago(1))
    history[ago(28)] = bad("lost", ago(1), good_as_of=ago(26))
    del history[ago(7)]
    plan = plan_days(WINDOW, history, full=True)
    assert plan.never_fetched == (ago(7),)
    assert plan.provisional == tuple(ago(n) for n in range(2, 28) if n != 7)


def test_the_plan_can_be_restricted_to_some_days_but_not_beyond_the_window() -> None:
    plan = plan_days(WINDOW, {}, days=[ago(3), ago(35), ago(0), ago(9), ago(3)])
    assert plan.days == (ago(9), ago(3))
    assert plan_days(WINDOW, {}, days=[]).days == ()


def test_settle_days_is_a_setting() -> None:
    history = {ago(20): good(ago(14))}
    assert plan_days(WINDOW, history, settle_days=6, days=[ago(20)]).final == 1
    assert plan_days(WINDOW, history, settle_days=7, days=[ago(20)]).provisional == (ago(20),)


# --- how long, in words -------------------------------------------------------------------------------------


def plan_of(days: int) -> FetchPlan:
    return FetchPlan(tuple(ago(29 - n) for n in range(days)))


@pytest.mark.parametrize(
    ("days", "minutes"), [(0, 0), (1, 0), (14, 0), (15, 10), (28, 10), (29, 20), (42, 20), (43, 30)]
)
def test_minutes_are_the_full_windows_that_must_pass_before_the_last_request(days: int, minutes: float) -> None:
    assert plan_of(days).minutes(14, 600) == minutes


def test_a_short_window_gives_parts_of_a_minute() -> None:
    assert plan_of(28).minutes(14, 3) == pytest.approx(0.05)


def test_the_plan_describes_itself() -> None:
    plan = FetchPlan((ago(9), ago(8)), (), (ago(3),), 5, 2)
    assert plan.describe(14, 600) == (
        "3 report requests (2 new days, 1 still settling), within the request limit; 5 days final."
    )
    assert "about 10 min at Microsoft's limit" in plan_of(28).describe(14, 600)
    nothing = FetchPlan(final=20, already_today=8)
    assert nothing.describe(14, 600) == "Nothing to fetch: 20 days final, 8 already fetched today."


# --- properties ---------------------------------------------------------------------------------------------

OUTCOMES = ("ok", "ok", "ok", "late", "lost", "failed", "refused", "refused_permission")
windows = st.builds(
    ReportWindow,
    today=st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    lag_days=st.integers(1, 7),
    length=st.integers(1, 28),
)


@st.composite
def histories(draw: st.DrawFn, window: ReportWindow) -> dict[date, DayHistory]:
    """What real fetches leave behind: some attempts per day, none before it exists, none in the future."""
    found = {}
    around = [window.start - timedelta(days=2), *window.days, window.end + timedelta(days=1)]
    for day in draw(st.lists(st.sampled_from(around), unique=True)):
        ages = draw(st.lists(st.integers(0, max((window.today - day).days, 0)), min_size=1, max_size=3))
        attempts = [(day + timedelta(days=age), draw(st.sampled_from(OUTCOMES))) for age in sorted(ages)]
        usable = [as_of for as_of, outcome in attempts if outcome == "ok"]
        found[day] = DayHistory(max(usable, default=None), *attempts[-1])
    return found


@st.composite
def situations(draw: st.DrawFn) -> tuple[ReportWindow, dict[date, DayHistory], int, bool]:
    window = draw(windows)
    return window, draw(histories(window)), draw(st.integers(1, 14)), draw(st.booleans())


@given(situations())
def test_nothing_is_asked_outside_the_window_or_twice(
    situation: tuple[ReportWindow, dict[date, DayHistory], int, bool],
) -> None:
    window, history, settle_days, full = situation
    plan = plan_days(window, history, settle_days=settle_days, full=full)
    assert set(plan.days) <= set(window.days)
    assert len(set(plan.days)) == len(plan.days)


@given(situations())
def test_order_is_never_fetched_oldest_first_then_provisional_newest_first(
    situation: tuple[ReportWindow, dict[date, DayHistory], int, bool],
) -> None:
    window, history, settle_days, full = situation
    plan = plan_days(window, history, settle_days=settle_days, full=full)
    assert list(plan.never_fetched) == sorted(plan.never_fetched)
    assert list(plan.provisional) == sorted(plan.provisional, reverse=True)
    assert plan.days[: len(plan.never_fetched)] == plan.never_fetched
    for day in plan.never_fetched:
        assert day not in history or history[day].good_as_of is None
    for day in plan.provisional:
        assert history[day].good_as_of is not None


@given(situations())
def test_every_day_of_the_window_is_accounted_for(
    situation: tuple[ReportWindow, dict[date, DayHistory], int, bool],
) -> None:
    window, history, settle_days, full = situation
    plan = plan_days(window, history, settle_days=settle_days, full=full)
    left = set(window.days) - set(plan.days)
    for day in left:
        known = history[day]
        settled = known.good_as_of is not None and (known.good_as_of - day).days >= settle_days
        assert known.last_outcome == "lost" or (not full and (settled or known.last_as_of == window.today))
    assert len(plan.days) + plan.final + plan.already_today <= len(window.days)
    assert sum(1 for day in left if history[day].last_outcome != "lost") <= plan.final + plan.already_today


@given(situations(), st.data())
def test_a_plan_carried_out_leaves_nothing_for_the_same_day(
    situation: tuple[ReportWindow, dict[date, DayHistory], int, bool], data: st.DataObject
) -> None:
    window, history, settle_days, full = situation
    plan = plan_days(window, history, settle_days=settle_days, full=full)
    lost = set(data.draw(st.lists(st.sampled_from(plan.days)))) if plan.days else set()
    for day in plan.days:
        history[day] = bad("lost", window.today) if day in lost else good(window.today)
    assert plan_days(window, history, settle_days=settle_days).days == ()


@given(situations())
def test_a_failed_day_is_asked_for_again_by_the_next_run(
    situation: tuple[ReportWindow, dict[date, DayHistory], int, bool],
) -> None:
    window, history, settle_days, _ = situation
    plan = plan_days(window, history, settle_days=settle_days)
    for day in plan.days:
        old = history.get(day, DayHistory())
        history[day] = bad("failed", window.today, good_as_of=old.good_as_of)
    assert plan_days(window, history, settle_days=settle_days).days == plan.days


@given(st.integers(0, 100), st.integers(1, 20), st.floats(0.1, 1000))
def test_minutes_never_promise_more_than_the_limit_lets_through(days: int, per_window: int, seconds: float) -> None:
    plan = FetchPlan(tuple(ago(-n) for n in range(days)))
    windows_passed = plan.minutes(per_window, seconds) * 60 / seconds
    assert days <= (windows_passed + 1.001) * per_window
    assert days == 0 or days > (windows_passed - 0.001) * per_window


def test_day_after_day_every_day_becomes_final_once_and_is_then_left_alone() -> None:
    """Fifty daily runs: each report day is asked for from age 2 to its settling, and never again."""
    history: dict[date, DayHistory] = {}
    asked: dict[date, list[int]] = {}
    for offset in range(50):
        today = TODAY + timedelta(days=offset)
        for day in plan_days(ReportWindow(today), history, settle_days=SETTLE_DAYS).days:
            asked.setdefault(day, []).append((today - day).days)
            history[day] = good(today)
    newer = [ages for day, ages in asked.items() if TODAY < day < TODAY + timedelta(days=35)]
    assert newer
    assert all(ages == list(range(2, 11)) for ages in newer)
    assert all(asked[day] == [(TODAY - day).days] for day in WINDOW.days if day <= ago(10))


def test_days_with_concealed_names_are_fetched_again_once_names_are_shown() -> None:
    final = DayHistory(good_as_of=ago(1), last_as_of=ago(1), last_outcome="ok", is_concealed=True)
    asked_today = DayHistory(good_as_of=ago(0), last_as_of=ago(0), last_outcome="ok", is_concealed=True)
    named = DayHistory(good_as_of=ago(1), last_as_of=ago(1), last_outcome="ok")
    window = ReportWindow(TODAY)
    history = {ago(25): final, ago(20): final, ago(15): named, ago(14): asked_today}
    days = [ago(25), ago(20), ago(15), ago(14)]
    assert plan_days(window, history, days=days).days == ()
    plan = plan_days(window, history, names_shown=True, days=days)
    assert plan.concealed == (ago(25), ago(20)), "oldest first, as they expire first; today's are not asked twice"
    assert "2 now with names" in plan.describe(14, 600)
