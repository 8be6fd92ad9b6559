"""The simulated tenant over a real socket, with clients that know nothing of it: MSAL and requests."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import pytest
import requests

import pipelines.simulator
from pipelines.simulator import (
    READ_PERMISSIONS,
    AppRegistration,
    Limits,
    Reply,
    Rule,
    SimulatorServer,
    Tenant,
    TenantSpec,
)

TODAY = date(2026, 9, 14)
SPEC = TenantSpec(users=120, today=TODAY)
DAY = SPEC.newest_report_date
REPORT = "/reports/getM365AppUserDetail"
NOT_A_DATE = "Expression of type 'Edm.String' cannot be converted to type 'Edm.Date'."
NO_OVERLOAD = "Resource not found for the segment 'getM365AppUserDetail'."
NO_JSON = '{"Message":"JSON format is not supported."}'
NO_PROPERTY = "Could not find a property named 'nonsense' on type 'microsoft.graph.user'."
NO_SUCH_PAGE = "Invalid page size specified: '{}'. Must be between 1 and 999 inclusive."


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Client:
    """A Graph client of one app: a token by MSAL, requests by requests, redirects left alone."""

    def __init__(
        self, server: SimulatorServer, spec: TenantSpec | None = None, app: AppRegistration | None = None
    ) -> None:
        self.server = server
        self.spec = spec or server.tenant.spec
        self.app = app or self.spec.apps[0]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(server.ca_bundle)
        self.token = ""

    def sign_in(self, **changes: str) -> dict[str, Any]:
        tenant = changes.get("tenant", self.spec.tenant_id)
        app = msal.ConfidentialClientApplication(
            changes.get("client_id", self.app.client_id),
            client_credential=changes.get("secret", self.app.client_secret),
            authority=f"{self.server.authority_url}/{tenant}",
            instance_discovery=False,
            http_client=self.session,
        )
        answer: dict[str, Any] = app.acquire_token_for_client(
            [changes.get("scope", f"{self.server.graph_url}/.default")]
        )
        self.token = answer.get("access_token", self.token)
        return answer

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.ask("GET", path, **options)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = path if path.startswith("https://") else f"{self.server.graph_url}/v1.0{path}"
        return self.session.request(method, url, headers=headers, allow_redirects=False, timeout=10, **options)

    def report(self, call: str) -> bytes:
        answer = self.get(call)
        assert answer.status_code == 302, answer.text
        return self.session.get(answer.headers["Location"], timeout=10).content

    def pages(self, path: str, **options: Any) -> list[dict[str, Any]]:
        found = []
        url: str | None = path
        while url is not None:
            answer = self.get(url, **options)
            assert answer.status_code == 200, answer.text
            found.append(answer.json())
            url = found[-1].get("@odata.nextLink")
        return found

    def items(self, path: str) -> list[dict[str, Any]]:
        return [item for page in self.pages(path) for item in page["value"]]


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Tenant(SPEC), Limits.generous()) as running:
        yield running


@pytest.fixture(autouse=True)
def _as_new(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "server" in request.fixturenames:
        running: SimulatorServer = request.getfixturevalue("server")
        running.faults.clear()
        running.tenant = running.tenant.replaced(
            today=TODAY, permissions=READ_PERMISSIONS, is_concealed=False, has_premium=True, oldest_age_days=29
        )


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[Client]:
    made = Client(server)
    assert "access_token" in made.sign_in()
    yield made
    made.session.close()


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    """Status, code and message, after a look at the rest of Graph's error shape."""
    content = answer.json()
    assert content.keys() == {"error"}
    assert content["error"].keys() == {"code", "message", "innerError"}
    inner = content["error"]["innerError"]
    assert inner.keys() == {"date", "request-id", "client-request-id"}
    assert answer.headers["request-id"] == inner["request-id"]
    return answer.status_code, content["error"]["code"], content["error"]["message"]


# Sign-in


def test_msal_gets_a_token_for_an_hour_with_the_roles_granted(server: SimulatorServer) -> None:
    client = Client(server)
    answer = client.sign_in()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3599
    header, claims, signature = answer["access_token"].split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["typ"] == "JWT"
    assert signature
    assert set(content["roles"]) == READ_PERMISSIONS
    assert content["tid"] == SPEC.tenant_id
    assert content["appid"] == SPEC.client_id
    assert "access_token" in client.sign_in(scope="https://graph.microsoft.com/.default")
    assert "access_token" in client.sign_in(tenant=SPEC.domain)


@pytest.mark.parametrize(
    ("changes", "error", "number"),
    [
        ({"secret": "wrong"}, "invalid_client", 7000215),
        ({"client_id": "99999999-9999-4999-8999-999999999999"}, "unauthorized_client", 700016),
        ({"scope": "https://graph.microsoft.com/User.Read"}, "invalid_scope", 70011),
        ({"scope": "https://vault.example/.default"}, "invalid_resource", 500011),
    ],
)
def test_msal_gets_entras_refusals(server: SimulatorServer, changes: dict[str, str], error: str, number: int) -> None:
    answer = Client(server).sign_in(**changes)
    assert answer["error"] == error
    assert answer["error_codes"] == [number]
    assert answer["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= answer.keys()


def test_an_expired_secret_is_told_from_a_wrong_one() -> None:
    with SimulatorServer(Tenant(TenantSpec(users=5, today=TODAY, is_secret_expired=True))) as server:
        assert Client(server).sign_in()["error_codes"] == [7000222]
        assert Client(server).sign_in(secret="wrong")["error_codes"] == [7000215]


def test_an_unknown_tenant_is_refused_on_discovery_and_token(server: SimulatorServer) -> None:
    client = Client(server)
    for path, method in (("v2.0/.well-known/openid-configuration", "GET"), ("oauth2/v2.0/token", "POST")):
        answer = client.session.request(method, f"{server.authority_url}/nowhere.example/{path}")
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_request"
        assert answer.json()["error_codes"] == [90002]
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        client.sign_in(tenant="nowhere.example")


def test_the_secret_may_come_in_a_basic_header(server: SimulatorServer) -> None:
    url = f"{server.authority_url}/{SPEC.tenant_id}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
    session = Client(server).session
    good = session.post(url, data=form, auth=(SPEC.client_id, SPEC.client_secret.replace("~", "%7E")))
    assert good.status_code == 200
    bad = session.post(url, data=form, auth=(SPEC.client_id, "wrong"))
    assert (bad.status_code, bad.json()["error"]) == (401, "invalid_client")
    for more, number in (
        ({"client_id": SPEC.client_id}, 7000218),
        ({}, 900144),
        ({"client_id": SPEC.client_id, "client_assertion": "x.y.z"}, 700027),
        ({"client_id": SPEC.client_id, "client_secret": SPEC.client_secret, "grant_type": "password"}, 70003),
    ):
        answer = session.post(url, data={**form, **more})
        assert answer.status_code in (400, 401)
        assert answer.json()["error_codes"] == [number]


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eA=="}])
def test_no_token_or_a_strange_one_is_401(server: SimulatorServer, header: dict[str, str]) -> None:
    session = Client(server).session
    answer = session.get(f"{server.graph_url}/v1.0/users", headers=header)
    assert error_of(answer)[:2] == (401, "InvalidAuthenticationToken")
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_token_ends_after_its_hour_and_when_it_is_revoked() -> None:
    clock = Clock()
    with SimulatorServer(Tenant(TenantSpec(users=5, today=TODAY)), clock=clock) as server:
        client = Client(server)
        client.sign_in()
        clock.now += 3598
        assert client.get("/organization").status_code == 200
        clock.now += 2
        assert error_of(client.get("/organization"))[:2] == (401, "InvalidAuthenticationToken")
        client.sign_in()
        assert client.get("/organization").status_code == 200
        server.revoke_tokens()
        assert client.get("/organization").status_code == 401


def test_a_new_permission_works_with_a_new_token_only(server: SimulatorServer, client: Client) -> None:
    server.tenant = server.tenant.replaced(permissions=frozenset({"User.Read.All"}))
    assert client.get("/organization").status_code == 200
    client.sign_in()
    assert client.get("/organization").status_code == 403
    server.tenant = server.tenant.replaced(permissions=READ_PERMISSIONS)
    assert client.get("/organization").status_code == 403
    client.sign_in()
    assert client.get("/organization").status_code == 200


# Reports


def test_a_report_is_a_redirect_to_another_origin_without_the_token(server: SimulatorServer, client: Client) -> None:
    answer = client.get(f"{REPORT}(date={DAY})")
    assert answer.status_code == 302
    assert answer.content == b""
    target = urlsplit(answer.headers["Location"])
    assert (target.scheme, target.hostname) == ("https", "127.0.0.1")
    assert target.netloc != urlsplit(server.graph_url).netloc
    assert client.token not in answer.headers["Location"]
    body = client.session.get(answer.headers["Location"])
    assert body.status_code == 200
    assert body.headers["Content-Type"] == "application/octet-stream"
    assert int(body.headers["Content-Length"]) == len(body.content)
    assert body.content == server.tenant.report_csv(DAY)
    assert "Content-Encoding" not in body.headers
    again = client.get(f"{REPORT}(date={DAY})").headers["Location"]
    assert again != answer.headers["Location"]
    refused = client.get(answer.headers["Location"])
    assert refused.status_code == 400
    assert b"Report Refresh Date" not in refused.content


def test_requests_drops_the_token_on_the_redirect_by_itself(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.session.get(f"{client.server.graph_url}/v1.0{REPORT}(date={DAY})", headers=headers)
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbfReport Refresh Date,")


def test_each_origin_serves_its_own_paths_only(server: SimulatorServer, client: Client) -> None:
    location = client.get(f"{REPORT}(date={DAY})").headers["Location"]
    assert client.session.get(location.replace("127.0.0.1", "localhost")).status_code == 404
    there = server.graph_url.replace("localhost", "127.0.0.1")
    assert client.get(f"{there}/v1.0/users").status_code == 404
    assert client.session.get(f"{there}/{SPEC.tenant_id}/v2.0/.well-known/openid-configuration").status_code == 404


def test_a_download_link_is_short_lived_and_not_to_be_guessed() -> None:
    clock = Clock()
    with SimulatorServer(Tenant(TenantSpec(users=5, today=TODAY)), clock=clock) as server:
        client = Client(server)
        client.sign_in()
        location = client.get(f"{REPORT}(date={DAY})").headers["Location"]
        assert client.session.get(location).status_code == 200
        assert client.session.get(location[:-4] + "AAAA").status_code == 404
        assert client.session.get(location.split("?")[0]).status_code == 404
        assert client.session.post(location).status_code == 405
        clock.now += 301
        assert client.session.get(location).status_code == 403
        fresh = client.get(f"{REPORT}(date={DAY})").headers["Location"]
        server.expire_links()
        assert client.session.get(fresh).status_code == 403


def test_periods_counts_and_the_qualified_name(server: SimulatorServer, client: Client) -> None:
    for period in ("D7", "D30", "D90", "D180"):
        assert client.report(f"{REPORT}(period='{period}')") == server.tenant.period_csv(period)
    counts = client.report("/reports/getM365AppUserCounts(period='D30')")
    assert counts == server.tenant.user_counts_csv("D30")
    rows = list(csv.reader(io.StringIO(counts.decode("utf-8-sig"))))
    assert rows[0][:4] == ["Report Refresh Date", "Report Period", "Report Date", "Outlook"]
    assert rows[0][4:] == ["Word", "Excel", "PowerPoint", "OneNote", "Teams"]
    assert len(rows) == 31
    qualified = f"/reports/microsoft.graph.getM365AppUserDetail(date={DAY})"
    assert client.report(qualified) == server.tenant.report_csv(DAY)
    assert client.report(f"{REPORT}%28period%3D%27D7%27%29") == server.tenant.period_csv("D7")


@pytest.mark.parametrize("oldest", [28, 29])
def test_the_oldest_served_day_is_a_setting(server: SimulatorServer, client: Client, oldest: int) -> None:
    server.tenant = server.tenant.replaced(oldest_age_days=oldest)
    served = {age: client.get(f"{REPORT}(date={TODAY - timedelta(days=age)})") for age in (-1, 0, 1, 2, 27, 28, 29, 30)}
    assert {age for age, answer in served.items() if answer.status_code == 302} == {2, 27, 28} | {oldest}
    for age, answer in served.items():
        if answer.status_code != 302:
            day = TODAY - timedelta(days=age)
            assert error_of(answer) == (
                400,
                "InvalidArgument",
                f"Invalid date value specified: {day}. Only support data for the past 28 days.",
            )


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        (
            f"{REPORT}(date='{DAY}')",
            "BadRequest",
            NOT_A_DATE,
        ),
        (f"{REPORT}(date=2026-13-01)", "BadRequest", "2026-13-01"),
        (f"{REPORT}(date=20260901)", "BadRequest", "20260901"),
        (f"{REPORT}(period='D8')", "InvalidArgument", "D8"),
        (f"{REPORT}(period='')", "InvalidArgument", ""),
        (f"{REPORT}(period=D7)", "BadRequest", "Edm.String"),
        (
            f"{REPORT}(period='D7',date={DAY})",
            "BadRequest",
            NO_OVERLOAD,
        ),
        (f"{REPORT}()", "BadRequest", NO_OVERLOAD),
        (REPORT, "BadRequest", NO_OVERLOAD),
        (f"{REPORT}(date=={DAY})", "BadRequest", "Edm.Date"),
        ("/reports/getM365AppUserCounts(date=2026-09-01)", "BadRequest", "Resource not found"),
        ("/reports/getNothing(period='D7')", "BadRequest", "Resource not found for the segment 'getNothing'."),
        (f"{REPORT}(date={DAY})/$value", "BadRequest", "Resource not found"),
        (
            f"{REPORT}(date={DAY})?$format=application/json",
            "UnknownError",
            NO_JSON,
        ),
    ],
)
def test_wrong_report_requests_get_graphs_refusals(client: Client, call: str, code: str, message: str) -> None:
    status, found_code, found_message = error_of(client.get(call))
    assert (status, found_code) == (400, code)
    assert message in found_message


def test_concealment_reaches_the_reports_and_the_setting(server: SimulatorServer, client: Client) -> None:
    assert client.get("/admin/reportSettings").json()["displayConcealedNames"] is False
    server.tenant = server.tenant.replaced(is_concealed=True)
    assert client.get("/admin/reportSettings").json()["displayConcealedNames"] is True
    rows = csv.DictReader(io.StringIO(client.report(f"{REPORT}(date={DAY})").decode("utf-8-sig")))
    names = {row["User Principal Name"] for row in rows} - {"(Unknown)"}
    assert names
    assert all(re.fullmatch("[0-9A-F]{32}", name) for name in names)


# Throttling


def test_the_fifteenth_request_waits_for_the_first_to_leave_the_window() -> None:
    clock = Clock()
    spec = TenantSpec(users=5, today=TODAY)
    with SimulatorServer(Tenant(spec), clock=clock) as server:
        client = Client(server)
        client.sign_in()
        for number in range(14):
            clock.now += 1
            call = f"{REPORT}(period='D7')" if number % 2 else f"{REPORT}(date={DAY})"
            assert client.get(call).status_code == 302
        for _ in range(3):
            refused = client.get(f"{REPORT}(date={DAY})")
            assert error_of(refused)[:2] == (429, "TooManyRequests")
            assert refused.headers["Retry-After"] == "587"
        assert client.get("/reports/getM365AppUserCounts(period='D7')").status_code == 302
        assert client.get("/users").status_code == 200
        clock.now += 586
        assert client.get(f"{REPORT}(date={DAY})").headers["Retry-After"] == "1"
        clock.now += 1
        assert client.get(f"{REPORT}(date={DAY})").status_code == 302
        assert client.get(f"{REPORT}(date={DAY})").headers["Retry-After"] == "1"
        server.reset_throttle()
        assert client.get(f"{REPORT}(date={DAY})").status_code == 302


def test_a_tenant_has_a_budget_over_all_its_apps() -> None:
    apps = tuple(AppRegistration(f"{n}0000000-0000-4000-8000-000000000000", "s") for n in range(1, 4))
    spec = TenantSpec(users=5, today=TODAY, other_apps=apps)
    other = TenantSpec(users=5, today=TODAY, tenant_id="11111111-2222-4333-8444-555555555555", domain="adatum.example")
    with SimulatorServer([Tenant(spec), Tenant(other)], clock=Clock()) as server:
        passed = []
        for app in spec.apps:
            client = Client(server, spec, app)
            client.sign_in()
            passed.append(sum(client.get(f"{REPORT}(date={DAY})").status_code == 302 for _ in range(15)))
        assert passed == [14, 14, 12, 0]
        elsewhere = Client(server, other)
        elsewhere.sign_in()
        assert elsewhere.get(f"{REPORT}(date={DAY})").status_code == 302


def test_a_client_that_waits_as_told_gets_through() -> None:
    limits = Limits(report_requests=2, window_seconds=0.6)
    with SimulatorServer(Tenant(TenantSpec(users=5, today=TODAY)), limits) as server:
        client = Client(server)
        client.sign_in()
        assert [client.get(f"{REPORT}(date={DAY})").status_code for _ in range(3)] == [302, 302, 429]
        wait = int(client.get(f"{REPORT}(date={DAY})").headers["Retry-After"])
        assert wait == 1
        time.sleep(wait)
        assert client.get(f"{REPORT}(date={DAY})").status_code == 302


# The directory


def test_users_come_in_pages_and_whole(server: SimulatorServer, client: Client) -> None:
    expected = server.tenant.users()
    pages = client.pages("/users?$select=id,userPrincipalName&$top=50")
    assert [len(page["value"]) for page in pages[:-1]] == [50] * (len(pages) - 1)
    assert 0 < len(pages[-1]["value"]) <= 50
    assert "@odata.nextLink" not in pages[-1]
    found = [user for page in pages for user in page["value"]]
    assert found == [{"id": u["id"], "userPrincipalName": u["userPrincipalName"]} for u in expected]
    assert pages[0]["@odata.context"].endswith("$metadata#users(id,userPrincipalName)")
    assert urlsplit(pages[0]["@odata.nextLink"]).hostname == "localhost"
    assert len(client.get("/users").json()["value"]) == 100
    assert len(client.items("/users?$top=999")) == len(expected)


def test_without_select_only_the_default_properties_come(client: Client) -> None:
    (user, *_) = client.get("/users?$top=1").json()["value"]
    assert set(user) == {
        *("businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone", "officeLocation"),
        *("preferredLanguage", "surname", "userPrincipalName"),
    }


def test_everything_selected_is_what_the_tenant_has(server: SimulatorServer, client: Client) -> None:
    names = sorted({name for user in server.tenant.users() for name in user} - {"manager"})
    found = client.items(f"/users?$select={','.join(names)}&$expand=manager($select=id,displayName)&$top=999")
    for user, expected in zip(found, server.tenant.users(), strict=True):
        manager, expected_manager = user.pop("manager", None), expected.pop("manager", None)
        assert user == expected
        assert (manager is None) == (expected_manager is None)
        if manager is not None:
            assert manager["id"] == expected_manager["id"]
            assert manager["displayName"] == expected_manager["displayName"]
            assert "userPrincipalName" not in manager


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        (
            "$select=id,nonsense",
            "Request_BadRequest",
            NO_PROPERTY,
        ),
        (
            "$top=1000",
            "Request_BadRequest",
            NO_SUCH_PAGE.format(1000),
        ),
        ("$top=0", "Request_BadRequest", NO_SUCH_PAGE.format(0)),
        ("$top=ten", "BadRequest", "$top"),
        ("$skip=10", "Request_UnsupportedQuery", "'$skip' is not supported by the service."),
        ("$orderby=displayName", "Request_UnsupportedQuery", "$orderby"),
        ("$expand=memberOf", "Request_UnsupportedQuery", "memberOf"),
        ("$expand=manager($select=nonsense)", "Request_BadRequest", "nonsense"),
        ("$filter=startswith(displayName,'A')", "Request_UnsupportedQuery", "filter"),
        ("$filter=nonsense eq 'A'", "Request_BadRequest", "nonsense"),
        ("$skiptoken=AAAA", "Directory_ExpiredPageToken", "page token"),
    ],
)
def test_wrong_user_queries_get_graphs_refusals(client: Client, query: str, code: str, message: str) -> None:
    status, found_code, found_message = error_of(client.get(f"/users?{query}"))
    assert (status, found_code) == (400, code)
    assert message in found_message


def test_a_filter_and_a_count(server: SimulatorServer, client: Client) -> None:
    guests = client.items("/users?$filter=userType eq 'Guest' and accountEnabled eq true&$select=id,userType&$top=3")
    assert {user["id"] for user in guests} == {u["id"] for u in server.tenant.users() if u["userType"] == "Guest"}
    answer = client.get("/users?$count=true&$top=2", headers={"ConsistencyLevel": "eventual"}).json()
    assert answer["@odata.count"] == len(server.tenant.users())
    assert "@odata.count" not in client.get("/users?$count=true&$top=2").json()


def test_one_user_by_id_by_name_and_the_manager(server: SimulatorServer, client: Client) -> None:
    expected = next(user for user in server.tenant.users() if "manager" in user)
    by_id = client.get(f"/users/{expected['id']}?$select=displayName,department").json()
    assert by_id["department"] == expected["department"]
    upn = expected["userPrincipalName"].replace("#", "%23")
    assert client.get(f"/users/{upn.upper()}").json()["id"] == expected["id"]
    assert client.get(f"/users/{upn}/manager").json()["id"] == expected["manager"]["id"]
    assert error_of(client.get("/users/nobody@fabrikam.example"))[:2] == (404, "Request_ResourceNotFound")
    guest = next(user for user in server.tenant.users() if "#EXT#" in user["userPrincipalName"])
    assert client.get("/users/" + guest["userPrincipalName"].replace("#", "%23")).json()["id"] == guest["id"]
    by_name = client.get(f"/users/{upn}?$select=id,signInActivity")
    assert by_name.status_code == 400
    assert client.get(f"/users/{expected['id']}?$select=id,signInActivity").status_code == 200


def test_sign_in_activity_needs_premium_and_its_permission(server: SimulatorServer, client: Client) -> None:
    query = "/users?$select=id,signInActivity&$top=999"
    users = client.items(query)
    assert any("signInActivity" in user for user in users)
    assert any("signInActivity" not in user for user in users)
    server.tenant = server.tenant.replaced(has_premium=False)
    assert error_of(client.get(query))[:2] == (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
    assert client.get("/users?$select=id").status_code == 200
    server.tenant = server.tenant.replaced(has_premium=True, permissions=READ_PERMISSIONS - {"AuditLog.Read.All"})
    client.sign_in()
    assert error_of(client.get(query))[:2] == (403, "Authorization_RequestDenied")


def test_sign_in_activity_cuts_the_page_to_500() -> None:
    with SimulatorServer(Tenant(TenantSpec(users=480, today=TODAY))) as server:
        client = Client(server)
        client.sign_in()
        assert len(client.get("/users?$select=id,signInActivity&$top=999").json()["value"]) == 500
        assert len(client.get("/users?$select=id&$top=999").json()["value"]) > 500


def test_read_basic_shows_basic_properties_only(server: SimulatorServer, client: Client) -> None:
    server.tenant = server.tenant.replaced(permissions=frozenset({"User.ReadBasic.All"}))
    client.sign_in()
    users = client.items("/users?$select=id,displayName,department,assignedLicenses&$top=999")
    assert all(user["displayName"] for user in users)
    assert all(user["department"] is None and user["assignedLicenses"] is None for user in users)


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/users", "User.Read.All"),
        ("/users/delta", "User.Read.All"),
        ("/directory/deletedItems/microsoft.graph.user", "User.Read.All"),
        ("/organization", "Organization.Read.All"),
        ("/directory/subscriptions", "Organization.Read.All"),
        ("/groups", "GroupMember.Read.All"),
    ],
)
def test_a_missing_directory_permission(server: SimulatorServer, client: Client, path: str, needed: str) -> None:
    assert client.get(path).status_code == 200
    server.tenant = server.tenant.replaced(permissions=READ_PERMISSIONS - {needed})
    client.sign_in()
    assert error_of(client.get(path)) == (
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    )


def test_licences_can_be_read_with_either_permission(server: SimulatorServer, client: Client) -> None:
    both = {"LicenseAssignment.Read.All", "Organization.Read.All"}
    for missing, status in (({"Organization.Read.All"}, 200), ({"LicenseAssignment.Read.All"}, 200), (both, 403)):
        server.tenant = server.tenant.replaced(permissions=READ_PERMISSIONS - missing)
        client.sign_in()
        assert client.get("/subscribedSkus").status_code == status


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        (f"{REPORT}(date={DAY})", "Reports.Read.All"),
        ("/reports/getM365AppUserCounts(period='D7')", "Reports.Read.All"),
        ("/admin/reportSettings", "ReportSettings.Read.All"),
    ],
)
def test_a_missing_report_permission(server: SimulatorServer, client: Client, path: str, needed: str) -> None:
    server.tenant = server.tenant.replaced(permissions=READ_PERMISSIONS - {needed})
    client.sign_in()
    status, code, message = error_of(client.get(path))
    assert (status, code) == (403, "UnknownError")
    assert json.loads(message) == {"error": {"code": "S2SUnauthorized", "message": "Invalid permission."}}


def test_skus_subscriptions_organization_groups_and_deleted_users(server: SimulatorServer, client: Client) -> None:
    tenant = server.tenant
    assert client.items("/subscribedSkus") == tenant.subscribed_skus()
    sku = tenant.subscribed_skus()[0]
    assert client.get(f"/subscribedSkus/{sku['id']}").json()["skuPartNumber"] == sku["skuPartNumber"]
    assert client.items("/subscribedSkus?$select=skuId,consumedUnits")[0] == {
        "skuId": sku["skuId"],
        "consumedUnits": sku["consumedUnits"],
    }
    assert client.items("/directory/subscriptions") == tenant.subscriptions()
    assert client.items("/organization") == tenant.organization()
    assert client.items("/groups?$select=id,displayName") == [
        {"id": group["id"], "displayName": group["displayName"]} for group in tenant.groups()
    ]
    select = "id,userPrincipalName,deletedDateTime"
    assert client.items(f"/directory/deletedItems/microsoft.graph.user?$select={select}") == [
        {name: user[name] for name in select.split(",")} for user in tenant.deleted_users()
    ]
    assert tenant.deleted_users()


def test_the_same_answers_on_another_port_byte_for_byte(server: SimulatorServer, client: Client) -> None:
    with SimulatorServer(Tenant(SPEC)) as second:
        other = Client(second)
        other.sign_in()
        for path in (
            "/users?$top=999&$select=id,displayName,assignedLicenses,licenseAssignmentStates&$expand=manager",
            "/subscribedSkus",
            "/directory/subscriptions",
            "/organization",
        ):
            assert other.get(path).content == client.get(path).content


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("/nothing", "nothing"),
        ("/users/x/nothing", "nothing"),
        ("/directory/nothing", "nothing"),
        ("/admin/nothing", "nothing"),
        ("/reports", "reports"),
    ],
)
def test_unknown_paths(client: Client, path: str, segment: str) -> None:
    message = f"Resource not found for the segment '{segment}'."
    assert error_of(client.get(path)) == (400, "BadRequest", message)


def test_another_version_and_other_methods(server: SimulatorServer, client: Client) -> None:
    assert error_of(client.get(f"{server.graph_url}/beta/users"))[2] == "Resource not found for the segment 'beta'."
    for method, path in (("PUT", "/users"), ("DELETE", "/subscribedSkus"), ("POST", f"{REPORT}(date={DAY})")):
        assert error_of(client.ask(method, path))[0] == 405
    assert client.ask("PATCH", "/admin/reportSettings", json={"displayConcealedNames": True}).status_code == 403
    assert server.tenant.spec.is_concealed is False


def test_report_settings_can_be_changed_with_the_permission(server: SimulatorServer, client: Client) -> None:
    server.tenant = server.tenant.replaced(permissions=READ_PERMISSIONS | {"ReportSettings.ReadWrite.All"})
    client.sign_in()
    assert client.ask("PATCH", "/admin/reportSettings", json={"displayConcealedNames": "x"}).status_code == 400
    assert client.ask("PATCH", "/admin/reportSettings", json={"displayConcealedNames": True}).status_code == 204
    assert client.get("/admin/reportSettings").json()["displayConcealedNames"] is True


def test_request_ids(client: Client) -> None:
    mine = "0f0f0f0f-1111-4222-8333-444444444444"
    answer = client.get("/nothing", headers={"client-request-id": mine})
    assert answer.headers["client-request-id"] == mine
    assert answer.json()["error"]["innerError"]["client-request-id"] == mine
    assert answer.headers["request-id"] != client.get("/nothing").headers["request-id"]


# Delta


def delta(client: Client, url: str, **options: Any) -> tuple[list[dict[str, Any]], str]:
    pages = client.pages(url, **options)
    assert all("@odata.deltaLink" not in page for page in pages[:-1])
    return [item for page in pages for item in page["value"]], pages[-1]["@odata.deltaLink"]


def test_delta_leads_from_one_day_to_another(server: SimulatorServer, client: Client) -> None:
    select = "id,userPrincipalName,accountEnabled,assignedLicenses"
    everybody, link = delta(client, f"/users/delta?$select={select}")
    assert everybody == client.items(f"/users?$select={select}&$top=999")
    state = {user["id"]: user for user in everybody}
    assert delta(client, link)[0] == []
    kinds = set()
    for step in range(6, 60, 6):
        server.tenant = server.tenant.with_today(TODAY + timedelta(days=step))
        changes, link = delta(client, link)
        for change in changes:
            if "@removed" in change:
                kinds.add(change["@removed"]["reason"])
                state.pop(change["id"], None)
            else:
                kinds.add("changed user" if change["id"] in state else "new user")
                state[change["id"]] = change
        now = {user["id"]: user for user in client.items(f"/users?$select={select}&$top=999")}
        assert state == now
        assert len(changes) < len(now) / 4
    assert {"changed", "changed user", "new user"} <= kinds


def test_delta_tells_what_is_gone_for_good(server: SimulatorServer, client: Client) -> None:
    _, link = delta(client, "/users/delta?$select=id")
    reasons = []
    for step in range(7, 50, 7):
        server.tenant = server.tenant.with_today(TODAY + timedelta(days=step))
        changes, link = delta(client, link)
        reasons += [change["@removed"]["reason"] for change in changes if "@removed" in change]
    assert set(reasons) == {"changed", "deleted"}


def test_delta_with_latest_minimal_and_small_pages(server: SimulatorServer, client: Client) -> None:
    nothing, link = delta(client, "/users/delta?$deltatoken=latest&$select=id,displayName,accountEnabled")
    assert nothing == []
    server.tenant = server.tenant.with_today(TODAY + timedelta(days=7))
    whole, _ = delta(client, link)
    minimal, _ = delta(client, link, headers={"Prefer": "return=minimal"})
    blocked = [user for user in minimal if user.keys() == {"id", "accountEnabled"}]
    assert blocked
    assert {user["id"] for user in minimal} == {user["id"] for user in whole}
    pages = client.pages("/users/delta?$select=id", headers={"Prefer": "odata.maxpagesize=25"})
    assert {len(page["value"]) for page in pages[:-1]} == {25}


def test_a_delta_token_lives_seven_days(server: SimulatorServer, client: Client) -> None:
    _, link = delta(client, "/users/delta?$select=id")
    server.tenant = server.tenant.with_today(TODAY + timedelta(days=7))
    assert client.get(link).status_code == 200
    server.tenant = server.tenant.with_today(TODAY + timedelta(days=8))
    assert error_of(client.get(link))[:2] == (400, "syncStateNotFound")
    assert client.get("/users/delta?$deltatoken=AAAA").status_code == 400
    assert error_of(client.get("/users/delta?$select=id,signInActivity"))[0] == 400


# Several tenants, faults, the journal, the server itself


def test_tenants_are_kept_apart() -> None:
    other = TenantSpec(
        seed=9,
        users=20,
        today=TODAY,
        tenant_id="11111111-2222-4333-8444-555555555555",
        domain="adatum.example",
        display_name="Adatum",
        client_id="22222222-2222-4333-8444-555555555555",
    )
    mine = TenantSpec(users=20, today=TODAY)
    with SimulatorServer([Tenant(mine), Tenant(other)]) as server:
        names = []
        for spec in (mine, other):
            client = Client(server, spec)
            client.sign_in()
            names.append(client.items("/organization")[0]["displayName"])
            assert server.settings(spec.tenant_id)["M365_CLIENT_ID"] == spec.client_id
        assert names == ["Fabrikam", "Adatum"]
        assert Client(server, mine).sign_in(tenant=other.tenant_id)["error_codes"] == [700016]
        server.put_tenant(Tenant(other).with_today(TODAY + timedelta(days=1)))
        assert server.settings(other.tenant_id)["M365_TODAY"] == "2026-09-15"
        assert server.tenant.spec == mine
        with pytest.raises(ValueError, match="No tenant"):
            server.settings("nobody")


def test_a_fault_strikes_as_often_as_told(server: SimulatorServer, client: Client) -> None:
    headers = {"Retry-After": "1"}
    rule = Rule("getM365AppUserDetail", status=503, code="ServiceUnavailable", headers=headers, times=2, skip=1)
    server.faults.add(rule)
    answers = [client.get(f"{REPORT}(date={DAY})") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [302, 503, 503, 302, 302]
    assert answers[1].headers["Retry-After"] == "1"
    assert error_of(answers[1])[:2] == (503, "ServiceUnavailable")
    assert client.get("/users").status_code == 200
    assert rule.hits == 2


def test_a_fault_can_change_what_the_tenant_answers(server: SimulatorServer, client: Client) -> None:
    server.faults.add(Rule("^/data/download", transform=lambda body: body.replace(b"Windows", b"Fenster"), times=1))
    location = client.get(f"{REPORT}(date={DAY})").headers["Location"]
    changed = client.session.get(location)
    assert b"Fenster" in changed.content
    assert int(changed.headers["Content-Length"]) == len(changed.content)
    assert client.session.get(location).content == server.tenant.report_csv(DAY)
    server.faults.add(Rule("/users", content={"value": []}, status=200))
    assert client.get("/users").json() == {"value": []}


def test_a_fault_can_cut_lie_and_reset(server: SimulatorServer, client: Client) -> None:
    def lying(reply: Reply) -> Reply:
        return Reply(**{**vars(reply), "declared_length": len(reply.body) + 100})

    def cut(reply: Reply) -> Reply:
        return Reply(**{**vars(reply), "cut_after": 500})

    def reset(reply: Reply) -> Reply:
        return Reply(**{**vars(reply), "is_reset": True})

    location = client.get(f"{REPORT}(date={DAY})").headers["Location"]
    for change in (lying, cut, reset):
        server.faults.add(Rule("/data/", change=change, times=1))
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            client.session.get(location, timeout=5)
        assert client.session.get(location).content == server.tenant.report_csv(DAY)
    assert [record.status for record in server.requests.to("/data/")][-2] == 0
    started = time.monotonic()
    server.faults.add(Rule("/data/", delay_seconds=0.2))
    client.session.get(location)
    assert time.monotonic() - started >= 0.2


def test_the_journal_knows_who_asked_and_keeps_no_secret(server: SimulatorServer, client: Client) -> None:
    server.requests.clear()
    client.sign_in()
    location = client.get(f"{REPORT}(date={DAY})").headers["Location"]
    client.session.get(location)
    token, report, download = list(server.requests)[-3:]
    assert (token.method, token.status, token.had_bearer) == ("POST", 200, False)
    assert (report.path, report.status, report.had_bearer) == (f"/v1.0{REPORT}(date={DAY})", 302, True)
    assert (download.host, download.status, download.had_bearer) == ("127.0.0.1", 200, False)
    assert len(server.requests.to("/data/download")) == 1
    text = repr(list(server.requests))
    assert client.token not in text
    assert SPEC.client_secret not in text
    assert location.split("token=")[1] not in text
    assert SPEC.client_secret not in repr(SPEC)


def test_the_tenant_can_be_changed_while_it_runs(server: SimulatorServer, client: Client) -> None:
    too_new = TODAY - timedelta(days=1)
    assert client.get(f"{REPORT}(date={too_new})").status_code == 400
    server.tenant = server.tenant.with_today(TODAY + timedelta(days=1))
    assert client.get(f"{REPORT}(date={too_new})").status_code == 302


def test_settings_say_how_to_reach_it(server: SimulatorServer) -> None:
    settings = server.settings()
    assert settings["M365_TODAY"] == "2026-09-14"
    assert settings["M365_DOWNLOAD_HOSTS"] == "127.0.0.1"
    assert settings["M365_GRAPH_URL"] == settings["M365_AUTHORITY_URL"] == server.graph_url
    assert settings["M365_THROTTLE_REQUESTS"] == "100000"
    assert Path(settings["M365_CA_BUNDLE"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    with SimulatorServer(Tenant(TenantSpec(users=5, today=TODAY)), Limits(window_seconds=2)) as usual:
        assert usual.settings()["M365_THROTTLE_WINDOW_SECONDS"] == "2"
        assert "M365_THROTTLE_REQUESTS" not in usual.settings()


def test_it_listens_on_loopback_only_and_no_key_is_left_behind(tmp_path: Path) -> None:
    with SimulatorServer(Tenant(TenantSpec(users=5, today=TODAY)), cert_dir=tmp_path) as server:
        with pytest.raises(OSError):  # noqa: PT011
            socket.create_connection(("127.0.0.2", server.port), timeout=2).close()
        assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.graph_url, timeout=5)
        with pytest.raises(RuntimeError, match="running already"):
            server.start()
        port = server.port
    with pytest.raises(OSError):  # noqa: PT011
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    server.stop()


def test_starting_and_stopping_is_quick_even_with_an_idle_client() -> None:
    started = time.monotonic()
    server = SimulatorServer(Tenant(TenantSpec(users=300, today=TODAY))).start()
    ready = time.monotonic()
    client = Client(server)
    client.sign_in()
    stopping = time.monotonic()
    server.stop()
    assert ready - started < 3
    assert time.monotonic() - stopping < 3


def test_serving_in_the_foreground_ends_cleanly_on_a_signal(tmp_path: Path) -> None:
    program = (
        "import datetime, pathlib, sys\n"
        "from pipelines.simulator import TenantSpec, serve\n"
        "spec = TenantSpec(users=5, today=datetime.date(2026, 9, 14))\n"
        "serve(spec, cert_dir=pathlib.Path(sys.argv[1]), ready=lambda s: print(s.graph_url, flush=True))\n"
        "print('ended', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(pipelines.simulator.__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = requests.get(f"{url}/v1.0/users", verify=str(tmp_path / "ca.pem"), timeout=10)
        assert answer.status_code == 401
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "ended\n", "")
