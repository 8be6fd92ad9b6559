"""What can come in the place of a report, with status 200 and good cheer: taken, refused, kept or held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pipelines.simulator.faults_csv import rows_of
from tests.integration.conftest import TODAY, Rig
from tests.integration.fault_rig import DAY, DAYS, Case, Cases, Fetch

ATTEMPTS = 6
OTHER = DAYS[3]
NEWEST = TODAY - timedelta(days=2)


@pytest.fixture(scope="module")
def cases(make_rig: Callable[..., Rig]) -> Iterator[Cases]:
    made = Cases(make_rig, 2000)
    yield made
    assert made.leaks() == []


@pytest.fixture
def case(cases: Cases) -> Iterator[Case]:
    made = cases.new()
    yield made
    made.mend()


# --- broken on the way: asked again, and never stored ----------------------------------------------------------

BROKEN = {
    "cut, the length lies": ("truncated_lying", {}, "broke off"),
    "cut at once, the length lies": ("truncated_lying", {"keep": 0.0}, "broke off"),
    "cut, the length is honest": ("truncated_honest", {}, "The report breaks off inside a line."),
    "cut in the header, the length is honest": ("truncated_honest", {"keep": 0.05}, "breaks off inside a line."),
    "nothing": ("truncated_honest", {"keep": 0.0}, "The report is empty."),
    "link expired": ("link_expired", {}, "The download address was refused or has expired."),
}
BROKEN_ON = {name: NEWEST - timedelta(days=number) for number, name in enumerate(BROKEN)}
each_broken = pytest.mark.parametrize("name", BROKEN)


@dataclass
class Broken:
    """One tenant, each of whose days breaks in another way: once, and then for the whole of a run."""

    case: Case
    once: dict[str, Fetch]
    always: dict[str, Fetch]
    bodies: tuple[int, int, int]
    never_stored: dict[str, Fetch]
    fresh: Case


@pytest.fixture(scope="module")
def broken(cases: Cases) -> Broken:
    case, fresh = cases.new(), cases.new()

    def run(of: Case, times: int | None, *, full: bool = False) -> dict[str, Fetch]:
        for name, (fault, parameters, _) in BROKEN.items():
            of.strike(fault, date=BROKEN_ON[name], times=times, **parameters)
        found = of.sync(*BROKEN_ON.values(), full=full)
        of.mend()
        return {name: found[day] for name, day in BROKEN_ON.items()}

    once, first = run(case, 1), case.landed_bodies()
    always, second = run(case, None, full=True), case.landed_bodies()
    never_stored = run(fresh, None)
    return Broken(case, once, always, (first, second, fresh.landed_bodies()), never_stored, fresh)


@each_broken
def test_what_breaks_once_is_asked_for_again(broken: Broken, name: str) -> None:
    found = broken.once[name]
    assert (found.state, found.requests) == ("applied", 2), "a new link was asked for"
    assert broken.case.is_true(BROKEN_ON[name])


@each_broken
def test_what_stays_broken_fails_and_keeps_the_stored_day(broken: Broken, name: str) -> None:
    found = broken.always[name]
    assert (found.state, found.body_path, found.requests) == ("failed", None, ATTEMPTS)
    assert BROKEN[name][2] in found.message
    assert broken.case.is_true(BROKEN_ON[name])


@each_broken
def test_what_was_never_whole_is_never_stored(broken: Broken, name: str) -> None:
    found = broken.never_stored[name]
    assert (found.state, found.body_path, found.requests) == ("failed", None, ATTEMPTS)
    assert broken.fresh.stored(BROKEN_ON[name]) == {}


def test_nothing_broken_is_landed(broken: Broken) -> None:
    assert broken.bodies == (len(BROKEN) + 1, len(BROKEN) + 2, 1), "reports once, and the settings of every run"


def test_days_that_broke_are_asked_for_again_by_the_next_run(broken: Broken) -> None:
    again = broken.fresh.sync(*BROKEN_ON.values())
    assert {fetch.state for fetch in again.values()} == {"applied"}
    assert broken.fresh.is_true(*BROKEN_ON.values())
    assert {fetch.state for fetch in broken.case.sync(*BROKEN_ON.values()).values()} == {"unchanged"}


def test_an_expired_link_gets_a_new_one_at_once_from_graph(case: Case) -> None:
    rule = case.strike("link_expired", times=2)
    found = case.sync(DAY)
    assert (found[DAY].state, rule.hits) == ("applied", 2)
    downloads = case.rig.server.requests.to("/data/download")
    assert [record.status for record in downloads] == [403, 403, 200]
    assert case.asked() == [302, 302, 302]
    assert not any(record.had_bearer for record in downloads)
    assert len(case.rig.server.requests.to("/oauth2/v2.0/token")) == 1, "the token is not to blame"
    assert case.is_true(DAY)


# --- no report, or not this one: refused, and the stored day stays ---------------------------------------------

REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "HTML": ("html_page", {}, "The answer is an HTML page, not a CSV report."),
    "JSON error": ("json_error", {}, "The answer is JSON, not a CSV report."),
    "short row": ("ragged_row", {"row": 3}, "at line 4: expected number of columns: 39 found: 38"),
    "long row": ("ragged_row", {"row": 1, "cells": 2}, "at line 2: expected number of columns: 39 found: 40"),
    "last row short": ("ragged_row", {"row": 999, "cells": -30}, "found: 9"),
    "no app column": ("missing_column", {"column": "Word"}, "lacks 1 of its columns: Word"),
    "no platform column": ("missing_column", {"column": "Excel (Web)"}, "lacks 1 of its columns: Excel (Web)"),
    "no names": ("missing_column", {"column": "User Principal Name"}, "lacks 1 of its columns: User Principal Name"),
}
REFUSED_ON = {name: NEWEST - timedelta(days=number) for number, name in enumerate(REFUSED)}
each_refused = pytest.mark.parametrize("name", REFUSED)


@dataclass
class Refusals:
    """One tenant whose stored days come again as something else, another to whom they come so first."""

    case: Case
    over: dict[str, Fetch]
    fresh: Case
    first: dict[str, Fetch]


@pytest.fixture(scope="module")
def refusals(cases: Cases) -> Refusals:
    case, fresh = cases.new(), cases.new()

    def run(of: Case) -> dict[str, Fetch]:
        for name, (fault, parameters, _) in REFUSED.items():
            of.strike(fault, date=REFUSED_ON[name], **parameters)
        found = of.sync(*REFUSED_ON.values(), full=True)
        of.mend()
        return {name: found[day] for name, day in REFUSED_ON.items()}

    stored = case.sync(*REFUSED_ON.values())
    assert {fetch.state for fetch in stored.values()} == {"applied"}
    return Refusals(case, run(case), fresh, run(fresh))


@each_refused
def test_what_is_no_whole_report_is_refused_and_the_stored_day_stays(refusals: Refusals, name: str) -> None:
    found = refusals.over[name]
    assert (found.outcome, found.verdict, found.requests) == ("ok", "refused", 1)
    assert REFUSED[name][2] in found.message
    assert refusals.case.is_true(REFUSED_ON[name])


@each_refused
def test_what_is_no_whole_report_is_not_stored_in_part(refusals: Refusals, name: str) -> None:
    found = refusals.first[name]
    assert (found.state, found.rows) == ("refused", None)
    assert refusals.fresh.stored(REFUSED_ON[name]) == {}
    assert refusals.fresh.stored_unknown(REFUSED_ON[name]) == 0


def test_refused_days_are_asked_for_again_by_the_next_run(refusals: Refusals) -> None:
    """On the same day, and once more only where the answer was refused again."""
    days = REFUSED_ON.values()
    for case, state in ((refusals.case, "unchanged"), (refusals.fresh, "applied")):
        case.strike("html_page", date=DAY)
        again = case.sync(*days)
        assert {day: fetch.state for day, fetch in again.items()} == {
            day: "refused" if day == DAY else state for day in days
        }
        assert {day: fetch.state for day, fetch in case.sync(*days).items()} == {DAY: state}
        assert case.is_true(*days)


def test_a_page_without_a_line_end_is_refused_as_a_page(case: Case) -> None:
    rule = case.strike("html_page", date=DAY)
    assert rule.body is not None
    rule.body = rule.body.rstrip()
    rule = case.strike("json_error", date=OTHER)
    found = case.sync(DAY, OTHER)
    assert [found[day].message for day in (DAY, OTHER)] == [
        "The answer is an HTML page, not a CSV report.",
        "The answer is JSON, not a CSV report.",
    ]
    assert [found[day].requests for day in (DAY, OTHER)] == [1, 1]


# --- the same report in other clothes: loaded alike ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gzip_encoded", {}),
        ("column_order", {}),
        ("new_column", {}),
        ("new_column", {"column": "Loop", "value": "", "place": 0}),
        ("new_column", {"column": 'Loop, "new"', "value": "1,5", "place": 99}),
        ("missing_column", {"column": "Report Period"}),
        ("missing_column", {"column": "Windows"}),
    ],
)
def test_the_same_report_in_other_clothes_loads_the_same(case: Case, name: str, parameters: dict[str, Any]) -> None:
    case.strike(name, times=None, **parameters)
    found = case.sync(DAY, OTHER)
    assert [fetch.state for fetch in found.values()] == ["applied", "applied"]
    assert case.is_true(DAY, OTHER)
    case.mend()
    assert case.sync(DAY, full=True)[DAY].state == "unchanged"


def test_doubled_rows_are_merged_and_counted(case: Case) -> None:
    case.strike("duplicate_rows", date=DAY, count=5)
    case.strike("duplicate_rows", date=OTHER)
    found = case.sync(DAY, OTHER)
    assert [fetch.state for fetch in found.values()] == ["applied", "applied"]
    known = {day: fetch.rows - fetch.unknown_rows for day, fetch in found.items()}
    assert found[OTHER].duplicate_rows == known[OTHER] / 2
    assert 0 < found[DAY].duplicate_rows <= 5
    for day in (DAY, OTHER):
        assert case.stored(day) == case.true(day)
    plain = case.sync(DAY, OTHER, full=True)
    assert {fetch.duplicate_rows for fetch in plain.values()} == {0}
    assert case.is_true(DAY, OTHER)


def test_a_correction_of_a_day_with_doubled_rows_is_not_held(case: Case) -> None:
    """The repeated rows that go are nobody's."""
    case.strike("duplicate_rows", date=DAY)
    assert case.sync(DAY)[DAY].state == "applied"
    case.next_day()
    case.tenant.correct(DAY, switch_off=1, app="Outlook")
    assert case.sync(DAY)[DAY].state == "applied"
    assert case.is_true(DAY)


def test_rows_that_lose_their_names_are_counted_as_unknown(case: Case) -> None:
    case.strike("unknown_rows", date=DAY, count=4)
    case.strike("unknown_rows", date=OTHER, count=2, name="")
    found = case.sync(DAY, OTHER)
    for day, count in ((DAY, 4), (OTHER, 2)):
        unknown = len(case.tenant.truth.unknown_on(day))
        assert (found[day].state, found[day].unknown_rows) == ("applied", unknown + count)
        assert case.stored_unknown(day) == unknown + count
        named = [row[1].lower() for row in rows_of(case.tenant.report_csv(day))[1:] if row[1] != "(Unknown)"]
        assert case.stored(day) == {name: use for name, use in case.true(day).items() if name in named[count:]}
    assert case.sync(DAY, OTHER, full=True)[DAY].state == "applied", "the names are back"
    assert case.is_true(DAY, OTHER)


# --- a report that says less than the stored one ---------------------------------------------------------------


def test_a_header_alone_never_replaces_a_stored_day(case: Case) -> None:
    assert case.sync(DAY)[DAY].state == "applied"
    case.next_day()
    case.strike("header_only", date=DAY)
    found = case.sync(DAY)
    assert (found[DAY].state, found[DAY].rows) == ("kept", 0)
    assert found[DAY].message == "The new answer has no rows; the stored day stays."
    assert case.is_true(DAY)
    case.next_day()
    assert case.sync(DAY)[DAY].state == "unchanged"


def test_a_header_alone_is_no_final_day(case: Case) -> None:
    """However old the day: Microsoft may have its rows tomorrow, and then it is stored."""
    old = TODAY - timedelta(days=20)
    case.strike("header_only", times=2)
    found = case.sync(DAY, old)
    assert [(fetch.state, fetch.rows) for fetch in found.values()] == [("applied", 0)] * 2
    assert case.stored(DAY) == {}
    case.next_day()
    again = case.sync(DAY, old)
    assert {day: fetch.state for day, fetch in again.items()} == {DAY: "applied", old: "applied"}
    assert case.is_true(DAY, old)


def test_a_small_correction_is_applied_and_on_record(case: Case) -> None:
    case.sync(DAY, OTHER)
    case.strike("correction", date=DAY, drop=1, switch_off=1, switch_on=1, add=1, app="Outlook")
    before = case.true(DAY)
    case.next_day()
    found = case.sync(DAY, OTHER)
    assert (found[DAY].state, found[OTHER].state) == ("applied", "unchanged")
    assert case.is_true(DAY, OTHER)
    assert case.true(DAY) != before
    assert restated(case) == [(DAY, True, 2, 2)]


def restated(case: Case) -> list[tuple]:
    """Day, applied or held, people who newly used Outlook, people who used it no more."""
    return case.rig.query(
        "select report_date, is_applied, switched_on, switched_off from ledger.restatements "
        f"where tenant_id = '{case.tenant_id}' and app = 'outlook' order by report_date, fetch_id"
    )


def test_a_correction_that_removes_more_than_a_fifth_is_held(case: Case) -> None:
    assert case.sync(DAY)[DAY].state == "applied"
    before = case.true(DAY)
    users = sum(any(app == "Outlook" for app, _ in pairs) for pairs in before.values())
    case.strike("correction", date=DAY, drop=users, app="Outlook")
    case.next_day()
    for _ in range(2):
        found = case.sync(DAY)
        assert found[DAY].state == "held"
        assert "would remove" in found[DAY].message
        assert "of the day's rows; held for review" in found[DAY].message
        assert case.stored(DAY) == before
        case.next_day()
    assert restated(case) == [(DAY, False, 0, users)] * 2


def test_half_a_report_that_ends_with_a_line_is_held_where_the_day_is_stored(case: Case) -> None:
    """Its form is perfect; only the rows that are missing tell."""
    assert case.sync(DAY)[DAY].state == "applied"
    case.strike("truncated_honest", date=DAY, whole_lines=True)
    case.next_day()
    assert case.sync(DAY)[DAY].state == "held"
    assert case.is_true(DAY)
    case.next_day()
    assert case.sync(DAY)[DAY].state == "unchanged"


def test_a_first_answer_cut_at_a_line_end_grows_whole_with_the_next(case: Case) -> None:
    case.strike("truncated_honest", date=DAY, whole_lines=True)
    assert case.sync(DAY)[DAY].state == "applied"
    assert case.stored(DAY).items() < case.true(DAY).items()
    case.next_day()
    assert case.sync(DAY)[DAY].state == "applied"
    assert case.is_true(DAY)


def test_a_day_whose_names_are_all_lost_is_held(case: Case) -> None:
    assert case.sync(DAY)[DAY].state == "applied"
    case.strike("unknown_rows", date=DAY, count=1000)
    case.next_day()
    assert case.sync(DAY)[DAY].state == "held"
    assert case.is_true(DAY)


# --- periods and Microsoft's own counts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "state"),
    [("html_page", "refused"), ("missing_column", "refused"), ("ragged_row", "refused"), ("header_only", "kept")],
)
def test_a_bad_period_report_keeps_the_good_one(case: Case, fault: str, state: str) -> None:
    def read() -> tuple[str, list[tuple]]:
        with case.fetcher() as fetcher:
            fetch_id = fetcher.fetch_period("D30").fetch_id
        case.rig.load()
        ((verdict,),) = case.rig.query(f"select verdict from ledger.fetches where fetch_id = '{fetch_id}'")
        rows = case.rig.query(f"from raw.m365_app_user_periods where tenant_id = '{case.tenant_id}' order by all")
        return verdict, rows

    verdict, good = read()
    assert (verdict, len(good) > 10) == ("applied", True)
    case.strike(fault, period="D30")
    assert read() == (state, good)
    assert read() == ("applied", good)


def test_bad_counts_keep_the_good_ones(case: Case) -> None:
    counts = f"from raw.m365_app_user_counts where tenant_id = '{case.tenant_id}' order by all"
    assert case.read_directory("getM365AppUserCounts")[0].state == "applied"
    good = case.rig.query(counts)
    assert good
    case.next_day()
    for fault, state in (("html_page", "refused"), ("header_only", "applied"), ("truncated_lying", "failed")):
        case.strike(fault, path="getM365AppUserCounts", times=6)
        assert case.read_directory("getM365AppUserCounts")[0].state == state
        case.mend()
        assert case.rig.query(counts) == good
