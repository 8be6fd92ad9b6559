"""What Graph, the sign-in and the network can answer in the place of a report: retried, noted, asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from pipelines.graph import transport
from pipelines.simulator.spec import READ_PERMISSIONS, REPORTS_READ
from tests.integration.conftest import TODAY, Rig
from tests.integration.fault_rig import DAY, DAYS, Case, Cases, Fetch

ATTEMPTS = 6
NEWEST = TODAY - timedelta(days=2)
OLDEST = TODAY - timedelta(days=29)
# For each a fault, its parameters, and words of the message when it does not pass.
PASSING = {
    "429 with Retry-After": ("throttled", {"retry_after": 3}, "Too many requests"),
    "429": ("throttled", {}, "Too many requests"),
    "500": ("internal_error", {}, "Internal Server Error"),
    "502": ("bad_gateway", {}, "not available behind its gateway"),
    "503": ("unavailable", {"retry_after": 2}, "temporarily unavailable"),
    "504": ("gateway_timeout", {}, "did not answer its gateway in time"),
    "reset": ("connection_reset", {}, "cannot be reached or broke off"),
    "429 of the download": ("throttled", {"at": "download"}, "Too many requests"),
    "500 of the download": ("internal_error", {"at": "download"}, "Internal Server Error"),
    "502 of the download": ("bad_gateway", {"at": "download"}, "not available behind"),
    "503 of the download": ("unavailable", {"at": "download"}, "temporarily unavailable"),
    "504 of the download": ("gateway_timeout", {"at": "download"}, "did not answer"),
    "404 of the download": ("not_found", {"at": "download"}, "refused or has expired"),
    "reset of the download": ("connection_reset", {"at": "download"}, "cannot be reached or broke off"),
}
# One report day for each of them, the newest ones of the window.
STRUCK = {name: NEWEST - timedelta(days=number) for number, name in enumerate(PASSING)}
each_that_passes = pytest.mark.parametrize("name", PASSING)


@pytest.fixture(scope="module")
def cases(make_rig: Callable[..., Rig]) -> Iterator[Cases]:
    made = Cases(make_rig, 1000)
    yield made
    assert made.leaks() == []


@pytest.fixture
def case(cases: Cases) -> Iterator[Case]:
    made = cases.new()
    yield made
    made.mend()


@dataclass
class Storm:
    """One tenant whose every day is struck by another fault, and what came of its days run by run."""

    case: Case
    runs: list[dict[str, Fetch]]
    asked: list[int]

    @classmethod
    def over(cls, case: Case) -> Storm:
        return cls(case, [], [])

    def strike(self, times: int | None) -> None:
        for name, (fault, parameters, _) in PASSING.items():
            self.case.strike(fault, date=STRUCK[name], times=times, **parameters)

    def sync(self, *, full: bool = False) -> None:
        self.case.rig.server.requests.clear()
        found = self.case.sync(*STRUCK.values(), full=full)
        self.runs.append({name: found[day] for name, day in STRUCK.items() if day in found})
        self.asked = self.case.asked()
        self.case.mend()


@pytest.fixture(scope="module")
def passing(cases: Cases) -> Storm:
    """Every day is refused twice, then answered."""
    storm = Storm.over(cases.new())
    storm.strike(2)
    storm.sync()
    return storm


@pytest.fixture(scope="module")
def never(cases: Cases) -> Storm:
    """No day is answered in the first run; in the second all is well."""
    storm = Storm.over(cases.new())
    storm.strike(None)
    storm.sync()
    storm.sync()
    return storm


@pytest.fixture(scope="module")
def afterwards(cases: Cases) -> Storm:
    """All days are stored; on the next day none is answered; later all is well."""
    storm = Storm.over(cases.new())
    storm.sync()
    storm.case.next_day()
    storm.strike(None)
    storm.sync(full=True)
    storm.sync()
    return storm


@each_that_passes
def test_what_passes_is_asked_again_and_loses_nothing(passing: Storm, name: str) -> None:
    found = passing.runs[0][name]
    assert (found.state, found.http_status, found.requests) == ("applied", 302, 3)
    assert passing.case.is_true(STRUCK[name])


def test_every_strike_costs_one_wait(passing: Storm) -> None:
    assert len(passing.case.waits) == 2 * len(PASSING)
    assert passing.case.landed_bodies() == len(PASSING) + 1


@each_that_passes
def test_what_does_not_pass_fails_the_day_which_is_asked_for_again(never: Storm, name: str) -> None:
    refused, answered = never.runs[0][name], never.runs[1][name]
    assert (refused.state, refused.body_path, refused.requests) == ("failed", None, ATTEMPTS)
    assert PASSING[name][2] in refused.message
    assert answered.state == "applied"
    assert never.case.is_true(STRUCK[name])


@each_that_passes
def test_what_does_not_pass_keeps_what_is_stored(afterwards: Storm, name: str) -> None:
    stored, refused = afterwards.runs[0][name], afterwards.runs[1][name]
    assert (stored.state, refused.state, refused.body_path) == ("applied", "failed", None)
    is_final = (TODAY - STRUCK[name]).days >= 10
    assert (afterwards.runs[2].get(name) is None) is is_final
    if not is_final:
        assert afterwards.runs[2][name].state == "unchanged"
    assert afterwards.case.is_true(STRUCK[name])


def test_retry_after_rules(case: Case) -> None:
    case.strike("throttled", date=DAY, times=2, retry_after=17)
    case.strike("unavailable", date=DAYS[3], times=1, retry_after=5)
    found = case.sync(DAY, DAYS[3])
    assert case.waits == [17, 17, 5]
    assert found[DAY].throttled_seconds == 34
    assert found[DAYS[3]].throttled_seconds == 0, "a service that is down is no limit"
    assert case.is_true(DAY, DAYS[3])


def test_without_retry_after_the_waits_grow(case: Case) -> None:
    case.strike("throttled", date=DAY, times=None)
    found = case.sync(DAY)
    assert found[DAY].state == "failed"
    assert len(case.waits) == ATTEMPTS - 1
    for wait, least in zip(case.waits, (1, 2, 4, 8, 16), strict=True):
        assert least <= wait <= least + 2
    assert found[DAY].throttled_seconds == pytest.approx(sum(case.waits), abs=0.01)
    assert case.asked() == [429] * ATTEMPTS


def test_a_token_revoked_in_the_middle_of_a_run_is_replaced(case: Case) -> None:
    rule = case.strike("token_revoked", skip=2)
    found = case.sync(*DAYS)
    assert [fetch.state for fetch in found.values()] == ["applied"] * 4
    assert rule.hits == 1
    assert [fetch.requests for fetch in found.values()] == [1, 1, 2, 1]
    assert case.asked() == [302, 302, 401, 302, 302]
    assert len(case.rig.server.requests.to("/oauth2/v2.0/token")) == 2
    assert case.waits == []
    assert case.is_true(*DAYS)


def test_tokens_that_are_never_accepted_fail_the_days(case: Case) -> None:
    case.strike("token_revoked", times=None)
    found = case.sync(*DAYS)
    assert {fetch.state for fetch in found.values()} == {"failed"}
    assert {fetch.http_status for fetch in found.values()} == {401}
    assert "token is expired" in found[DAYS[0]].message
    case.mend()
    assert [fetch.state for fetch in case.sync(*DAYS).values()] == ["applied"] * 4


def test_a_missing_permission_is_asked_for_twice_and_named(case: Case) -> None:
    assert case.sync(DAYS[0])[DAYS[0]].state == "applied"
    case.next_day()
    case.rig.server.requests.clear()
    case.strike("forbidden", times=None)
    found = case.sync(*DAYS)
    assert [(fetch.report_date, fetch.state) for fetch in found.values()] == [
        (DAYS[1], "refused_permission"),
        (DAYS[2], "refused_permission"),
    ]
    assert case.asked() == [403, 403] * 2, "the second time with a new token"
    assert case.waits == []
    assert found[DAYS[1]].error_code == "S2SUnauthorized"
    assert "Reports.Read.All" in found[DAYS[1]].message
    assert case.is_true(DAYS[0])
    case.mend()
    again = case.sync(*DAYS)
    assert [fetch.state for fetch in again.values()] == ["applied"] * 3 + ["unchanged"]
    assert case.is_true(*DAYS)


def test_a_single_day_that_is_refused_stops_no_other(case: Case) -> None:
    case.strike("forbidden", date=DAYS[1], times=None)
    found = case.sync(*DAYS)
    assert [found[day].state for day in DAYS] == ["applied", "refused_permission", "applied", "applied"]


def test_a_permission_granted_meanwhile_works_at_once(case: Case) -> None:
    """The token in hand was issued without it; a new one has it."""
    case.replace(permissions=READ_PERMISSIONS - {REPORTS_READ})
    with case.fetcher() as fetcher:
        assert fetcher.fetch_day(DAY).outcome == "refused_permission"
        case.replace(permissions=READ_PERMISSIONS)
        assert fetcher.fetch_day(DAY).outcome == "ok"


def test_not_found_is_not_asked_twice_in_a_run(case: Case) -> None:
    case.strike("not_found", date=DAY)
    found = case.sync(*DAYS)
    assert [found[day].state for day in DAYS] == ["applied", "applied", "failed", "applied"]
    assert (found[DAY].http_status, found[DAY].requests) == (404, 1)
    assert "could not be discovered" in found[DAY].message
    again = case.sync(*DAYS)
    assert {day: fetch.state for day, fetch in again.items()} == {DAY: "applied"}
    assert case.is_true(*DAYS)


@pytest.mark.parametrize(
    ("at", "in_body"),
    [("graph", False), ("download", False), ("download", True), ("sign-in", False), ("sign-in", True)],
)
def test_a_slow_answer_is_given_up_and_asked_again(
    case: Case, monkeypatch: pytest.MonkeyPatch, at: str, in_body: bool
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", (5.0, 0.3))
    case.strike("slow", date=None if at == "sign-in" else DAY, at=at, seconds=0.6, in_body=in_body)
    found = case.sync(DAY)
    assert found[DAY].state == "applied"
    assert len(case.waits) == 1
    assert case.is_true(DAY)
    assert case.landed_bodies() == 2


def test_a_slow_answer_in_time_is_taken(case: Case) -> None:
    case.strike("slow", date=DAY, seconds=0.3)
    case.strike("slow", date=DAY, seconds=0.3, in_body=True, at="download")
    found = case.sync(DAY)
    assert (found[DAY].state, found[DAY].requests, case.waits) == ("applied", 1, [])
    assert case.is_true(DAY)


@pytest.mark.parametrize("name", ["connection_reset", "internal_error", "bad_gateway", "unavailable"])
def test_a_sign_in_service_that_is_down_is_asked_again(case: Case, name: str) -> None:
    case.strike(name, at="sign-in", times=2)
    found = case.sync(DAY)
    assert found[DAY].state == "applied"
    assert case.is_true(DAY)


def test_a_late_day_is_no_failure_and_asked_for_again_by_the_next_run(case: Case) -> None:
    case.strike("late_day", times=2)
    found = case.sync(*DAYS, NEWEST)
    assert [fetch.state for fetch in found.values()] == ["applied"] * 4 + ["late"]
    assert found[NEWEST].requests == 1
    assert (found[NEWEST].http_status, found[NEWEST].error_code) == (400, "InvalidArgument")
    assert "Only support data for the past 28 days" in found[NEWEST].message
    again = case.sync(*DAYS, NEWEST)
    assert {day: fetch.state for day, fetch in again.items()} == {NEWEST: "late"}
    case.next_day()
    assert case.sync(NEWEST)[NEWEST].state == "applied"
    assert case.is_true(*DAYS, NEWEST)


def test_a_refused_date_in_the_middle_is_a_failure(case: Case) -> None:
    case.strike("late_day", date=DAY)
    assert case.sync(*DAYS)[DAY].state == "failed"
    assert {day: fetch.state for day, fetch in case.sync(*DAYS).items()} == {DAY: "applied"}
    assert case.is_true(*DAYS)


def test_a_refused_oldest_day_is_lost_and_left_alone(case: Case) -> None:
    case.strike("late_day", date=OLDEST)
    assert case.sync(OLDEST)[OLDEST].state == "lost"
    case.mend()
    assert case.sync(OLDEST) == {}


def test_a_stored_day_that_is_refused_later_stays(case: Case) -> None:
    assert case.sync(NEWEST)[NEWEST].state == "applied"
    case.strike("late_day", date=NEWEST, times=None)
    case.next_day()
    assert case.sync(NEWEST)[NEWEST].state == "late"
    assert case.is_true(NEWEST)


def test_an_html_page_of_graph_itself_is_no_redirect(case: Case) -> None:
    case.strike("html_page", date=DAY, at="graph")
    case.strike("json_error", date=DAYS[3], at="graph")
    found = case.sync(*DAYS)
    assert [found[day].state for day in DAYS] == ["applied", "applied", "failed", "failed"]
    assert "not what Graph gives" in found[DAY].message
    assert found[DAY].requests == 1
    again = case.sync(*DAYS)
    assert [fetch.state for fetch in again.values()] == ["applied", "applied"]
    assert case.is_true(*DAYS)
