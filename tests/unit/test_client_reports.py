"""Report downloads: the redirect followed by hand, without the bearer, to accepted hosts, and whole."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from unit_tls import Answer, Budget, TlsStub, open_client, tenant_settings

from pipelines.graph import reports
from pipelines.graph.client import ATTEMPTS, GraphClient
from pipelines.graph.errors import GraphError, ProtocolError, TransientError
from pipelines.simulator import Reply, Rule, SimulatorServer

DAY = date(2026, 8, 20)
REPORT = r"^/v1\.0/reports/getM365AppUserDetail"
DOWNLOAD = "^/data/download"


def download(client: GraphClient, day: date = DAY) -> bytes:
    target = io.BytesIO()
    reports.download_user_detail_day(client, day, target)
    return target.getvalue()


def failure(client: GraphClient) -> GraphError:
    with pytest.raises(GraphError) as caught:
        download(client)
    return caught.value


def links_asked(server: SimulatorServer) -> int:
    return len(server.requests.to("/reports/"))


def downloads(server: SimulatorServer) -> list[int]:
    return [record.status for record in server.requests.to("/data/download")]


# --- the happy ways -----------------------------------------------------------------------------------------


def test_a_day_arrives_byte_for_byte(server: SimulatorServer, client: GraphClient) -> None:
    assert download(client) == server.tenant.report_csv(DAY)
    (asked,) = server.requests.to("/reports/")
    assert asked.path == "/v1.0/reports/getM365AppUserDetail(date=2026-08-20)"
    assert asked.query == ""


def test_periods_and_counts(server: SimulatorServer, client: GraphClient) -> None:
    for period in reports.PERIODS:
        target = io.BytesIO()
        reports.download_user_detail_period(client, period, target)
        assert target.getvalue() == server.tenant.period_csv(period)
    target = io.BytesIO()
    reports.download_user_counts(client, "D30", target)
    assert target.getvalue() == server.tenant.user_counts_csv("D30")


def test_every_request_is_taken_out_of_the_budget_of_its_report(server: SimulatorServer) -> None:
    budget, tenant = Budget(waits=2.5), tenant_settings(server)
    with open_client(tenant, server.ca_bundle, budget=budget) as client:
        download(client)
        reports.download_user_counts(client, "D7", io.BytesIO())
        assert client.statistics.throttled_seconds == 5
    ids = (tenant.tenant_id, tenant.client_id)
    assert budget.taken == [(*ids, "getM365AppUserDetail"), (*ids, "getM365AppUserCounts")]


def test_a_retry_takes_a_request_out_of_the_budget_too(server: SimulatorServer) -> None:
    budget = Budget()
    server.faults.add(Rule(REPORT, times=2, status=500))
    with open_client(tenant_settings(server), server.ca_bundle, budget=budget) as client:
        download(client)
    assert len(budget.taken) == 3 == links_asked(server)


def test_the_bearer_goes_to_graph_and_never_to_the_download_host(server: SimulatorServer, client: GraphClient) -> None:
    server.faults.add(Rule(DOWNLOAD, times=2, status=500))
    download(client)
    assert [record.had_bearer for record in server.requests.to("/reports/")] == [True] * 3
    assert [record.had_bearer for record in server.requests.to("/data/download")] == [False] * 3


def test_a_download_server_sees_no_authorization_and_no_cookie(
    server: SimulatorServer, stub: Callable[..., TlsStub], tmp_path
) -> None:
    elsewhere = stub(lambda seen: Answer(200, b"a,b\r\n"), names=("127.0.0.1",))
    location = f"https://127.0.0.1:{elsewhere.port}/file.csv?sig=1"
    headers = {"Location": location, "Set-Cookie": "session=CANARY; Path=/"}
    server.faults.add(Rule(REPORT, times=None, status=302, body=b"", headers=headers))
    both = tmp_path / "both.pem"
    both.write_text(server.ca_bundle.read_text() + elsewhere.bundle.read_text())
    with open_client(tenant_settings(server), both) as client:
        assert download(client) == b"a,b\r\n"
    (seen,) = elsewhere.seen
    assert seen.path == "/file.csv?sig=1"
    assert seen.method == "GET"
    assert not {"authorization", "cookie", "referer"} & seen.headers.keys()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_any_redirect_status_will_do(server: SimulatorServer, client: GraphClient, status: int) -> None:
    server.faults.add(Rule(REPORT, only_status=302, change=lambda reply: replace(reply, status=status)))
    assert download(client) == server.tenant.report_csv(DAY)


# --- where a download may come from -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/data?token=CANARY",
        "https://localhost:{port}/data?token=CANARY",
        "http://127.0.0.1:{port}/data?token=CANARY",
        "https://127.0.0.1.evil.example/data?token=CANARY",
        "https://evil.example:{port}\\@127.0.0.1/data?token=CANARY",
        "https://127.0.0.1@evil.example/data?token=CANARY",
        "https://evil.example@127.0.0.1:{port}/data?token=CANARY",
        "//127.0.0.1:{port}/data?token=CANARY",
        "/data?token=CANARY",
        "https://[CANARY",
        "",
    ],
)
def test_a_redirect_to_elsewhere_is_refused_with_the_setting_to_change(
    server: SimulatorServer, client: GraphClient, location: str
) -> None:
    headers = {"Location": location.format(port=server.port)}
    server.faults.add(Rule(REPORT, times=None, status=302, body=b"", headers=headers))
    error = failure(client)
    assert isinstance(error, ProtocolError)
    assert "M365_DOWNLOAD_HOSTS" in error.message
    assert "CANARY" not in str(error)
    assert downloads(server) == []
    assert server.requests.to("/data") == []
    assert links_asked(server) == 1
    assert client.naps == []  # type: ignore[attr-defined]


def test_a_redirect_without_a_location_is_refused(server: SimulatorServer, client: GraphClient) -> None:
    server.faults.add(Rule(REPORT, times=None, status=302, body=b""))
    assert isinstance(failure(client), ProtocolError)


def test_the_host_is_named_so_that_it_can_be_added(server: SimulatorServer, client: GraphClient) -> None:
    headers = {"Location": "https://reports-new.example/data?token=CANARY"}
    server.faults.add(Rule(REPORT, times=None, status=302, body=b"", headers=headers))
    assert "https://reports-new.example, which is not an accepted download host" in failure(client).message


@pytest.mark.parametrize(
    ("host", "is_accepted"),
    [
        ("reports.office.com", True),
        ("reportsncu.office.com", True),
        ("a.b.reports.office.com", True),
        ("REPORTS.OFFICE.COM", True),
        ("reports.office.com:8443", True),
        ("reports.example", True),
        ("office.com", False),
        ("evil-office.com", False),
        ("reports.office.com.evil.example", False),
        ("evil-reports.example", False),
        ("sub.reports.example", False),
        ("localhost", False),
        # Read as evil.example by those for whom a backslash ends the host.
        ("evil.example\\.office.com", False),
        ("evil.example\\@reports.office.com", False),
    ],
)
def test_accepted_hosts_are_names_or_suffixes(server: SimulatorServer, host: str, is_accepted: bool) -> None:
    hosts = (".office.com", "reports.example")
    with open_client(tenant_settings(server), server.ca_bundle, download_hosts=hosts) as client:
        check = lambda: client._checked_location(f"https://{host}/x?token=1", client.context("x"))  # noqa: E731
        if is_accepted:
            assert check() == f"https://{host}/x?token=1"
        else:
            with pytest.raises(ProtocolError):
                check()


def test_a_second_redirect_of_the_download_is_not_followed(server: SimulatorServer, client: GraphClient) -> None:
    headers = {"Location": "https://evil.example/?token=CANARY"}
    server.faults.add(Rule(DOWNLOAD, times=None, status=302, body=b"", headers=headers))
    error = failure(client)
    assert error.status == 302
    assert "CANARY" not in str(error)
    assert len(downloads(server)) == 1


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_report_without_a_redirect_is_no_report(server: SimulatorServer, client: GraphClient, status: int) -> None:
    server.faults.add(Rule(REPORT, times=None, status=status, body=b"<html>hello</html>" if status == 200 else b""))
    error = failure(client)
    assert isinstance(error, ProtocolError)
    assert error.status == status


# --- what breaks on the way ---------------------------------------------------------------------------------


def cut(reply: Reply) -> Reply:
    return replace(reply, cut_after=100)


def lying(reply: Reply) -> Reply:
    return replace(reply, declared_length=len(reply.body) + 500)


def reset(reply: Reply) -> Reply:
    return replace(reply, is_reset=True)


@pytest.mark.parametrize("how", [cut, lying, reset])
def test_a_download_that_breaks_off_is_fetched_again_by_a_new_link(
    server: SimulatorServer, client: GraphClient, how: Callable[[Reply], Reply]
) -> None:
    server.faults.add(Rule(DOWNLOAD, times=2, change=how))
    assert download(client) == server.tenant.report_csv(DAY)
    assert links_asked(server) == 3
    assert len(downloads(server)) == 3
    assert len(client.naps) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", [cut, lying, reset])
def test_downloads_that_always_break_off_are_given_up(
    server: SimulatorServer, client: GraphClient, how: Callable[[Reply], Reply]
) -> None:
    server.faults.add(Rule(DOWNLOAD, times=None, change=how))
    error = failure(client)
    assert isinstance(error, TransientError)
    assert not error.is_permission
    assert links_asked(server) == ATTEMPTS


def test_a_packed_download_is_unpacked_although_nobody_asked_for_it(
    server: SimulatorServer, client: GraphClient
) -> None:
    server.faults.add(Rule(DOWNLOAD, transform=gzip.compress, headers={"Content-Encoding": "gzip"}))
    assert download(client) == server.tenant.report_csv(DAY)


def test_a_packed_download_that_cannot_be_unpacked_is_fetched_again(
    server: SimulatorServer, client: GraphClient
) -> None:
    server.faults.add(Rule(DOWNLOAD, headers={"Content-Encoding": "gzip"}))
    assert download(client) == server.tenant.report_csv(DAY)
    assert links_asked(server) == 2


def test_the_target_is_emptied_before_a_new_try(server: SimulatorServer, client: GraphClient) -> None:
    """The first try has written two pieces of a long report before it breaks off."""
    long = Rule(
        DOWNLOAD, times=1, transform=lambda _: b"x" * (3 << 20), change=lambda it: replace(it, cut_after=5 << 19)
    )
    server.faults.add(long)
    server.faults.add(Rule(DOWNLOAD, skip=1, transform=lambda _: b"a\r\n"))
    target = Written()
    reports.download_user_detail_day(client, DAY, target)
    assert target.pieces > 1
    assert target.getvalue() == b"a\r\n"


class Written(io.BytesIO):
    """Counts what is written to it."""

    pieces = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.pieces += 1
        return super().write(data)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_expired_link_is_replaced_by_a_new_one(server: SimulatorServer, client: GraphClient, status: int) -> None:
    server.faults.add(Rule(DOWNLOAD, times=1, status=status, code="AuthenticationFailed"))
    assert download(client) == server.tenant.report_csv(DAY)
    assert links_asked(server) == 2


def test_links_that_really_expire(server: SimulatorServer, client: GraphClient) -> None:
    class ExpireFirst:
        done = False

        def before(self, call):
            if "/data/download" in call.path and not self.done:
                self.done = True
                server.expire_links()

        def after(self, call, reply):
            return reply

    server.faults.add(ExpireFirst())
    assert download(client) == server.tenant.report_csv(DAY)
    assert downloads(server) == [403, 200]


def test_a_download_host_that_always_refuses_is_no_missing_permission(
    server: SimulatorServer, client: GraphClient
) -> None:
    server.faults.add(
        Rule(DOWNLOAD, times=None, status=403, code="MissingCredentials", message="https://x/?token=CANARY")
    )
    error = failure(client)
    assert (error.status, error.code) == (403, "MissingCredentials")
    assert not error.is_permission
    assert error.message == "The download address was refused or has expired."
    assert "CANARY" not in str(error)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_download_host_is_asked_again_after_its_retry_after(
    server: SimulatorServer, client: GraphClient, status: int
) -> None:
    server.faults.add(Rule(DOWNLOAD, times=1, status=status, headers={"Retry-After": "12"}))
    assert download(client) == server.tenant.report_csv(DAY)
    assert client.naps == [12]  # type: ignore[attr-defined]


def test_a_refused_date_is_told_apart_and_not_asked_again(server: SimulatorServer, client: GraphClient) -> None:
    with pytest.raises(GraphError) as caught:
        download(client, date(2026, 7, 1))
    assert caught.value.is_refused_date
    assert "past 28 days" in caught.value.message
    assert "report date 2026-07-01" in str(caught.value)
    assert links_asked(server) == 1


def test_a_missing_permission_is_told_by_the_innermost_error(server: SimulatorServer, client: GraphClient) -> None:
    server.tenant = server.tenant.replaced(permissions=frozenset())
    error = failure(client)
    assert error.is_permission
    assert (error.code, error.message) == ("S2SUnauthorized", "Invalid permission.")
    assert links_asked(server) == 2


def test_a_full_disk_is_not_taken_for_a_broken_connection(server: SimulatorServer, client: GraphClient) -> None:
    class FullDisk(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        reports.download_user_detail_day(client, DAY, FullDisk())
    assert links_asked(server) == 1
