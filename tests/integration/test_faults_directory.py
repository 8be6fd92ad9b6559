"""What can go wrong while people and licences are read page by page: whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pipelines.sync.extract import read_report_settings
from tests.integration.conftest import Rig
from tests.integration.fault_rig import Case, Cases

PAGE = 10
DELTA = "/v1.0/users/delta"


@pytest.fixture(scope="module")
def cases(make_rig: Callable[..., Rig]) -> Iterator[Cases]:
    made = Cases(make_rig, 4000)
    made.rig.overrides["directory_page_size"] = PAGE
    yield made
    assert made.leaks() == []


@pytest.fixture
def case(cases: Cases) -> Iterator[Case]:
    made = cases.new()
    yield made
    made.mend()


def everybody(case: Case) -> set[str]:
    return {user["id"] for user in case.tenant.users()}


def pages_asked(case: Case) -> int:
    return sum(record.path == "/v1.0/users" for record in case.rig.server.requests)


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_an_empty_page_with_a_next_link_is_not_the_end(case: Case, skip: int) -> None:
    case.strike("empty_page", skip=skip, times=2)
    (found,) = case.read_directory("users")
    assert (found.state, found.rows) == ("applied", len(everybody(case)))
    assert case.people() == everybody(case)
    assert pages_asked(case) == -(-len(everybody(case)) // PAGE) + 2


@pytest.mark.parametrize("skip", [0, 1])
def test_pages_that_go_round_in_a_circle_are_left(case: Case, skip: int) -> None:
    case.strike("next_link_loop", skip=skip, times=None)
    (found,) = case.read_directory("users")
    assert (found.state, found.body_path, found.http_status) == ("failed", None, 200)
    assert found.message == "The pages repeat: a next link came twice."
    assert pages_asked(case) == 2
    assert case.waits == [], "it would not get better"
    assert case.people() == set()


def test_a_page_that_comes_twice_doubles_nobody(case: Case) -> None:
    """A link that leads back once, and then on."""
    case.strike("next_link_loop", skip=0, times=1)
    (found,) = case.read_directory("users")
    assert found.state == "applied"
    assert case.people() == everybody(case)


def test_a_next_link_to_another_host_is_not_followed(case: Case) -> None:
    case.strike("next_link_elsewhere", skip=1)
    (found,) = case.read_directory("users")
    assert (found.state, found.body_path) == ("failed", None)
    assert found.message == "The next page was to be read from graph.example.net, not from localhost; refused."
    assert pages_asked(case) == 2
    assert case.people() == set()
    (again,) = case.read_directory("users")
    assert again.state == "applied"
    assert case.people() == everybody(case)


@pytest.mark.parametrize(
    ("fault", "parameters", "requests"),
    [
        ("throttled", {"retry_after": 2}, 5),
        ("throttled", {}, 5),
        ("internal_error", {}, 5),
        ("bad_gateway", {}, 5),
        ("unavailable", {}, 5),
        ("gateway_timeout", {}, 5),
        ("connection_reset", {}, 5),
        ("slow", {"seconds": 0.1, "in_body": True}, 3),
    ],
)
def test_a_page_in_the_middle_is_asked_again(
    case: Case, fault: str, parameters: dict[str, object], requests: int
) -> None:
    case.strike(fault, path="^/v1.0/users", skip=1, times=2, **parameters)
    (found,) = case.read_directory("users")
    assert (found.state, found.requests) == ("applied", requests)
    assert case.people() == everybody(case)
    assert case.landed_bodies() == 1


@pytest.mark.parametrize(
    ("fault", "parameters", "outcome", "words"),
    [
        ("internal_error", {}, "failed", "Internal Server Error"),
        ("connection_reset", {}, "failed", "cannot be reached or broke off"),
        ("throttled", {}, "failed", "Too many requests"),
        ("not_found", {}, "failed", "could not be discovered"),
        ("html_page", {"at": "graph"}, "failed", "The answer is no JSON."),
        ("json_error", {"at": "graph"}, "failed", "The answer is no list of objects."),
        ("forbidden", {}, "refused_permission", "The app needs User.Read.All"),
    ],
)
def test_a_read_that_breaks_off_takes_nobody_away(
    case: Case, fault: str, parameters: dict[str, object], outcome: str, words: str
) -> None:
    """Nothing of it is landed, and nobody counts as gone because a later page did not come."""
    case.read_directory("users")
    before = case.people()
    case.next_day()
    case.strike(fault, path="^/v1.0/users", skip=1, times=None, **parameters)
    found = case.read_directory("users")
    assert {fetch.state for fetch in found} == {outcome}
    assert all(words in fetch.message for fetch in found)
    assert case.landed_bodies() == 1
    assert case.people() == before
    case.mend()
    assert case.read_directory("users")[-1].state == "applied"
    assert case.people() == everybody(case)


def test_an_error_with_status_200_is_no_setting(case: Case) -> None:
    """The reports setting is one object, and an error is one, too."""
    with case.fetcher() as fetcher:
        assert read_report_settings(fetcher).outcome == "ok"
        case.strike("json_error", path="/admin/reportSettings", at="graph")
        record = read_report_settings(fetcher)
        assert (record.outcome, record.body_path) == ("failed", None)
        assert record.error_message == "The answer is an error, whatever its status says."
    case.rig.load()
    settings = f"select is_concealed from raw.report_settings where tenant_id = '{case.tenant_id}'"
    assert case.rig.query(settings) == [(False,)]


def test_a_missing_permission_is_named_for_every_source(case: Case) -> None:
    needed = {
        "users": "User.Read.All",
        "deletedUsers": "User.Read.All",
        "subscribedSkus": "LicenseAssignment.Read.All",
        "subscriptions": "Organization.Read.All",
        "organization": "Organization.Read.All",
        "getM365AppUserCounts": "Reports.Read.All",
    }
    case.replace(permissions=frozenset())
    found = case.read_directory(*needed)
    assert {fetch.source for fetch in found} == needed.keys()
    assert {fetch.state for fetch in found} == {"refused_permission"}
    for fetch in found:
        assert f"The app needs {needed[fetch.source]}" in fetch.message


@pytest.mark.parametrize("fault", ["delta_token_expired", "delta_token_gone"])
def test_a_lost_delta_token_leads_to_a_full_read_in_the_same_run(case: Case, fault: str) -> None:
    case.overrides["delta_users"] = 1
    for _ in range(2):
        case.read_directory("users")
        case.next_day()
    assert [fetch.source for fetch in case.read_directory("users")] == ["usersDelta"]
    case.next_day()
    case.rig.server.requests.clear()
    case.strike(fault)
    refused, link, full = case.read_directory("users")
    assert (refused.source, refused.state, refused.body_path) == ("usersDelta", "failed", None)
    assert (refused.http_status, refused.requests) == (400 if fault == "delta_token_expired" else 410, 1)
    assert "delta token" in refused.message
    assert (link.source, link.state, full.source, full.state) == ("usersDelta", "applied", "users", "applied")
    assert case.people() == everybody(case)
    assert pages_asked(case) > 0
    case.next_day()
    assert [(fetch.source, fetch.state) for fetch in case.read_directory("users")] == [("usersDelta", "applied")]
    assert case.people() == everybody(case)


def test_a_loop_of_changes_leads_to_a_full_read_in_the_same_run(case: Case) -> None:
    case.overrides["delta_users"] = 1
    for _ in range(2):
        case.read_directory("users")
        case.next_day()
    case.strike("next_link_loop", path=DELTA, times=2)
    found = case.read_directory("users")
    assert [(fetch.source, fetch.state) for fetch in found] == [
        ("usersDelta", "failed"), ("usersDelta", "applied"), ("users", "applied"),
    ]  # fmt: skip
    assert case.people() == everybody(case)
