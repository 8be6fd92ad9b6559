"""Signing in at an OpenID Connect provider that we did not write: npm's certified ``oidc-provider``, over TLS.

It is installed into a temporary folder; without node, npm or a package registry the tests are skipped.
"""

from __future__ import annotations

import base64
import html
import json
import re
import select
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from pipelines.graph.auth import TokenProvider
from pipelines.graph.errors import SignInError
from pipelines.graph.login import log_in
from pipelines.graph.transport import TlsSession
from pipelines.settings import Settings, TenantSettings
from pipelines.sign_in import DeviceCode

PACKAGE = "oidc-provider@9"
SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
INSTALL_SECONDS, START_SECONDS = 90, 30
TENANT = "contoso.example"
SECRET = "a-client-secret-of-a-test-which-is-long-enough"


@dataclass
class Provider:
    """The provider's address, the CA to trust, and the app's certificate."""

    url: str
    ca_bundle: Path
    certificate: Path
    other_certificate: Path
    folder: Path

    def tenant(self, client_id: str, **sign_in: Any) -> TenantSettings:
        settings = Settings(
            _env_file=None, tenant_id=TENANT, client_id=client_id, authority_url=self.url, graph_url=self.url,
            data_dir=self.folder / "data", **sign_in,
        )  # fmt: skip
        return settings.tenants()[0]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("node and npm are not installed here")
    folder = tmp_path_factory.mktemp("oidc")
    (folder / "package.json").write_text('{"private": true}')
    arguments = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    try:
        done = subprocess.run(
            [npm, *arguments], cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {PACKAGE} in {INSTALL_SECONDS} s")
    if done.returncode:
        pytest.skip(f"npm could not install {PACKAGE} (exit code {done.returncode}): no package registry?")
    shutil.copy(SCRIPT, folder)
    return folder


@pytest.fixture(scope="module")
def provider(installed: Path) -> Iterator[Provider]:
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    leaf, app, other = (authority.issue_cert(name, key_type=trustme.KeyType.RSA) for name in ("localhost", "a", "b"))
    bundle = installed / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    for name, certificate in (("app.pem", app), ("other.pem", other)):
        certificate.private_key_and_cert_chain_pem.write_to_path(str(installed / name))
    configuration = {
        "tenant": TENANT,
        "key": leaf.private_key_pem.bytes().decode(),
        "cert": b"".join(part.bytes() for part in leaf.cert_chain_pems).decode(),
        "clients": [
            {
                "client_id": "with-secret",
                "client_secret": SECRET,
                "token_endpoint_auth_method": "client_secret_post",
                "grant_types": ["client_credentials"],
            },
            {
                "client_id": "with-certificate",
                "token_endpoint_auth_method": "private_key_jwt",
                "grant_types": ["client_credentials"],
                "jwks": {"keys": [_public_jwk(app)]},
            },
            {
                "client_id": "with-code",
                "token_endpoint_auth_method": "none",
                "application_type": "native",
                "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
            },
        ],
    }
    log = installed / "provider.log"
    with log.open("w") as said, subprocess.Popen(
        ["node", SCRIPT.name], cwd=installed, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(configuration))
            process.stdin.close()
            ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
            port = process.stdout.readline().strip() if ready else ""
            assert port.isdigit(), f"the provider did not start: {log.read_text()}"
            yield Provider(
                f"https://localhost:{port}", bundle, installed / "app.pem", installed / "other.pem", installed
            )
        finally:
            process.kill()


def _public_jwk(certificate: trustme.LeafCert) -> dict[str, str]:
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.public_key().public_numbers()
    parts = {
        name: base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode().rstrip("=")
        for name, value in (("n", numbers.n), ("e", numbers.e))
    }
    assert x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    return {"kty": "RSA", "use": "sig", **parts}


@pytest.fixture
def session(provider: Provider) -> Iterator[TlsSession]:
    with TlsSession(provider.ca_bundle) as opened:
        yield opened


def test_a_client_secret(provider: Provider, session: TlsSession) -> None:
    tokens = TokenProvider(provider.tenant("with-secret", client_secret=SecretStr(SECRET)), session)
    first = tokens.token()
    assert tokens.token() == first
    tokens.drop()
    assert tokens.token() != first


def test_a_wrong_secret_is_refused(provider: Provider, session: TlsSession) -> None:
    tokens = TokenProvider(provider.tenant("with-secret", client_secret=SecretStr("wrong")), session)
    with pytest.raises(SignInError) as caught:
        tokens.token()
    assert caught.value.code == "invalid_client"
    assert caught.value.problem == "The sign-in service refused: client authentication failed."


def test_a_certificate_whose_signature_it_verifies(provider: Provider, session: TlsSession) -> None:
    tenant = provider.tenant("with-certificate", certificate_file=provider.certificate)
    tokens = TokenProvider(tenant, session)
    assert tokens.token()
    tokens.drop()
    assert tokens.token(), "each assertion is good for one request only"
    with pytest.raises(SignInError, match="client authentication failed"):
        TokenProvider(provider.tenant("with-certificate", certificate_file=provider.other_certificate), session).token()


def test_a_service_account_with_a_code(provider: Provider, session: TlsSession) -> None:
    tenant = provider.tenant("with-code", auth="device_code")
    log_in(tenant, session, _Person(provider))
    tokens = TokenProvider(tenant, session)
    first = tokens.token()
    tokens.drop()
    assert tokens.token() != first, "a new one by the refresh token, asking nobody"
    assert isinstance(tenant.sign_in, DeviceCode)
    assert tenant.sign_in.cache_file.stat().st_mode & 0o777 == 0o600


def test_a_tenant_that_it_does_not_serve(provider: Provider, session: TlsSession) -> None:
    tenant = provider.tenant("with-secret", client_secret=SecretStr(SECRET))
    with pytest.raises(SignInError, match="did not describe this tenant"):
        TokenProvider(replace(tenant, tenant_id="another.example"), session).token()


class _Person:
    """Somebody who follows the message, signs in at the provider's own pages and consents."""

    def __init__(self, provider: Provider) -> None:
        self._browser = requests.Session()
        self._browser.verify = str(provider.ca_bundle)
        self._browser.trust_env = False

    def __call__(self, message: str) -> None:
        threading.Thread(target=self._sign_in, args=(message,), daemon=True).start()

    def _sign_in(self, message: str) -> None:
        found = re.search(r"(https://\S+).*\bcode (\S+)\.", message)
        assert found, message
        page, code = found.groups()
        answer = self._browser.get(page)
        for _ in range(6):
            form = re.search(r"<form[^>]*action=\"([^\"]+)\"", answer.text)
            if form is None:
                return
            fields = dict(re.findall(r"name=\"([^\"]+)\" value=\"([^\"]*)\"", answer.text))
            fields.pop("abort", None)
            fields |= {"user_code": code, "login": "svc-usage", "password": "any"}
            answer = self._browser.post(html.unescape(form.group(1)), data=fields)
