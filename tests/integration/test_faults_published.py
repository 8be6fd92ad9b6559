"""What analysts see of days that were struck: one build over tenants to which everything has happened."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from pipelines.simulator.faults_csv import rows_of
from tests.integration.conftest import TODAY, Rig
from tests.integration.fault_rig import APPS, Case, Cases

YESTERDAY = TODAY - timedelta(days=1)
NEWEST = TODAY - timedelta(days=2)
OLDEST = TODAY - timedelta(days=29)


def day(number: int) -> date:
    """A day of the window, which is October."""
    return date(2026, 10, number)


# What happens to which day; first fetched yesterday, then today.
GOOD_BEFORE = {
    "throttled for ever": day(20),
    "reset for ever": day(21),
    "half a report for ever": day(22),
    "an HTML page": day(23),
    "a header alone": day(24),
    "a ragged row": day(25),
    "a correction of half the day": day(26),
}
NEVER_GOOD = {
    "not found": (day(12), "failed"),
    "never a whole report": (day(13), "failed"),
    "HTML first": (day(14), "failed"),
    "a header first": (day(15), "header_only"),
    "refused as too old": (OLDEST, "lost"),
    "not published yet": (NEWEST, "late"),
    "not asked for": (day(16), "missing"),
}
SETTLED = day(8)
CORRECTED, DOUBLED, REORDERED, NAMELESS = day(6), day(7), day(9), day(27)
OBSERVED = [*GOOD_BEFORE.values(), SETTLED, CORRECTED, DOUBLED, REORDERED, NAMELESS]
WEEK = [day(number) for number in range(19, 24)]
WEEKDAYS = [day(number) for number in range(1, 28) if day(number).weekday() < 5]


@dataclass
class Town:
    """The tenants, and what the tests need to know of their past."""

    rig: Rig
    struck: Case
    stable: Case
    flipping: Case
    mixed: Case
    nameless: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def town(make_rig: Callable[..., Rig]) -> Town:
    cases = Cases(make_rig, 5000)
    town = Town(
        cases.rig,
        struck=cases.new(today=YESTERDAY),
        stable=cases.new(today=TODAY, is_concealed=True, users=100),
        flipping=cases.new(today=TODAY, is_concealed=True, users=100),
        mixed=cases.new(today=TODAY),
    )
    _strike(town.struck, town)
    town.flipping.strike("hash_flip", times=None)
    town.mixed.strike("concealed_switch", skip=3)
    for case in (town.stable, town.flipping, town.mixed):
        days = WEEK if case is town.mixed else steady_days(case)
        assert {fetch.state for fetch in case.sync(*days).values()} == {"applied"}
        case.read_directory("users")
    town.rig.build()
    assert cases.leaks() == []
    return town


def _strike(case: Case, town: Town) -> None:
    case.strike("duplicate_rows", date=DOUBLED)
    case.strike("column_order", date=REORDERED)
    case.strike("unknown_rows", date=NAMELESS, count=3, times=None)
    names = [row[1].lower() for row in rows_of(case.tenant.report_csv(NAMELESS))[1:] if row[1] != "(Unknown)"]
    town.nameless = set(names[:3])
    first = case.sync(*OBSERVED)
    assert {fetch.state for fetch in first.values()} == {"applied"}
    case.next_day()
    before = GOOD_BEFORE
    case.strike("throttled", date=before["throttled for ever"], times=None)
    case.strike("connection_reset", date=before["reset for ever"], times=None)
    case.strike("truncated_honest", date=before["half a report for ever"], times=None)
    case.strike("html_page", date=before["an HTML page"])
    case.strike("header_only", date=before["a header alone"])
    case.strike("ragged_row", date=before["a ragged row"])
    case.strike("truncated_honest", date=before["a correction of half the day"], whole_lines=True)
    case.strike("not_found", date=NEVER_GOOD["not found"][0])
    case.strike("truncated_lying", date=NEVER_GOOD["never a whole report"][0], times=None)
    case.strike("html_page", date=NEVER_GOOD["HTML first"][0])
    case.strike("header_only", date=NEVER_GOOD["a header first"][0])
    case.strike("late_day", date=OLDEST)
    case.strike("late_day")
    case.tenant.correct(CORRECTED, drop=1, switch_off=1, add=1, app="Outlook")
    asked = [which for which, _ in NEVER_GOOD.values() if which != NEVER_GOOD["not asked for"][0]]
    found = case.sync(*OBSERVED, *asked, full=True)
    assert {found[which].state for which in before.values()} == {"failed", "refused", "kept", "held"}
    assert found[CORRECTED].state == "applied"
    case.read_directory("users")
    case.mend()


def states(town: Town, case: Case) -> dict[date, tuple]:
    rows = town.rig.query(
        "select report_date, state, is_observed, is_concealed, rows from report_days "
        f"where tenant_id = '{case.tenant_id}'"
    )
    return {row[0]: row[1:] for row in rows}


def daily(town: Town, case: Case) -> dict[date, dict[str, tuple]]:
    rows = town.rig.query(
        "select report_date, app, active_users, unknown_users from app_usage_daily "
        f"where tenant_id = '{case.tenant_id}'"
    )
    found: dict[date, dict[str, tuple]] = {}
    for report_date, app, *figures in rows:
        found.setdefault(report_date, {})[app] = tuple(figures)
    return found


@pytest.mark.parametrize("what", GOOD_BEFORE)
def test_a_stored_day_is_published_as_it_was(town: Town, what: str) -> None:
    state, is_observed, is_concealed, rows = states(town, town.struck)[GOOD_BEFORE[what]]
    # The newest good fetch of all of them was yesterday's.
    is_final = (YESTERDAY - GOOD_BEFORE[what]).days >= 10
    assert (state, is_observed, is_concealed) == ("final" if is_final else "provisional", True, False)
    assert rows == len(rows_of(town.struck.tenant.report_csv(GOOD_BEFORE[what]))) - 1


@pytest.mark.parametrize("what", NEVER_GOOD)
def test_a_day_that_never_came_is_no_zero(town: Town, what: str) -> None:
    which, expected = NEVER_GOOD[what]
    state, is_observed, _, rows = states(town, town.struck)[which]
    assert (state, is_observed) == (expected, False)
    assert not rows
    assert set(daily(town, town.struck)[which].values()) == {(None, None)}


@pytest.mark.parametrize("which", OBSERVED)
def test_the_figures_of_every_observed_day_are_the_truth(town: Town, which: date) -> None:
    case = town.struck
    use = {name: pairs for name, pairs in case.true(which).items() if which != NAMELESS or name not in town.nameless}
    lost = [pairs for name, pairs in case.true(which).items() if name not in use]
    unknown = [*case.tenant.truth.unknown_on(which), *lost]
    if which == DOUBLED:
        # The first answer counted the unnamed rows twice; the second put it right.
        assert states(town, case)[which][3] == len(rows_of(case.tenant.report_csv(which))) - 1
    assert daily(town, case)[which] == {
        app.lower(): tuple(
            sum(any(used == app for used, _ in pairs) for pairs in people) for people in (use.values(), unknown)
        )
        for app in APPS
    }


def test_what_changed_is_published_applied_or_held(town: Town) -> None:
    found = town.rig.query(
        "select distinct report_date, is_applied from restatements "
        f"where tenant_id = '{town.struck.tenant_id}' order by all"
    )
    held = GOOD_BEFORE["a correction of half the day"]
    assert (CORRECTED, True) in found
    assert (held, False) in found
    assert {which for which, _ in found} <= {CORRECTED, DOUBLED, held}


def window(town: Town, case: Case) -> tuple:
    ((*found,),) = town.rig.query(
        "select identity_basis, named_days, concealed_days, active_users, app_user_days, suite_user_days "
        f"from suite_usage_28d where tenant_id = '{case.tenant_id}'"
    )
    return tuple(found)


def suite_days(case: Case, days: list[date]) -> tuple[int, int]:
    """App-days and person-days of the five apps, by the truth."""
    uses = [{app for app, _ in pairs} - {"Teams"} for which in days for pairs in case.true(which).values()]
    return sum(map(len, uses)), sum(map(bool, uses))


def steady_days(case: Case) -> list[date]:
    """Two weekdays with nearly the same people at work."""
    active = [{user for user, pairs in case.tenant.truth.active_on(which).items() if pairs} for which in WEEKDAYS]
    return next(
        WEEKDAYS[number : number + 2]
        for number, (one, other) in enumerate(itertools.pairwise(active))
        if len(one & other) > 0.91 * min(len(one), len(other))
    )


def test_a_few_concealed_days_do_not_tell_whether_hashes_last(town: Town) -> None:
    """Until five weekdays follow, nobody is counted over days; the sums over days are right all the same."""
    days = steady_days(town.stable)
    assert window(town, town.stable) == ("concealed", 0, 2, None, *suite_days(town.stable, days))


def test_people_are_not_counted_over_days_whose_hashes_flip(town: Town) -> None:
    """Everybody would be there twice; the sums over days are right all the same."""
    days = steady_days(town.flipping)
    assert window(town, town.flipping) == ("concealed", 0, 2, None, *suite_days(town.flipping, days))
    assert {row[1:3] for which, row in states(town, town.flipping).items() if which in days} == {(True, True)}


def test_named_and_concealed_people_are_never_added_up(town: Town) -> None:
    """The switch came before the fourth request."""
    case = town.mixed
    case.replace(is_concealed=False)
    active = [case.tenant.truth.active_on(which) for which in WEEK[:3]]
    people = {user_id for on_day in active for user_id, pairs in on_day.items() if _in_suite(pairs)}
    expected = ("mixed", 3, 2, len(people), *suite_days(case, WEEK))
    assert window(town, case) == expected


def _in_suite(pairs: frozenset[tuple[str, str]]) -> bool:
    return any(app != "Teams" for app, _ in pairs)
