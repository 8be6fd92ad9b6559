"""Fetching into landing/: every outcome on record, bodies whole or not there, a retry starting anew."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import zstandard
from unit_tls import Budget, open_client, tenant_settings

from pipelines.clouds import CLOUDS
from pipelines.graph import directory
from pipelines.graph.client import ATTEMPTS, GraphClient
from pipelines.graph.errors import SignInError
from pipelines.settings import Settings
from pipelines.simulator import Reply, Rule, SimulatorServer
from pipelines.sync.extract import extract_directory, extract_report_days, plan_report_days, read_report_settings
from pipelines.sync.fetch import Fetcher
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord
from pipelines.window import FetchPlan, ReportWindow

TODAY = date(2026, 8, 31)
DAY = date(2026, 8, 20)
REPORT = r"^/v1\.0/reports/"
DOWNLOAD = "^/data/download"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.fixture
def fetcher(client: GraphClient, tmp_path: Path) -> Fetcher:
    now = [datetime(2026, 8, 31, 6, tzinfo=timezone.utc)]

    def clock() -> datetime:
        now[0] += timedelta(seconds=1)
        return now[0]

    return Fetcher(client, Landing(tmp_path / "landing", clock), ReportWindow(TODAY), run_id="run-1")


def body(fetcher: Fetcher, record: FetchRecord) -> bytes:
    with fetcher.landing.body_path(record).open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


def only(fetcher: Fetcher) -> FetchRecord:
    (landed,) = fetcher.landing.all_fetches()
    return landed.record


# --- report days --------------------------------------------------------------------------------------------


def test_a_day_is_landed_as_received(server: SimulatorServer, fetcher: Fetcher) -> None:
    fetcher.is_concealed_setting = False
    record = fetcher.fetch_day(DAY)
    csv = server.tenant.report_csv(DAY)
    assert body(fetcher, record) == csv
    assert only(fetcher) == record
    assert (record.outcome, record.report_date, record.as_of, record.run_id) == ("ok", DAY, TODAY, "run-1")
    assert (record.body_bytes, record.is_complete, record.is_concealed_setting) == (len(csv), True, False)
    assert (record.http_status, record.requests, record.error_code, record.cloud) == (302, 1, None, "global")
    assert record.request_id == server.requests.to("/reports/")[-1].request_id
    assert record.requested_at < record.completed_at


def cut(reply: Reply) -> Reply:
    return replace(reply, cut_after=len(reply.body) // 2)


def test_a_second_try_carries_nothing_of_the_first(server: SimulatorServer, fetcher: Fetcher) -> None:
    server.faults.add(Rule(DOWNLOAD, times=2, change=cut))
    record = fetcher.fetch_day(DAY)
    assert body(fetcher, record) == server.tenant.report_csv(DAY)
    assert record.body_bytes == len(server.tenant.report_csv(DAY))
    assert record.requests == 3


@pytest.mark.parametrize("honest", [True, False])
def test_half_a_report_is_not_landed_even_with_an_honest_length(
    server: SimulatorServer, fetcher: Fetcher, tmp_path: Path, honest: bool
) -> None:
    rule = Rule(DOWNLOAD, times=None, transform=lambda whole: whole[: len(whole) // 2])
    server.faults.add(rule if honest else Rule(DOWNLOAD, times=None, change=cut))
    record = fetcher.fetch_day(DAY)
    assert (record.outcome, record.body_path) == ("failed", None)
    assert record.error_message
    assert [path.suffix for path in (tmp_path / "landing").rglob("*") if path.is_file()] == [".json"]


@pytest.mark.parametrize(
    ("days", "outcome"), [(40, "lost"), (29, "lost"), (28, "lost"), (15, "failed"), (3, "late"), (1, "late")]
)
def test_a_refused_date_is_lost_late_or_failed(
    server: SimulatorServer, fetcher: Fetcher, days: int, outcome: str
) -> None:
    message = json.dumps({"error": {"code": "InvalidArgument", "message": "Invalid date value specified."}})
    server.faults.add(Rule(REPORT, times=None, status=400, code="UnknownError", message=message))
    record = fetcher.fetch_day(ago(days))
    assert (record.outcome, record.error_code, record.http_status) == (outcome, "InvalidArgument", 400)
    assert record.requests == 1


@pytest.mark.parametrize(
    ("rule", "outcome", "status"),
    [
        (Rule(REPORT, times=None, status=400, code="BadRequest"), "failed", 400),
        (Rule(REPORT, times=None, status=401), "failed", 401),
        (Rule(REPORT, times=None, status=403, code="S2SUnauthorized"), "refused_permission", 403),
        (Rule(REPORT, times=None, status=404), "failed", 404),
        (Rule(REPORT, times=None, status=429), "failed", 429),
        (Rule(REPORT, times=None, status=503), "failed", 503),
        (Rule(REPORT, times=None, status=200, body=b"<html>"), "failed", 200),
        (Rule(DOWNLOAD, times=None, status=403), "failed", 403),
        (Rule(DOWNLOAD, times=None, status=500), "failed", 500),
    ],
    ids=lambda value: f"{value.path} {value.status}" if isinstance(value, Rule) else str(value),
)
def test_what_fails_is_on_record(
    server: SimulatorServer, fetcher: Fetcher, rule: Rule, outcome: str, status: int
) -> None:
    server.faults.add(rule)
    record = fetcher.fetch_day(DAY)
    assert (record.outcome, record.http_status) == (outcome, status)
    assert record.error_message
    assert record.request_id
    assert record.body_path is None
    assert only(fetcher) == record


def test_time_lost_to_limits_is_on_record(server: SimulatorServer, tmp_path: Path) -> None:
    server.faults.add(Rule(REPORT, times=2, status=429, headers={"Retry-After": "30"}))
    with open_client(tenant_settings(server), server.ca_bundle, budget=Budget(waits=1.5)) as client:
        record = Fetcher(client, Landing(tmp_path), ReportWindow(TODAY)).fetch_day(DAY)
    assert record.throttled_seconds == pytest.approx(2 * 30 + 3 * 1.5)
    assert record.requests == 3


def test_what_one_fetch_cost_is_not_added_to_the_next(server: SimulatorServer, fetcher: Fetcher) -> None:
    server.faults.add(Rule(REPORT, times=1, status=429, headers={"Retry-After": "30"}))
    assert fetcher.fetch_day(DAY).requests == 2
    second = fetcher.fetch_day(DAY)
    assert (second.requests, second.throttled_seconds) == (1, 0)


def test_a_failed_sign_in_is_raised_and_leaves_nothing(server: SimulatorServer, tmp_path: Path) -> None:
    wrong = tenant_settings(server, client_secret="wrong")
    with open_client(wrong, server.ca_bundle) as client, pytest.raises(SignInError):
        Fetcher(client, Landing(tmp_path), ReportWindow(TODAY)).fetch_day(DAY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_disk_is_raised_and_leaves_nothing(
    fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.warehouse.body.BodyWriter.write", full)
    with pytest.raises(OSError, match="No space left"):
        fetcher.fetch_day(DAY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_periods_and_counts_have_folders_of_their_own(server: SimulatorServer, fetcher: Fetcher) -> None:
    period, counts = fetcher.fetch_period("D30"), fetcher.fetch_user_counts("D7")
    assert body(fetcher, period) == server.tenant.period_csv("D30")
    assert body(fetcher, counts) == server.tenant.user_counts_csv("D7")
    assert (period.report_period, counts.report_period) == ("D30", "D7")
    assert "/getM365AppUserDetail/D30/" in str(period.body_path)
    assert "/getM365AppUserCounts/D7/" in str(counts.body_path)


# --- directory ----------------------------------------------------------------------------------------------


def test_pages_become_lines(server: SimulatorServer, fetcher: Fetcher) -> None:
    record = fetcher.fetch_endpoint(directory.users(7, with_sign_ins=False))
    lines = body(fetcher, record).splitlines()
    assert body(fetcher, record).endswith(b"\n")
    ids = [user["id"] for line in lines for user in json.loads(line)["value"]]
    assert ids == [user["id"] for user in server.tenant.users()]
    assert len(lines) == record.requests > 1
    assert (record.outcome, record.source, record.is_complete) == ("ok", "users", True)
    assert record.body_path
    assert record.body_path.endswith(".jsonl.zst")


def test_a_page_with_line_feeds_is_still_one_line(server: SimulatorServer, fetcher: Fetcher) -> None:
    pretty = lambda page: json.dumps(json.loads(page), indent=2).replace("\n", "\r\n").encode()  # noqa: E731
    server.faults.add(Rule("^/v1.0/organization", transform=pretty))
    record = fetcher.fetch_endpoint(directory.ORGANIZATION)
    (line,) = body(fetcher, record).splitlines()
    assert json.loads(line)["value"] == server.tenant.organization()


def test_a_collection_that_fails_on_its_last_page_is_not_landed(server: SimulatorServer, fetcher: Fetcher) -> None:
    server.faults.add(Rule("^/v1.0/users", skip=2, times=None, status=404))
    record = fetcher.fetch_endpoint(directory.users(7, with_sign_ins=False))
    assert (record.outcome, record.body_path, record.is_complete) == ("failed", None, None)


SOURCES = {"users", "deletedUsers", "subscribedSkus", "subscriptions", "organization", "getM365AppUserCounts"}


def test_the_whole_directory_is_read(fetcher: Fetcher) -> None:
    told: list[str] = []
    records = extract_directory(fetcher, Settings(), SOURCES, lambda record: told.append(record.source))
    assert {record.source for record in records} == SOURCES
    assert {record.outcome for record in records} == {"ok"}
    assert told == [record.source for record in records]
    assert b'"signInActivity"' in body(fetcher, records[0])


def test_only_the_named_sources_are_read(fetcher: Fetcher) -> None:
    records = extract_directory(fetcher, Settings(), {"organization"})
    assert [record.source for record in records] == ["organization"]


def test_without_premium_people_are_read_without_their_sign_ins(server: SimulatorServer, fetcher: Fetcher) -> None:
    server.tenant = server.tenant.replaced(has_premium=False)
    refused, read = extract_directory(fetcher, Settings(), {"users"})
    assert (refused.outcome, read.outcome) == ("refused_permission", "ok")
    assert b'"signInActivity"' not in body(fetcher, read)


def test_one_missing_permission_stops_none_of_the_other_endpoints(server: SimulatorServer, fetcher: Fetcher) -> None:
    server.faults.add(Rule("^/v1.0/directory/subscriptions", times=None, status=403))
    outcomes = {record.source: record.outcome for record in extract_directory(fetcher, Settings(), SOURCES)}
    assert outcomes.pop("subscriptions") == "refused_permission"
    assert set(outcomes.values()) == {"ok"}


# --- a run of days ------------------------------------------------------------------------------------------


def test_days_are_fetched_in_the_order_of_the_plan(server: SimulatorServer, fetcher: Fetcher) -> None:
    plan = FetchPlan(never_fetched=(ago(9), ago(8)), provisional=(ago(3), ago(4)))
    extract = extract_report_days(fetcher, plan)
    assert [record.report_date for record in extract.records] == [ago(9), ago(8), ago(3), ago(4)]
    assert extract.plan == plan


def test_a_missing_permission_ends_the_run_of_days(server: SimulatorServer, fetcher: Fetcher) -> None:
    server.tenant = server.tenant.replaced(permissions=frozenset())
    extract = extract_report_days(fetcher, FetchPlan(never_fetched=(ago(9), ago(8), ago(7))))
    assert [record.outcome for record in extract.records] == ["refused_permission"] * 2


def test_two_days_without_any_answer_end_the_run_of_days(fetcher: Fetcher) -> None:
    fetcher.client.tokens.token()
    with socket.socket() as taken:
        # Bound and not listening: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        graph = f"https://localhost:{taken.getsockname()[1]}"
        fetcher.client.tenant = replace(fetcher.client.tenant, graph_url=graph)
        extract = extract_report_days(fetcher, FetchPlan(never_fetched=(ago(9), ago(8), ago(7))))
    assert [(record.outcome, record.http_status) for record in extract.records] == [("failed", None)] * 2


@pytest.mark.parametrize("rule", [Rule(DOWNLOAD, times=ATTEMPTS, status=403), Rule(REPORT, times=1, status=404)])
def test_a_day_that_fails_ends_nothing(server: SimulatorServer, fetcher: Fetcher, rule: Rule) -> None:
    server.faults.add(rule)
    extract = extract_report_days(fetcher, FetchPlan(never_fetched=(ago(9), ago(8), ago(7))))
    assert [record.outcome for record in extract.records] == ["failed", "ok", "ok"]


def test_the_plan_follows_what_is_landed(server: SimulatorServer, fetcher: Fetcher) -> None:
    settings, tenant = Settings(today=TODAY), fetcher.client.tenant
    days = [ago(n) for n in (29, 20, 5, 2)]

    def plan(**options: object) -> FetchPlan:
        return plan_report_days(settings, tenant, fetcher.landing, **options)  # type: ignore[arg-type]

    assert len(plan().days) == 28
    extract_report_days(fetcher, plan(days=days))
    assert plan(days=days).days == ()
    assert len(plan().days) == 24
    assert plan(days=days, full=True).days == (ago(2), ago(5), ago(20), ago(29))
    fetcher.window = ReportWindow(TODAY + timedelta(days=1))
    settings.today = TODAY + timedelta(days=1)
    assert plan(days=days).days == (ago(2), ago(5))


def test_a_cloud_without_usage_reports_is_not_asked_for_any(server: SimulatorServer, tmp_path: Path) -> None:
    tenant = replace(tenant_settings(server), cloud=CLOUDS["gcc-high"])
    settings = Settings(today=TODAY)
    with open_client(tenant, server.ca_bundle) as client:
        fetcher = Fetcher(client, Landing(tmp_path), ReportWindow(TODAY))
        assert plan_report_days(settings, tenant, fetcher.landing).days == ()
        assert read_report_settings(fetcher) is None
        records = extract_directory(fetcher, settings, SOURCES)
    assert {record.source for record in records} == SOURCES - {"getM365AppUserCounts"}
    assert server.requests.to("/reports/") == server.requests.to("/admin/") == []


def test_progress_is_told_day_by_day(fetcher: Fetcher) -> None:
    told: list[tuple[date | None, int]] = []
    note: Callable[[FetchRecord], None] = lambda record: told.append(  # noqa: E731
        (record.report_date, len(fetcher.landing.all_fetches()))
    )
    extract_report_days(fetcher, FetchPlan(never_fetched=(ago(9), ago(8))), note)
    assert told == [(ago(9), 1), (ago(8), 2)]
