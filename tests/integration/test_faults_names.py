"""Names that are concealed, shown again, or hashed otherwise from one day to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.conftest import Rig
from tests.integration.fault_rig import DAY, DAYS, Case, Cases

OTHER = DAYS[3]


@pytest.fixture(scope="module")
def cases(make_rig: Callable[..., Rig]) -> Iterator[Cases]:
    made = Cases(make_rig, 3000)
    yield made
    assert made.leaks() == []


@pytest.fixture
def case(cases: Cases) -> Iterator[Case]:
    made = cases.new()
    yield made
    made.mend()


@pytest.fixture
def concealed(cases: Cases) -> Iterator[Case]:
    made = cases.new(is_concealed=True)
    yield made
    made.mend()


def named(case: Case, day: object) -> bool:
    """Whether the stored day has names; all or none."""
    found = {"@" in name for name in case.stored(day)}  # type: ignore[arg-type]
    assert len(found) == 1, "concealed and named people are mixed in a day"
    return found.pop()


def test_names_concealed_in_the_middle_of_life(case: Case) -> None:
    """A concealed answer never replaces a day with names, but a new day is stored as it comes."""
    assert case.sync(DAY)[DAY].state == "applied"
    before = case.stored(DAY)
    case.next_day()
    case.strike("concealed_switch")
    found = case.sync(DAY, OTHER)
    assert (found[OTHER].state, found[DAY].state) == ("applied", "kept")
    assert found[DAY].message == "Names are concealed in the new answer; the stored day with names stays."
    assert found[DAY].concealed_rows == found[DAY].rows - found[DAY].unknown_rows > 0
    assert case.stored(DAY) == before
    assert [named(case, day) for day in (DAY, OTHER)] == [True, False]
    assert case.is_true(OTHER), "as the tenant shows it: by its hashes"
    for _ in range(2):
        case.next_day()
        found = case.sync(DAY, OTHER)
        assert (found[OTHER].state, found[DAY].state) == ("unchanged", "kept")


def test_a_switch_in_the_middle_of_a_run(case: Case) -> None:
    case.strike("concealed_switch", skip=2)
    assert [fetch.state for fetch in case.sync(*DAYS).values()] == ["applied"] * 4
    assert [named(case, day) for day in DAYS] == [True, True, False, False]
    case.strike("concealed_switch", on=False)
    case.next_day()
    found = case.sync(*DAYS)
    assert {found[day].state for day in DAYS[:2]} == {"unchanged"}
    assert {found[day].state for day in DAYS[2:]} == {"applied"}
    assert case.is_true(*DAYS)
    assert all(named(case, day) for day in DAYS)


def test_names_shown_again_are_fetched_for_every_day_however_old(concealed: Case) -> None:
    old = DAY.replace(day=8)
    days = [old, DAY, OTHER]
    assert [fetch.state for fetch in concealed.sync(*days).values()] == ["applied"] * 3
    assert concealed.is_true(*days)
    concealed.next_day()
    assert old not in concealed.sync(*days), "it is final"
    concealed.replace(is_concealed=False)
    concealed.next_day()
    found = concealed.sync(*days)
    assert {day: fetch.state for day, fetch in found.items()} == dict.fromkeys(days, "applied")
    assert concealed.is_true(*days)
    assert all(named(concealed, day) for day in days)


def test_concealed_days_are_corrected_like_others(concealed: Case) -> None:
    assert concealed.sync(DAY)[DAY].state == "applied"
    concealed.strike("correction", date=DAY, drop=1, switch_on=1, app="Outlook")
    concealed.next_day()
    assert concealed.sync(DAY)[DAY].state == "applied"
    assert concealed.is_true(DAY)


def test_days_hashed_otherwise_take_the_place_of_the_old_ones(concealed: Case) -> None:
    """The same people under other hashes: nobody is there twice, and nothing waits for a review."""
    assert {fetch.state for fetch in concealed.sync(DAY, OTHER).values()} == {"applied"}
    before = {day: concealed.stored(day) for day in (DAY, OTHER)}
    concealed.strike("hash_flip", times=None)
    concealed.next_day()
    found = concealed.sync(DAY, OTHER)
    assert {fetch.state for fetch in found.values()} == {"applied"}
    for day in (DAY, OTHER):
        after = concealed.stored(day)
        assert not after.keys() & before[day].keys()
        assert sorted(map(sorted, after.values())) == sorted(map(sorted, before[day].values()))
        assert concealed.stored_unknown(day) == len(concealed.tenant.truth.unknown_on(day))
    assert not concealed.stored(DAY).keys() & concealed.stored(OTHER).keys()
    concealed.next_day()
    assert {fetch.state for fetch in concealed.sync(DAY, OTHER).values()} == {"unchanged"}


@pytest.mark.parametrize("fault", ["truncated_honest", "header_only"])
def test_days_hashed_otherwise_and_shorter_are_no_better(concealed: Case, fault: str) -> None:
    assert concealed.sync(DAY)[DAY].state == "applied"
    before = concealed.stored(DAY)
    concealed.strike("hash_flip", times=None)
    concealed.strike(fault, date=DAY, **({"whole_lines": True} if fault == "truncated_honest" else {}))
    concealed.next_day()
    assert concealed.sync(DAY)[DAY].state == ("held" if fault == "truncated_honest" else "kept")
    assert concealed.stored(DAY) == before


def test_names_instead_of_hashes_but_only_half_of_them_are_held(concealed: Case) -> None:
    assert concealed.sync(DAY)[DAY].state == "applied"
    before = concealed.stored(DAY)
    concealed.replace(is_concealed=False)
    concealed.strike("truncated_honest", date=DAY, whole_lines=True)
    concealed.next_day()
    assert concealed.sync(DAY)[DAY].state == "held"
    assert concealed.stored(DAY) == before
    concealed.next_day()
    assert concealed.sync(DAY)[DAY].state == "applied"
    assert concealed.is_true(DAY)


def test_the_setting_cannot_be_read(case: Case) -> None:
    """Without it the reports themselves tell."""
    case.strike("forbidden", path="^/v1.0/admin/reportSettings", times=None)
    assert case.sync(DAY)[DAY].state == "applied"
    case.replace(is_concealed=True)
    case.next_day()
    found = case.sync(DAY, OTHER)
    assert (found[OTHER].state, found[DAY].state) == ("applied", "kept")
    assert not named(case, OTHER)
