"""Every way to sign in, through MSAL, against an identity provider over TLS that verifies what it is sent."""

from __future__ import annotations

import base64
import io
import json
import logging
import stat
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from unit_sign_in import KeyPair, Person, sign_ins
from unit_tls import open_client, tenant_settings

from pipelines.graph import directory, reports
from pipelines.graph.auth import TokenProvider
from pipelines.graph.claims import claims_of
from pipelines.graph.errors import GraphError, SignInError, TransientError
from pipelines.graph.login import log_in
from pipelines.graph.transport import TlsSession
from pipelines.settings import SettingsError, TenantSettings
from pipelines.simulator import Rule, SimulatorServer
from pipelines.simulator.machines import VIRTUAL_MACHINE
from pipelines.simulator.sign_ins import GLOBAL_READER, MachineIdentity, ServiceAccount

CANARY = "CANARY-passphrase-0815"
TOKEN_PATH = "/oauth2/v2.0/token"
DAY = date(2026, 8, 20)


@pytest.fixture(scope="module")
def keys() -> KeyPair:
    return KeyPair()


@pytest.fixture(scope="module")
def other_keys() -> KeyPair:
    return KeyPair()


@pytest.fixture(autouse=True)
def _forget(server: SimulatorServer) -> Iterator[None]:
    yield
    sign_ins(server).clear()


@pytest.fixture
def session(server: SimulatorServer) -> Iterator[TlsSession]:
    with TlsSession(server.ca_bundle) as opened:
        yield opened


def tenant_with(server: SimulatorServer, **changes: Any) -> TenantSettings:
    return tenant_settings(server, client_secret=None, **changes)


def reads(server: SimulatorServer, tenant: TenantSettings) -> bool:
    """Whether the sign-in leads all the way to Graph."""
    with open_client(tenant, server.ca_bundle) as client:
        pages = list(directory.read(client, directory.ORGANIZATION))
    return b"Fabrikam" in pages[0]


def refusal(tenant: TenantSettings, session: TlsSession) -> SignInError:
    with pytest.raises(SignInError) as caught:
        TokenProvider(tenant, session).token()
    return caught.value


# --- certificate --------------------------------------------------------------------------------------------


@pytest.fixture
def registered(server: SimulatorServer, keys: KeyPair) -> str:
    client_id = server.tenant.spec.client_id
    sign_ins(server).register_certificate(client_id, keys.certificate_pem)
    return client_id


@pytest.mark.parametrize(
    "form", ["PEM", "PEM, certificates first", "PEM with passphrase", "PFX", "PFX with passphrase"]
)
def test_a_certificate_in_every_form(
    server: SimulatorServer, registered: str, keys: KeyPair, other_keys: KeyPair, tmp_path: Path, form: str
) -> None:
    passphrase = CANARY if "passphrase" in form else None
    path = tmp_path / ("app.pfx" if form.startswith("PFX") else "app.pem")
    if form.startswith("PFX"):
        path.write_bytes(keys.pfx(passphrase, [other_keys.certificate]))
    else:
        parts = [keys.key_pem(passphrase), other_keys.certificate_pem, keys.certificate_pem]
        path.write_text("".join(reversed(parts) if "first" in form else parts))
    tenant = tenant_with(server, certificate_file=path, certificate_passphrase=passphrase)
    assert reads(server, tenant)
    assert CANARY not in repr(tenant)


def test_a_certificate_is_proven_anew_after_a_403(
    server: SimulatorServer, registered: str, keys: KeyPair, session: TlsSession, tmp_path: Path
) -> None:
    path = tmp_path / "app.pem"
    path.write_text(keys.key_pem() + keys.certificate_pem)
    tokens = TokenProvider(tenant_with(server, certificate_file=path), session)
    first = tokens.token()
    assert tokens.token() == first
    tokens.drop()
    assert tokens.token() != first, "an assertion is good for one request only, so this was a new one"


def test_a_certificate_that_is_not_registered_has_expired_or_is_not_the_key_s(
    server: SimulatorServer, registered: str, keys: KeyPair, other_keys: KeyPair, session: TlsSession, tmp_path: Path
) -> None:
    path = tmp_path / "app.pem"
    tenant = tenant_with(server, certificate_file=path)
    path.write_text(other_keys.key_pem() + other_keys.certificate_pem)
    error = refusal(tenant, session)
    assert error.code == "AADSTS700027"
    thumbprint = x509.load_pem_x509_certificate(other_keys.certificate_pem.encode()).fingerprint(SHA1()).hex().upper()
    assert str(error.problem).startswith(f"The certificate was not accepted (thumbprint {thumbprint}, valid until 20")
    assert "Certificates & secrets > Certificates" in str(error.remedy)
    assert "M365_CERTIFICATE_FILE" in error.message
    expired = KeyPair(days=-1)
    sign_ins(server).register_certificate(registered, expired.certificate_pem)
    path.write_text(expired.key_pem() + expired.certificate_pem)
    error = refusal(tenant, session)
    assert error.code == "AADSTS700027"
    assert str(error.problem).startswith("The certificate has expired (thumbprint ")
    path.write_text(other_keys.key_pem() + keys.certificate_pem)
    with pytest.raises(SettingsError, match=r"no certificate in the file .* belongs to the private key"):
        TokenProvider(tenant, session).token()


@pytest.mark.parametrize(
    ("content", "passphrase", "words"),
    [
        ("nothing", None, "cannot be read"),
        ("garbage", None, "is neither PEM nor PFX"),
        ("empty", None, "is neither PEM nor PFX"),
        ("key only", None, "holds no certificate; put key and certificate into one PEM file"),
        ("certificate only", None, "holds no private key; put key and certificate into one PEM file"),
        ("encrypted PEM", None, "its passphrase is not set"),
        ("encrypted PEM", CANARY + "-wrong", "its passphrase may be wrong"),
        ("encrypted PFX", None, "its passphrase is not set"),
        ("encrypted PFX", CANARY + "-wrong", "its passphrase may be wrong"),
        ("elliptic", None, "must hold an RSA private key"),
    ],
)
def test_a_certificate_file_that_cannot_be_used(
    server: SimulatorServer,
    keys: KeyPair,
    session: TlsSession,
    tmp_path: Path,
    content: str,
    passphrase: str | None,
    words: str,
) -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "app.pem"
    written = {
        "garbage": b"\x00\x01garbage",
        "empty": b"",
        "key only": keys.key_pem().encode(),
        "certificate only": keys.certificate_pem.encode(),
        "encrypted PEM": (keys.key_pem(CANARY) + keys.certificate_pem).encode(),
        "encrypted PFX": keys.pfx(CANARY),
        "elliptic": curve + keys.certificate_pem.encode(),
    }
    if content in written:
        path.write_bytes(written[content])
    tenant = tenant_with(server, certificate_file=path, certificate_passphrase=passphrase)
    with pytest.raises(SettingsError) as caught:
        TokenProvider(tenant, session).token()
    assert words in str(caught.value)
    assert str(caught.value).startswith("M365_CERTIFICATE_FILE: ")
    assert CANARY not in str(caught.value) + repr(caught.value.__context__)
    assert server.requests.to(TOKEN_PATH) == []


def test_an_assertion_is_for_one_place_one_time_and_one_app(
    server: SimulatorServer, registered: str, keys: KeyPair, session: TlsSession, tmp_path: Path
) -> None:
    """The provider verifies: what was sent once is refused a second time, and with another audience or time."""
    url = f"{server.authority_url}/{server.tenant.spec.tenant_id}/oauth2/v2.0/token"
    thumbprint = base64.urlsafe_b64encode(keys.certificate.fingerprint(SHA256())).decode().rstrip("=")

    def send(**changes: Any) -> list[int]:
        now = int(time.time())
        claims = {"aud": url, "iss": registered, "sub": registered, "iat": now, "exp": now + 600,
                  "jti": str(uuid.uuid4()), **changes}  # fmt: skip
        assertion = jwt.encode(claims, keys.key, algorithm="PS256", headers={"x5t#S256": thumbprint})
        form = {
            "client_id": registered,
            "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "grant_type": "client_credentials",
            "scope": f"{server.graph_url}/.default",
        }
        return session.post(url, data=form).json().get("error_codes", [])

    assert send(jti="once") == []
    assert send(jti="once") == [700027]
    assert send(aud="https://elsewhere.example") == [700023]
    assert send(exp=1) == [700024]
    assert send(sub="another") == [50048]


# --- workload identity federation ---------------------------------------------------------------------------


@pytest.fixture
def token_file(server: SimulatorServer, keys: KeyPair, tmp_path: Path) -> Path:
    sign_ins(server).register_federation(server.tenant.spec.client_id, keys.federation)
    path = tmp_path / "token"
    path.write_text(keys.foreign_token())
    return path


@pytest.mark.parametrize("name", ["M365_FEDERATED_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE"])
def test_a_foreign_token_is_exchanged(
    server: SimulatorServer, token_file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(token_file))
    tenant = tenant_with(server)
    assert tenant.sign_in.name == "federated"
    assert reads(server, tenant)


def test_the_token_file_is_read_for_every_sign_in(
    server: SimulatorServer, token_file: Path, keys: KeyPair, session: TlsSession
) -> None:
    tenant = tenant_with(server, federated_token_file=token_file)
    tokens = TokenProvider(tenant, session)
    assert tokens.token()
    token_file.write_text(keys.foreign_token(exp=1, iat=0, nbf=0))
    assert tokens.token(), "the token of Graph is still good"
    tokens.drop()
    with pytest.raises(SignInError) as caught:
        tokens.token()
    assert caught.value.code == "AADSTS700024"
    assert caught.value.message.startswith("The platform's token has expired, or this machine's clock is wrong: ")
    token_file.write_text(keys.foreign_token())
    assert tokens.token()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"iss": "https://other.example"}, "AADSTS700211", "The app trusts no token like the platform's"),
        ({"aud": "other"}, "AADSTS700212", "The app trusts no token like the platform's"),
        ({"sub": "other"}, "AADSTS700213", "Federated credentials"),
    ],
)
def test_a_foreign_token_that_the_app_does_not_trust(
    server: SimulatorServer, token_file: Path, keys: KeyPair, session: TlsSession, changes: dict, code: str, words: str
) -> None:
    token_file.write_text(keys.foreign_token(**changes))
    error = refusal(tenant_with(server, federated_token_file=token_file), session)
    assert error.code == code
    assert words in error.message


def test_a_foreign_token_of_another_key(
    server: SimulatorServer, token_file: Path, other_keys: KeyPair, session: TlsSession
) -> None:
    token_file.write_text(other_keys.foreign_token())
    error = refusal(tenant_with(server, federated_token_file=token_file), session)
    assert error.message.startswith("The platform's token was not accepted: compare issuer, subject and audience")


def test_a_token_file_that_is_gone_or_empty(server: SimulatorServer, token_file: Path, session: TlsSession) -> None:
    tokens = TokenProvider(tenant_with(server, federated_token_file=token_file), session)
    token_file.write_text("\n")
    with pytest.raises(SettingsError, match=r"M365_FEDERATED_TOKEN_FILE: the file .* is empty"):
        tokens.token()
    token_file.unlink()
    with pytest.raises(SettingsError, match=r"M365_FEDERATED_TOKEN_FILE: the file .* is not there"):
        tokens.token()


# --- managed identity ---------------------------------------------------------------------------------------

HEADER = "header-of-this-machine"


@pytest.fixture
def app_service(server: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """An App Service whose own identity is known; returns the tenant id."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.authority_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    tenant_id = server.tenant.spec.tenant_id
    sign_ins(server).assign_machine(MachineIdentity(tenant_id, HEADER))
    return tenant_id


def test_the_machine_s_own_identity(server: SimulatorServer, app_service: str) -> None:
    tenant = tenant_with(server, auth="managed_identity", client_id=None)
    assert reads(server, tenant)
    assert server.requests.to(TOKEN_PATH) == [], "no secret of an app was needed"


def test_a_user_assigned_identity_is_chosen_by_its_client_id(
    server: SimulatorServer, app_service: str, session: TlsSession
) -> None:
    sign_ins(server).assign_machine(MachineIdentity(app_service, HEADER, "11111111-aaaa"))
    tenant = tenant_with(server, auth="managed_identity", client_id="11111111-aaaa")
    assert claims_of(TokenProvider(tenant, session).token())["appid"] == "11111111-aaaa"
    error = refusal(tenant_with(server, auth="managed_identity", client_id="22222222-bbbb"), session)
    assert error.message.startswith("The managed identity was refused: check that one is assigned to this machine")
    assert "M365_CLIENT_ID" in error.message


def test_a_virtual_machine_s_identity(server: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.authority_url)
    tenant = tenant_with(server, auth="managed_identity", client_id=None)
    sign_ins(server).assign_machine(MachineIdentity(tenant.tenant_id, VIRTUAL_MACHINE))
    assert reads(server, tenant)


def test_a_machine_with_a_wrong_header(
    server: SimulatorServer, app_service: str, session: TlsSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    assert "The managed identity was refused" in refusal(tenant_with(server, auth="managed_identity"), session).message


def test_an_identity_of_another_tenant_is_not_used(
    server: SimulatorServer, app_service: str, session: TlsSession
) -> None:
    """What it reads would be filed under the wrong tenant."""
    other = "00000009-7e84-4f6a-9d0b-3c2e1f408a97"
    error = refusal(tenant_with(server, auth="managed_identity", client_id=None, tenant_id=other), session)
    assert error.message == (
        f"The managed identity belongs to another tenant ({app_service}): set M365_TENANT_ID to it, or sign in to "
        "this tenant in another way."
    )


@pytest.mark.parametrize("endpoint", ["https://localhost:9/msi/token", "http://identity.example/msi/token"])
def test_a_machine_without_an_identity(
    server: SimulatorServer, session: TlsSession, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    """Nobody listens there, or it is a place that must not be asked without TLS."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    error = refusal(tenant_with(server, auth="managed_identity"), session)
    assert error.message.startswith("This machine has no managed identity: its token endpoint cannot be reached")
    assert "M365_AUTH" in error.message
    assert HEADER not in error.message


def test_a_token_endpoint_that_is_something_else(
    server: SimulatorServer, app_service: str, session: TlsSession
) -> None:
    server.faults.add(Rule("/msi/token", times=None, status=200, body=b"<html>proxy</html>"))
    error = refusal(tenant_with(server, auth="managed_identity"), session)
    assert error.message.startswith("This machine's token endpoint does not answer as one: ")


def test_the_machine_is_never_asked_through_a_proxy(
    server: SimulatorServer, app_service: str, monkeypatch: pytest.MonkeyPatch, session: TlsSession
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:3128")
    assert TokenProvider(tenant_with(server, auth="managed_identity", client_id=None), session).token()


# --- device code of a service account -----------------------------------------------------------------------


@pytest.fixture
def account(server: SimulatorServer, tmp_path: Path) -> TenantSettings:
    return tenant_with(server, auth="device_code", data_dir=tmp_path / "data")


def cache_of(tenant: TenantSettings) -> Path:
    return tenant.sign_in.cache_file  # type: ignore[union-attr]


def test_nobody_has_signed_in_yet(server: SimulatorServer, account: TenantSettings, session: TlsSession) -> None:
    error = refusal(account, session)
    assert error.message == (
        f"No service account is signed in: run m365-usage login --tenant {account.tenant_id} and enter the code."
    )
    assert server.requests.to(TOKEN_PATH) == []


def test_an_account_signs_in_once_and_runs_use_the_cache_silently(
    server: SimulatorServer, account: TenantSettings, session: TlsSession
) -> None:
    person = Person(server.ca_bundle)
    log_in(account, session, person)
    (message,) = person.shown
    assert "enter the code" in message
    file = cache_of(account)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    server.requests.clear()
    assert reads(server, account)
    assert server.requests.to(TOKEN_PATH) == [], "the cached token is still good"
    with open_client(account, server.ca_bundle) as client:
        reports.download_user_detail_day(client, DAY, io.BytesIO())


def test_a_permission_granted_later_works_without_signing_in_again(
    server: SimulatorServer, account: TenantSettings, session: TlsSession
) -> None:
    tenant_id = account.tenant_id
    sign_ins(server).set_account(tenant_id, ServiceAccount(permissions=frozenset({"User.Read.All"})))
    log_in(account, session, Person(server.ca_bundle))
    with open_client(account, server.ca_bundle) as client:
        with pytest.raises(GraphError, match="Insufficient privileges"):
            list(directory.read(client, directory.ORGANIZATION))
        sign_ins(server).set_account(tenant_id, ServiceAccount())
        assert list(directory.read(client, directory.ORGANIZATION))


def test_a_role_without_reports_about_people(
    server: SimulatorServer, account: TenantSettings, session: TlsSession
) -> None:
    sign_ins(server).set_account(account.tenant_id, ServiceAccount(roles=frozenset({GLOBAL_READER})))
    log_in(account, session, Person(server.ca_bundle))
    with open_client(account, server.ca_bundle) as client:
        with pytest.raises(GraphError) as caught:
            reports.download_user_detail_day(client, DAY, io.BytesIO())
        assert (caught.value.status, caught.value.code) == (403, "S2SUnauthorized")
        assert caught.value.explanation.endswith(
            "The app needs Reports.Read.All, and the signed-in account the role Reports Reader."
        )
        reports.download_user_counts(client, "D7", io.BytesIO())


def test_a_sign_in_that_was_revoked_says_when_to_sign_in_again(
    server: SimulatorServer, account: TenantSettings, session: TlsSession
) -> None:
    log_in(account, session, Person(server.ca_bundle))
    server.service.identity.revoke_sign_ins()
    tokens = TokenProvider(account, session)
    assert tokens.token(), "until its token ends nothing is lost"
    tokens.drop()
    with pytest.raises(SignInError) as caught:
        tokens.token()
    assert caught.value.message == (
        f"The sign-in of the service account is no longer valid: run m365-usage login --tenant {account.tenant_id}."
    )
    assert caught.value.code == "AADSTS50173"
    log_in(account, session, Person(server.ca_bundle))
    assert tokens.token()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"AccessToken": {}}'])
def test_a_damaged_cache_is_as_good_as_none(
    server: SimulatorServer, account: TenantSettings, session: TlsSession, content: str
) -> None:
    cache_of(account).parent.mkdir(parents=True)
    cache_of(account).write_text(content)
    assert "No service account is signed in" in refusal(account, session).message


def test_a_cache_that_cannot_be_used_is_told(account: TenantSettings, session: TlsSession) -> None:
    cache_of(account).parent.parent.mkdir(parents=True)
    cache_of(account).parent.write_text("a file where the folder should be")
    with pytest.raises(SettingsError, match=r"The sign-in cache .* cannot be used"):
        TokenProvider(account, session).token()


def test_another_account_replaces_the_one_before(
    server: SimulatorServer, account: TenantSettings, session: TlsSession
) -> None:
    log_in(account, session, Person(server.ca_bundle))
    sign_ins(server).set_account(account.tenant_id, ServiceAccount(object_id="99999999-0000-4000-8000-000000000000"))
    log_in(account, session, Person(server.ca_bundle))
    kept = json.loads(cache_of(account).read_text())
    assert [one["local_account_id"] for one in kept["Account"].values()] == ["99999999-0000-4000-8000-000000000000"]


def test_an_app_that_allows_no_code(server: SimulatorServer, account: TenantSettings, session: TlsSession) -> None:
    sign_ins(server).allow_public_client(account.client_id, False)
    with pytest.raises(SignInError) as caught:
        log_in(account, session, Person(server.ca_bundle))
    assert caught.value.message.startswith("The app does not allow a device code: set 'Allow public client flows'")
    assert not cache_of(account).exists()


def test_a_code_that_is_declined(server: SimulatorServer, account: TenantSettings, session: TlsSession) -> None:
    devices = server.service.identity.devices

    def decline(code: str) -> str:
        devices.answer(code, accept=False)
        return "none"

    with pytest.raises(SignInError, match="declined"):
        log_in(account, session, Person(server.ca_bundle, decline))


def test_an_unknown_tenant_at_login(server: SimulatorServer, account: TenantSettings, session: TlsSession) -> None:
    unknown = replace(account, tenant_id="11111111-2222-4333-8444-555555555555")
    with pytest.raises(SignInError, match="There is no such tenant"):
        log_in(unknown, session, print)


def test_only_a_device_code_needs_somebody_to_sign_in(server: SimulatorServer, session: TlsSession) -> None:
    with pytest.raises(SettingsError, match="signs in by client secret"):
        log_in(tenant_settings(server), session, print)


def test_two_runs_at_once_take_turns_with_the_cache(
    server: SimulatorServer, account: TenantSettings, session: TlsSession
) -> None:
    log_in(account, session, Person(server.ca_bundle))
    errors: list[BaseException] = []

    def refresh() -> None:
        try:
            with TlsSession(server.ca_bundle) as own:
                tokens = TokenProvider(account, own)
                for _ in range(5):
                    tokens.drop()
                    tokens.token()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=refresh) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert stat.S_IMODE(cache_of(account).stat().st_mode) == 0o600
    assert list(cache_of(account).parent.glob(".*.part")) == []


def test_a_sign_in_service_that_is_down_is_no_reason_to_sign_in_again(
    server: SimulatorServer, account: TenantSettings, session: TlsSession
) -> None:
    log_in(account, session, Person(server.ca_bundle))
    tokens = TokenProvider(account, session)
    tokens.drop()
    rule = server.faults.add(Rule(TOKEN_PATH, times=1, status=503, body=b"busy"))
    with pytest.raises(TransientError):
        tokens.token()
    server.faults.remove(rule)
    assert tokens.token()


# --- canaries -----------------------------------------------------------------------------------------------


def test_nothing_confidential_is_logged_by_any_kind(
    server: SimulatorServer,
    registered: str,
    keys: KeyPair,
    account: TenantSettings,
    app_service: str,
    token_file: Path,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "app.pfx"
    path.write_bytes(keys.pfx(CANARY))
    found: list[str] = []
    with TlsSession(server.ca_bundle) as session:
        log_in(account, session, Person(server.ca_bundle))
        for tenant in (
            account,
            tenant_with(server, certificate_file=path, certificate_passphrase=CANARY),
            tenant_with(server, federated_token_file=token_file),
            tenant_with(server, auth="managed_identity", client_id=None),
        ):
            tokens = TokenProvider(tenant, session)
            found += [tokens.token(), repr(tokens), repr(tenant)]
    kept = json.loads(cache_of(account).read_text())
    refresh = [one["secret"] for one in kept["RefreshToken"].values()]
    logs = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    assert "/oauth2/v2.0/token" in logs
    hidden = [CANARY, HEADER, token_file.read_text(), *refresh, *(text for text in found if text.count(".") == 2)]
    for secret in hidden:
        assert secret not in logs
    for shown in (text for text in found if text.count(".") != 2):
        assert not any(secret in shown for secret in hidden)
