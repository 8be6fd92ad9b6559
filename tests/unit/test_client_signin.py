"""Signing in: every refusal in the administrator's words, remembered by nobody; and no secret anywhere."""

from __future__ import annotations

import io
import json
import logging
import pickle
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest
from unit_tls import TlsStub, open_client, tenant_settings

from pipelines.graph import directory, reports
from pipelines.graph.auth import TokenProvider
from pipelines.graph.client import ATTEMPTS, GraphClient
from pipelines.graph.credentials import is_known_authority
from pipelines.graph.errors import GraphError, SignInError, TransientError
from pipelines.graph.transport import TlsSession
from pipelines.settings import TenantSettings
from pipelines.simulator import Rule, SimulatorServer

CANARY = "CANARY~Secret.Value-0815"
TOKEN_PATH = "/oauth2/v2.0/token"
DISCOVERY_PATH = "openid-configuration"


@pytest.fixture
def session(server: SimulatorServer) -> Iterator[TlsSession]:
    with TlsSession(server.ca_bundle) as opened:
        yield opened


def provider(server: SimulatorServer, session: TlsSession, **changes: str) -> TokenProvider:
    return TokenProvider(tenant_settings(server, **changes), session)


def refusal(tokens: TokenProvider) -> SignInError:
    with pytest.raises(SignInError) as caught:
        tokens.token()
    return caught.value


# --- tokens -------------------------------------------------------------------------------------------------


def test_a_token_is_kept_until_it_is_dropped(server: SimulatorServer, session: TlsSession) -> None:
    tokens = provider(server, session)
    first = tokens.token()
    assert tokens.token() == first
    assert len(server.requests.to(TOKEN_PATH)) == 1
    tokens.drop()
    assert tokens.token() != first
    assert len(server.requests.to(TOKEN_PATH)) == 2


def test_a_tenant_may_be_named_by_its_domain(server: SimulatorServer, session: TlsSession) -> None:
    assert provider(server, session, tenant_id="fabrikam.example").token()


def test_threads_share_one_sign_in(server: SimulatorServer, session: TlsSession) -> None:
    tokens, found = provider(server, session), []
    threads = [threading.Thread(target=lambda: found.append(tokens.token())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(server.requests.to(TOKEN_PATH)) == 1


def test_microsoft_s_own_authorities_are_known_and_others_are_not_asked_about(server: SimulatorServer) -> None:
    for url in (
        "https://login.microsoftonline.com",
        "https://login.microsoftonline.us",
        "https://login.chinacloudapi.cn",
    ):
        assert is_known_authority(url)
    assert not is_known_authority(server.authority_url)


# --- refusals in words --------------------------------------------------------------------------------------


def test_a_wrong_secret(server: SimulatorServer, session: TlsSession) -> None:
    error = refusal(provider(server, session, client_secret=CANARY))
    assert error.message.startswith(
        "The client secret is wrong: make a new one (Entra admin centre > App registrations"
    )
    assert "M365_CLIENT_SECRET" in error.message
    assert "and copy its Value, which is shown once and is not the Secret ID" in error.message
    assert error.code == "AADSTS7000215"
    assert error.request_id


def test_the_id_of_a_secret_in_the_place_of_its_value(server: SimulatorServer, session: TlsSession) -> None:
    """The commonest slip: the page shows "Secret ID" beside "Value"."""
    error = refusal(provider(server, session, client_secret="3f2504e0-4f89-41d3-9a0c-0305e82c3301"))
    assert error.problem == "The client secret is wrong, it looks like the Secret ID"
    assert "3f2504e0" not in str(error)


def test_an_expired_secret(server: SimulatorServer, session: TlsSession) -> None:
    server.tenant = server.tenant.replaced(is_secret_expired=True)
    error = refusal(provider(server, session))
    assert error.message.startswith("The client secret has expired")
    assert error.code == "AADSTS7000222"


def test_an_unknown_app(server: SimulatorServer, session: TlsSession) -> None:
    error = refusal(provider(server, session, client_id="00000000-0000-4000-8000-000000000000"))
    assert error.message.startswith(
        "The app is not in this tenant: compare M365_CLIENT_ID with Entra admin centre > App reg"
    )
    assert "M365_TENANT_ID with Entra admin centre > Overview: Tenant ID" in error.message
    assert error.code == "AADSTS700016"


def test_an_unknown_tenant(server: SimulatorServer, session: TlsSession) -> None:
    error = refusal(provider(server, session, tenant_id="11111111-2222-4333-8444-555555555555"))
    assert error.message.startswith(
        "There is no such tenant: compare M365_TENANT_ID with Entra admin centre > Overview"
    )
    assert server.requests.to(TOKEN_PATH) == []


def test_a_refusal_with_a_number_that_we_do_not_know(server: SimulatorServer, session: TlsSession) -> None:
    content = {
        "error": "invalid_request",
        "error_codes": [50999],
        "error_description": "AADSTS50999: Words of the service.\r\nTrace ID: x\r\nTimestamp: y",
        "correlation_id": "c1",
    }
    server.faults.add(Rule(TOKEN_PATH, status=400, content=content))
    error = refusal(provider(server, session))
    assert error.problem == "The sign-in service refused: AADSTS50999: Words of the service."
    assert f"Look the number up at {server.authority_url}/error?code=50999; " in error.message
    assert "Entra admin centre > Sign-in logs > Service principal sign-ins shows what was refused." in error.message
    assert (error.code, error.request_id) == ("AADSTS50999", "c1")


@pytest.mark.parametrize("content", [{"error": "invalid_client"}, {"error": "x", "error_description": ""}])
def test_a_refusal_without_words(server: SimulatorServer, session: TlsSession, content: dict) -> None:
    server.faults.add(Rule(TOKEN_PATH, status=401, content=content))
    error = refusal(provider(server, session))
    assert error.problem == "The sign-in service refused: no reason given."
    assert "Sign-in logs" in error.message
    assert error.code == content["error"]


@pytest.mark.parametrize("body", [b"<html>proxy sign-in</html>", b"{}", b"[]"])
def test_a_tenant_that_is_not_described(server: SimulatorServer, session: TlsSession, body: bytes) -> None:
    server.faults.add(Rule(DISCOVERY_PATH, status=200, body=body))
    tokens = provider(server, session)
    assert "M365_AUTHORITY_URL" in refusal(tokens).message
    assert tokens.token()


@pytest.mark.parametrize("path", [TOKEN_PATH, DISCOVERY_PATH])
@pytest.mark.parametrize("fault", ["500", "503", "reset", "html"])
def test_a_sign_in_service_that_is_down_for_a_moment_is_asked_again(
    server: SimulatorServer, client: GraphClient, path: str, fault: str
) -> None:
    rule = {
        "500": Rule(path, times=2, status=500, body=b""),
        "503": Rule(path, times=2, status=503, body=b"<html>busy</html>"),
        "reset": Rule(path, times=2, change=lambda reply: replace(reply, is_reset=True)),
        "html": Rule(path, times=2, status=502, body=b"<html>bad gateway</html>"),
    }[fault]
    server.faults.add(rule)
    assert list(directory.read(client, directory.ORGANIZATION))
    assert rule.hits == 2
    assert len(client.naps) == 2  # type: ignore[attr-defined]


# --- places that do not answer ------------------------------------------------------------------------------


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def give_up(tenant: TenantSettings, server: SimulatorServer) -> tuple[GraphError, int]:
    with open_client(tenant, server.ca_bundle) as client, pytest.raises(GraphError) as caught:
        list(directory.read(client, directory.ORGANIZATION))
    return caught.value, len(client.naps)  # type: ignore[attr-defined]


def test_a_sign_in_service_that_cannot_be_reached(server: SimulatorServer, closed_port: int) -> None:
    url = f"https://localhost:{closed_port}"
    error, naps = give_up(tenant_settings(server, authority_url=url), server)
    assert isinstance(error, SignInError), "nothing else can be asked of the tenant either"
    assert error.message.startswith(f"The sign-in service {url} cannot be reached (ConnectionError): check the network")
    assert naps == ATTEMPTS - 1


def test_a_host_that_does_not_exist(server: SimulatorServer) -> None:
    error, _ = give_up(tenant_settings(server, authority_url="https://login.invalid"), server)
    assert error.message.startswith("The sign-in service https://login.invalid cannot be reached (ConnectionError): ")
    assert "HTTPS_PROXY" in error.message


def test_a_graph_that_cannot_be_reached(server: SimulatorServer, closed_port: int) -> None:
    tenant = tenant_settings(server)
    with open_client(tenant, server.ca_bundle) as client:
        client.tokens.token()
        client.tenant = replace(tenant, graph_url=f"https://localhost:{closed_port}")
        with pytest.raises(TransientError) as caught:
            list(directory.read(client, directory.ORGANIZATION))
    assert caught.value.message == "localhost cannot be reached or broke off (ConnectionError)."
    assert "organization (tenant " in str(caught.value)


@pytest.mark.parametrize("how", ["at once", "in the handshake", "no TLS", "reset"])
def test_a_handshake_that_breaks_off_is_no_untrusted_certificate(server: SimulatorServer, how: str) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            if how != "at once":
                connection.recv(4096)
            if how == "no TLS":
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            if how == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            answer(connection)

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, args=(listener,), daemon=True)
    thread.start()
    try:
        url = f"https://localhost:{listener.getsockname()[1]}"
        error, naps = give_up(tenant_settings(server, authority_url=url), server)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
    assert isinstance(error, SignInError)
    assert "cannot be reached" in error.message
    assert naps == ATTEMPTS - 1


# --- nothing is remembered ----------------------------------------------------------------------------------


def test_a_secret_mended_on_the_other_side_works_at_once(server: SimulatorServer, session: TlsSession) -> None:
    tokens = provider(server, session)
    good = server.tenant
    server.tenant = good.replaced(client_secret="another")
    for _ in range(3):
        assert "secret is wrong" in refusal(tokens).message
    server.tenant = good
    assert tokens.token()
    assert [record.status for record in server.requests.to(TOKEN_PATH)] == [401, 401, 401, 200]


def test_a_new_provider_with_the_right_secret_works_at_once(server: SimulatorServer, session: TlsSession) -> None:
    refusal(provider(server, session, client_secret=CANARY))
    assert provider(server, session).token()


def test_a_tenant_that_appears_works_at_once(server: SimulatorServer, session: TlsSession) -> None:
    tokens = provider(server, session)
    server.faults.add(Rule(DISCOVERY_PATH, times=1, status=404, body=b"{}"))
    refusal(tokens)
    assert tokens.token()


# --- canaries -----------------------------------------------------------------------------------------------


def everything_said(error: BaseException) -> str:
    """The error as printed, as represented, and all its attributes, its causes too."""
    said, current = "", error
    while current is not None:
        said += repr(current) + str(current) + repr(vars(current))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return said + "".join(traceback.format_exception(error))


def test_no_secret_no_token_and_no_link_in_errors_and_logs(
    server: SimulatorServer, caplog: pytest.LogCaptureFixture, stub: Callable[..., TlsStub]
) -> None:
    """One client, everything that can go wrong, logs of the lowest level: nothing confidential is told."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    secret = server.tenant.spec.client_secret
    links: list[str] = []

    def note_link(reply):
        links.append(reply.headers["Location"].partition("token=")[2])
        return reply

    said = ""
    day = date(2026, 8, 20)
    with open_client(tenant_settings(server), server.ca_bundle) as client:
        token = client.tokens.token()
        faults = [
            Rule("/data/", times=None, status=403),
            Rule("/data/", times=None, status=500, code="X", message="https://127.0.0.1/data?token=" + CANARY),
            Rule("/data/", times=None, change=lambda reply: replace(reply, is_reset=True)),
            Rule("/data/", times=None, change=lambda reply: replace(reply, cut_after=5)),
            Rule("/reports/", times=None, status=302, body=b"", headers={"Location": f"https://x.example/?t={CANARY}"}),
            Rule("/reports/", times=None, status=429, headers={"Retry-After": "1"}),
        ]
        for fault in faults:
            server.faults.clear()
            server.faults.add(Rule("/reports/", times=None, only_status=302, change=note_link))
            server.faults.add(fault)
            with pytest.raises(GraphError) as caught:
                reports.download_user_detail_day(client, day, io.BytesIO())
            said += everything_said(caught.value)
        server.faults.clear()
        reports.download_user_detail_day(client, day, io.BytesIO())
        said += repr(client) + repr(client.tenant) + repr(client.tokens) + repr(client.session)
    for wrong in ({"client_secret": CANARY}, {"client_id": "x"}, {"tenant_id": "no.such.example"}):
        with open_client(tenant_settings(server, **wrong), server.ca_bundle) as client:
            with pytest.raises(SignInError) as refused:
                list(directory.read(client, directory.ORGANIZATION))
            said += everything_said(refused.value) + repr(client)
    logs = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    assert "/data/download" in logs, "the download must have been logged for this test to mean anything"
    assert len(links) >= 20
    for hidden in (secret, CANARY, token, token.rpartition(".")[2], *links):
        assert hidden not in said
        assert hidden not in logs


def test_errors_survive_a_journey_between_processes() -> None:
    error = TransientError("Words.", retry_after=3, status=429, code="C", request_id="r")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert json.dumps(str(error))
