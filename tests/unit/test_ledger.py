"""What the ledger says of a run and of the stored days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from conftest import House
from unit_landing import TENANT
from unit_reports import people, report, row

from pipelines.warehouse.health import read_health
from pipelines.warehouse.ledger import FailedFetch, failed_fetches
from pipelines.window import ReportWindow

TODAY = date(2026, 8, 31)
SOURCE = "getM365AppUserDetail"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


# --- what failed in a run -----------------------------------------------------------------------------------


def test_failures_are_told_by_tenant_and_source_with_the_first_reason(house: House) -> None:
    for days, words in ((9, "First words."), (8, "Other words.")):
        house.lander.failure(ago(days), "failed", run_id="r1", error_message=words, request_id=f"id{days}")
    house.lander.failure(ago(7), "failed", run_id="r1", tenant_id="other.example")
    house.lander.failure(ago(6), "failed", run_id="r0", error_message="Another run.")
    house.load()
    assert failed_fetches(house.con, "r1") == [
        FailedFetch(TENANT, SOURCE, 2, ago(9), False, "First words. [request-id id9]"),
        FailedFetch("other.example", SOURCE, 1, ago(7), False, "no reason given"),
    ]
    assert failed_fetches(house.con, "r9") == []


def test_a_missing_permission_and_other_trouble_are_told_apart(house: House) -> None:
    """Each is mended in its own way: what is said of the one must not stand behind the other's reason."""
    house.lander.failure(ago(9), "failed", run_id="r1", error_message="Cut.")
    house.lander.failure(ago(8), "refused_permission", run_id="r1", error_message="Refused.")
    house.load()
    assert failed_fetches(house.con, "r1") == [
        FailedFetch(TENANT, SOURCE, 1, ago(9), False, "Cut."),
        FailedFetch(TENANT, SOURCE, 1, ago(8), True, "Refused."),
    ]


def test_a_refused_body_is_a_failure_with_its_reason(house: House) -> None:
    house.lander.day(ago(9), b"<html>\n", run_id="r1", request_id="id")
    house.load()
    assert failed_fetches(house.con, "r1") == [
        FailedFetch(TENANT, SOURCE, 1, ago(9), False, "The answer is an HTML page, not a CSV report. [request-id id]")
    ]


@pytest.mark.parametrize("outcome", ["late", "lost", "unavailable"])
def test_days_that_cannot_be_had_are_no_failures(house: House, outcome: str) -> None:
    house.lander.failure(ago(2), outcome, run_id="r1", error_message="x")
    house.load()
    assert failed_fetches(house.con, "r1") == []


def test_what_worked_in_a_later_try_of_the_run_is_no_failure(house: House) -> None:
    house.lander.failure(ago(9), "failed", run_id="r1")
    house.lander.day(ago(9), report(*people("a")), run_id="r1")
    house.lander.objects("users", [], run_id="r1", outcome="ok")
    house.load()
    assert failed_fetches(house.con, "r1") == []
    house.lander.failure(ago(9), "failed", run_id="r1")
    house.load()
    assert [failed.days for failed in failed_fetches(house.con, "r1")] == [1]


def test_a_missing_permission_is_told_as_one(house: House) -> None:
    house.lander.failure(ago(9), "refused_permission", run_id="r1", error_message="Invalid permission.")
    house.load()
    (failed,) = failed_fetches(house.con, "r1")
    assert failed.is_permission


# --- how the stored days are --------------------------------------------------------------------------------


def test_the_health_of_each_tenant(house: House) -> None:
    for days in (29, 28, 5, 4, 3):
        house.lander.day(ago(days), report(*people("a")))
    house.lander.day(ago(2), report())
    house.lander.day(ago(6), report(row("a@x", cells={"Word": "Yes"})))
    house.lander.day(ago(40), report(*people("a")))
    house.lander.day(ago(7), b"<html>\n")
    house.lander.failure(ago(2), "late", tenant_id="other.example")
    house.load()
    first, other = read_health(house.con, ReportWindow(TODAY))
    assert (first.tenant_id, first.newest_day, first.days_behind) == (TENANT, ago(3), 3)
    assert (first.stored_days, first.empty_days, first.flag_disagreements, first.expiring_days) == (7, 1, 1, 1)
    assert (other.tenant_id, other.newest_day, other.stored_days, other.expiring_days) == ("other.example", None, 0, 3)
    assert other.days_behind > 1000


def test_an_empty_ledger_has_no_tenants(house: House) -> None:
    assert read_health(house.con, ReportWindow(TODAY)) == []
