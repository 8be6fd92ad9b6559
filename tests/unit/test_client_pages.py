"""Reading collections: pages, next links, retries, refusals; the bearer token and who gets it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from unit_tls import Answer, Seen, TlsStub, as_json, open_client, tenant_settings

from pipelines.graph import directory
from pipelines.graph.client import ATTEMPTS, GraphClient
from pipelines.graph.errors import GraphError, ProtocolError, SignInError, TransientError
from pipelines.simulator import Reply, Rule, SimulatorServer

USERS = "^/v1.0/users"


def pages(client: GraphClient, page_size: int = 7) -> list[dict]:
    endpoint = directory.users(page_size, with_sign_ins=False)
    return [json.loads(body) for body in directory.read(client, endpoint)]


def failure(client: GraphClient) -> GraphError:
    with pytest.raises(GraphError) as caught:
        pages(client)
    return caught.value


def asked(server: SimulatorServer) -> list[int]:
    return [record.status for record in server.requests.to("/v1.0/users")]


# --- paging -------------------------------------------------------------------------------------------------


def test_all_pages_are_read_in_order(server: SimulatorServer, client: GraphClient) -> None:
    found = pages(client)
    expected = [user["id"] for user in server.tenant.users()]
    assert [user["id"] for page in found for user in page["value"]] == expected
    assert len(found) == -(-len(expected) // 7)
    assert client.statistics.requests == len(found)
    assert client.statistics.http_status == 200
    assert client.statistics.request_id == server.requests.to("/v1.0/users")[-1].request_id


def test_the_first_page_is_asked_with_manager_licences_and_addresses(
    server: SimulatorServer, client: GraphClient
) -> None:
    (page,) = pages(client, page_size=999)
    user = next(user for user in page["value"] if user.get("manager"))
    assert {"proxyAddresses", "assignedLicenses", "licenseAssignmentStates", "onPremisesSyncEnabled"} <= user.keys()
    assert "signInActivity" not in user
    assert "%24top=999" in server.requests.to("/v1.0/users")[0].query


def test_sign_in_activity_is_asked_in_smaller_pages(server: SimulatorServer, client: GraphClient) -> None:
    bodies = list(directory.read(client, directory.users(999, with_sign_ins=True)))
    assert any("signInActivity" in user for body in bodies for user in json.loads(body)["value"])
    assert "%24top=500" in server.requests.to("/v1.0/users")[0].query


@pytest.mark.parametrize(
    "endpoint",
    [
        directory.DELETED_USERS,
        directory.SUBSCRIBED_SKUS,
        directory.SUBSCRIPTIONS,
        directory.ORGANIZATION,
        directory.REPORT_SETTINGS,
    ],
    ids=lambda endpoint: endpoint.source,
)
def test_every_other_endpoint_answers(client: GraphClient, endpoint: directory.Endpoint) -> None:
    (body,) = directory.read(client, endpoint)
    assert isinstance(json.loads(body).get("value"), list) is endpoint.is_collection


def test_an_empty_page_with_a_next_link_is_no_end(server: SimulatorServer, client: GraphClient) -> None:
    def emptied(body: bytes) -> bytes:
        return json.dumps({**json.loads(body), "value": []}).encode()

    everyone = sum(len(page["value"]) for page in pages(client))
    server.faults.add(Rule(USERS, times=1, transform=emptied))
    found = pages(client)
    assert found[0]["value"] == []
    assert sum(len(page["value"]) for page in found) == everyone - 7


@pytest.mark.parametrize("back", ["first", "itself"])
def test_next_links_that_go_round_are_refused(server: SimulatorServer, client: GraphClient, back: str) -> None:
    links: list[str] = []

    def loop(body: bytes) -> bytes:
        page = json.loads(body)
        links.append(page.get("@odata.nextLink") or links[0])
        page["@odata.nextLink"] = links[0] if back == "first" else links[-1] if len(links) < 3 else links[-2]
        return json.dumps(page).encode()

    server.faults.add(Rule(USERS, times=None, transform=loop))
    error = failure(client)
    assert isinstance(error, ProtocolError)
    assert "repeat" in error.message
    assert len(asked(server)) <= 5


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.evil.example/v1.0/users?$skiptoken=x",
        "https://127.0.0.1:{port}/v1.0/users?$skiptoken=x",
        "https://localhost:1/v1.0/users?$skiptoken=x",
        "http://localhost:{port}/v1.0/users?$skiptoken=x",
        "https://localhost:{port}@evil.example/v1.0/users",
        "https://localhost:{port}\\@evil.example/v1.0/users",
        "https://evil.example\\@localhost:{port}/v1.0/users",
        "//localhost:{port}/v1.0/users",
        "/v1.0/users?$skiptoken=x",
        "https://[localhost:{port}/v1.0/users",
        "file:///etc/passwd",
    ],
)
def test_a_next_link_to_elsewhere_is_refused(server: SimulatorServer, client: GraphClient, link: str) -> None:
    given = link.format(port=server.port)

    def elsewhere(body: bytes) -> bytes:
        return json.dumps({**json.loads(body), "@odata.nextLink": given}).encode()

    server.faults.add(Rule(USERS, times=None, transform=elsewhere))
    error = failure(client)
    assert isinstance(error, ProtocolError)
    assert "next page was to be read from" in error.message
    assert "skiptoken" not in str(error)
    assert asked(server) == [200]
    assert client.naps == []  # type: ignore[attr-defined]


def test_the_host_of_a_next_link_may_be_written_in_capitals(server: SimulatorServer, client: GraphClient) -> None:
    server.faults.add(
        Rule(USERS, times=1, transform=lambda body: body.replace(b"https://localhost", b"https://LOCALHOST"))
    )
    everyone = len(server.tenant.users())
    assert sum(len(page["value"]) for page in pages(client)) == everyone


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>Sign in</html>", "no JSON"),
        (b"", "no JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"value": {"a": 1}}', "no list"),
        (b'{"error": null}', "no list"),
    ],
)
def test_a_cheerful_200_that_is_no_page_is_refused(
    server: SimulatorServer, client: GraphClient, body: bytes, words: str
) -> None:
    server.faults.add(Rule(USERS, times=None, status=200, body=body))
    error = failure(client)
    assert isinstance(error, ProtocolError)
    assert words in error.message
    assert asked(server) == [200]


def test_a_redirect_of_a_page_is_not_followed(server: SimulatorServer, client: GraphClient) -> None:
    target = f"https://127.0.0.1:{server.port}/data/x"
    server.faults.add(Rule(USERS, times=None, status=302, body=b"", headers={"Location": target}))
    error = failure(client)
    assert isinstance(error, ProtocolError)
    assert error.status == 302
    assert server.requests.to("/data") == []


# --- asking again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1, 17, 315])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(server: SimulatorServer, client: GraphClient, status: int, seconds: int) -> None:
    server.faults.add(Rule(USERS, status=status, headers={"Retry-After": str(seconds)}))
    assert pages(client)
    assert client.naps == [seconds]  # type: ignore[attr-defined]
    assert client.statistics.throttled_seconds == (seconds if status == 429 else 0)


def test_whoever_asks_for_hours_is_left_to_the_next_run(server: SimulatorServer, client: GraphClient) -> None:
    server.faults.add(Rule(USERS, times=None, status=429, headers={"Retry-After": "36000"}))
    error = failure(client)
    assert "left alone for 600 minutes; the next run asks again" in error.message
    assert client.naps == []  # type: ignore[attr-defined]
    assert asked(server) == [429]


def test_pages_that_never_end_are_refused(
    server: SimulatorServer, client: GraphClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.graph.client.MOST_PAGES", 3)
    numbers = itertools.count()

    def ever_on() -> bytes:
        link = f"{server.graph_url}/v1.0/users?$skiptoken={next(numbers)}"
        return json.dumps({"value": [], "@odata.nextLink": link}).encode()

    server.faults.add(Rule(USERS, times=None, change=lambda reply: replace(reply, status=200, body=ever_on())))
    assert "The pages do not end" in failure(client).message


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_temporary_faults_are_asked_again_with_longer_and_longer_naps(
    server: SimulatorServer, client: GraphClient, status: int
) -> None:
    server.faults.add(Rule(USERS, times=3, status=status))
    assert pages(client)
    naps = client.naps  # type: ignore[attr-defined]
    assert len(naps) == 3
    assert [low <= nap <= low + 2 for nap, low in zip(naps, (1, 2, 4), strict=True)] == [True] * 3
    assert asked(server)[:4] == [status] * 3 + [200]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_does_not_pass_is_given_up_with_the_last_reason(
    server: SimulatorServer, client: GraphClient, status: int
) -> None:
    server.faults.add(Rule(USERS, times=None, status=status, code="Busy", message="Come back later."))
    error = failure(client)
    assert isinstance(error, TransientError)
    assert (error.status, error.code, error.message) == (status, "Busy", "Come back later.")
    assert error.request_id == server.requests.to("/v1.0/users")[-1].request_id
    assert asked(server) == [status] * ATTEMPTS
    assert len(client.naps) == ATTEMPTS - 1  # type: ignore[attr-defined]


def test_naps_have_jitter(server: SimulatorServer, client: GraphClient) -> None:
    server.faults.add(Rule(USERS, times=None, status=500))
    failure(client)
    first = list(client.naps)  # type: ignore[attr-defined]
    failure(client)
    assert first != client.naps[len(first) :]  # type: ignore[attr-defined]


def test_a_reset_is_asked_again(server: SimulatorServer, client: GraphClient) -> None:
    server.faults.add(Rule(USERS, times=2, change=lambda reply: replace(reply, is_reset=True)))
    assert pages(client)
    assert asked(server)[:3] == [0, 0, 200]
    assert len(client.naps) == 2  # type: ignore[attr-defined]


def test_resets_without_end_are_given_up(server: SimulatorServer, client: GraphClient) -> None:
    server.faults.add(Rule(USERS, times=None, change=lambda reply: replace(reply, is_reset=True)))
    error = failure(client)
    assert isinstance(error, TransientError)
    assert error.message == "localhost cannot be reached or broke off (ConnectionError)."
    assert len(client.naps) == ATTEMPTS - 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["cut", "lying length"])
def test_a_page_that_arrives_in_part_is_asked_again(server: SimulatorServer, client: GraphClient, how: str) -> None:
    def cut(reply: Reply) -> Reply:
        return replace(reply, cut_after=40) if how == "cut" else replace(reply, declared_length=len(reply.body) + 9)

    server.faults.add(Rule(USERS, times=1, change=cut))
    found = pages(client)
    assert sum(len(page["value"]) for page in found) == len(server.tenant.users())
    assert len(client.naps) == 1  # type: ignore[attr-defined]


def test_an_error_whose_body_breaks_off_is_still_asked_again(server: SimulatorServer, client: GraphClient) -> None:
    def broken(reply: Reply) -> Reply:
        return Reply(503, b"x" * 1000, {"Retry-After": "3"}, cut_after=10)

    server.faults.add(Rule(USERS, times=1, change=broken))
    assert pages(client)
    assert client.naps == [3]  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [400, 404, 405, 410])
def test_what_asking_again_cannot_mend_is_not_asked_again(
    server: SimulatorServer, client: GraphClient, status: int
) -> None:
    server.faults.add(Rule(USERS, times=None, status=status, code="Request_BadRequest", message="No."))
    error = failure(client)
    assert not isinstance(error, TransientError)
    assert (error.status, error.code) == (status, "Request_BadRequest")
    assert asked(server) == [status]
    assert client.naps == []  # type: ignore[attr-defined]


# --- the token ----------------------------------------------------------------------------------------------


def tokens_issued(server: SimulatorServer) -> int:
    return len([record for record in server.requests.to("/oauth2/v2.0/token") if record.status == 200])


def test_one_token_serves_many_requests(server: SimulatorServer, client: GraphClient) -> None:
    assert len(pages(client)) > 1
    pages(client)
    assert tokens_issued(server) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_dropped_and_asked_once_more(
    server: SimulatorServer, client: GraphClient, status: int
) -> None:
    server.faults.add(Rule(USERS, times=1, status=status))
    assert pages(client)
    assert tokens_issued(server) == 2
    assert asked(server)[:2] == [status, 200]
    assert client.naps == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("status", "is_permission"), [(401, False), (403, True)])
def test_a_second_refusal_is_final(
    server: SimulatorServer, client: GraphClient, status: int, is_permission: bool
) -> None:
    server.faults.add(Rule(USERS, times=None, status=status, code="Denied", message="Not you."))
    error = failure(client)
    assert asked(server) == [status, status]
    assert tokens_issued(server) == 2
    assert (error.status, error.code, error.is_permission) == (status, "Denied", is_permission)


def test_revoked_tokens_are_replaced_in_the_middle_of_reading(server: SimulatorServer, client: GraphClient) -> None:
    reading = directory.read(client, directory.users(7, with_sign_ins=False))
    ids = [user["id"] for user in json.loads(next(reading))["value"]]
    server.revoke_tokens()
    ids += [user["id"] for body in reading for user in json.loads(body)["value"]]
    assert ids == [user["id"] for user in server.tenant.users()]


def test_a_permission_granted_meanwhile_works_without_reconnecting(
    server: SimulatorServer, client: GraphClient
) -> None:
    whole = server.tenant
    server.tenant = whole.replaced(permissions=frozenset())
    error = failure(client)
    assert error.is_permission
    assert error.code == "Authorization_RequestDenied"
    server.tenant = whole
    assert pages(client)


# --- who gets the token, and whom we trust ------------------------------------------------------------------


def graph_only(seen: Seen) -> Answer:
    """A Graph that lists nobody, with a sign-in service on the same host."""
    if seen.path.endswith("/.well-known/openid-configuration"):
        base = f"https://{seen.headers['host']}/t"
        return as_json({name: f"{base}/{name}" for name in ("authorization_endpoint", "token_endpoint", "issuer")})
    if seen.method == "POST":
        return as_json({"access_token": "stub-token", "token_type": "Bearer", "expires_in": 3599})
    return as_json({"value": []})


@pytest.fixture
def graph_stub(stub: Callable[..., TlsStub]) -> TlsStub:
    return stub(graph_only)


def test_a_netrc_file_does_not_replace_the_bearer(
    server: SimulatorServer, graph_stub: TlsStub, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login joe password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    tenant = tenant_settings(server, graph_url=graph_stub.url, authority_url=graph_stub.url)
    with open_client(tenant, graph_stub.bundle) as client:
        assert pages(client) == [{"value": []}]
    (users,) = [seen for seen in graph_stub.seen if seen.path.startswith("/v1.0/users")]
    assert users.headers["authorization"] == "Bearer stub-token"
    others = [seen for seen in graph_stub.seen if seen is not users]
    assert others
    assert not any("authorization" in seen.headers for seen in others)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("value", ["another", "missing", "garbage"])
def test_the_machine_s_bundle_does_not_override_ours(
    server: SimulatorServer, graph_stub: TlsStub, tmp_path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    other = tmp_path / "other.pem"
    if value != "missing":
        other.write_text(graph_stub.bundle.read_text() if value == "another" else "garbage")
    monkeypatch.setenv(variable, str(other))
    with open_client(tenant_settings(server), server.ca_bundle) as client:
        assert pages(client)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_without_ours_the_machine_s_bundle_is_used(
    server: SimulatorServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(server.ca_bundle))
    with open_client(tenant_settings(server), None) as client:
        assert pages(client)


@pytest.mark.parametrize("bundle", ["none", "another", "missing", "garbage"])
def test_an_untrusted_certificate_is_told_with_the_setting_to_change(
    server: SimulatorServer, graph_stub: TlsStub, tmp_path, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n")
    if bundle == "missing":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    used = {"another": graph_stub.bundle, "garbage": garbage}.get(bundle)
    with open_client(tenant_settings(server), used) as client:
        error = failure(client)
    assert isinstance(error, SignInError)
    assert "is not trusted here: set M365_CA_BUNDLE" in error.message
    assert server.requests.to("/") == []
    assert client.naps == []  # type: ignore[attr-defined]


def test_an_untrusted_graph_is_told_too(server: SimulatorServer, graph_stub: TlsStub) -> None:
    tenant = tenant_settings(server, graph_url=graph_stub.url)
    with open_client(tenant, server.ca_bundle) as client:
        # The simulator issues tokens for itself only; a token is taken as given here.
        client.tokens.token = lambda: "token"  # type: ignore[method-assign]
        error = failure(client)
    assert error.message.startswith("The certificate of localhost is not trusted here: set M365_CA_BUNDLE")
    assert graph_stub.seen == []
    assert client.naps == []  # type: ignore[attr-defined]


def test_a_certificate_for_another_name_is_not_trusted(server: SimulatorServer, stub: Callable[..., TlsStub]) -> None:
    other = stub(graph_only, names=("graph.example",))
    with open_client(tenant_settings(server, authority_url=other.url), other.bundle) as client:
        error = failure(client)
    assert "is not trusted here" in error.message
    assert other.seen == []


def test_plain_http_is_never_asked(server: SimulatorServer) -> None:
    plain = replace(tenant_settings(server), graph_url=f"http://localhost:{server.port}")
    with open_client(plain, server.ca_bundle) as client:
        client.tokens.token = lambda: "token"  # type: ignore[method-assign]
        with pytest.raises(GraphError, match="InvalidURL"):
            pages(client)
    assert server.requests.to("/") == []
