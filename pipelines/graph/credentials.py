"""Tokens from MSAL, one class per kind of sign-in. Each asks anew when it is made anew."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from pipelines.clouds import CLOUDS
from pipelines.graph.token_cache import TokenCacheFile
from pipelines.graph.transport import TIMEOUT, TlsSession
from pipelines.sign_in import (
    Certificate,
    ClientSecret,
    DeviceCode,
    Federated,
    ManagedIdentity,
    SettingsError,
    read_secret_file,
)
from pipelines.tenants import TenantSettings

# The answer of MSAL: a token with its facts, or an OAuth error with its words.
Answer = dict[str, Any]
# A token this near its end is not begun with; MSAL keeps the same distance.
REFRESH_BEFORE_SECONDS = 300.0
# Where Azure tells a machine who it is; these addresses are not reachable from outside the machine.
_METADATA_HOSTS = ("127.0.0.1", "localhost", "169.254.169.254")


class Credential(ABC):
    """Gives tokens for Graph, its own memory of them included."""

    @abstractmethod
    def acquire(self, *, is_fresh: bool) -> Answer | None:
        """A token, or the service's refusal; None where nobody is signed in.

        is_fresh: not one that is remembered. Raises SettingsError, or what MSAL and requests raise.
        """


class AppCredential(Credential):
    """The app itself, by client secret, certificate or federated token."""

    def __init__(self, tenant: TenantSettings, session: TlsSession) -> None:
        self._app = msal.ConfidentialClientApplication(
            tenant.client_id,
            client_credential=_client_credential(tenant),
            authority=f"{tenant.authority_url}/{tenant.tenant_id}",
            instance_discovery=is_known_authority(tenant.authority_url),
            http_client=session,
        )
        self._scopes = [f"{tenant.graph_url}/.default"]

    def acquire(self, *, is_fresh: bool) -> Answer | None:
        """MSAL's memory, else the token endpoint; a fresh one is had by a new object."""
        if is_fresh:
            self._app.remove_tokens_for_client()
        return dict(self._app.acquire_token_for_client(scopes=self._scopes))


class MachineCredential(Credential):
    """The managed identity of the Azure machine. Azure itself keeps its token for hours."""

    def __init__(self, tenant: TenantSettings, session: TlsSession) -> None:
        assert isinstance(tenant.sign_in, ManagedIdentity)
        client_id = tenant.sign_in.client_id
        self._resource = tenant.graph_url
        self._session = MetadataSession(session)
        self._client = msal.ManagedIdentityClient(
            msal.UserAssignedManagedIdentity(client_id=client_id)
            if client_id
            else msal.SystemAssignedManagedIdentity(),
            http_client=self._session,
        )

    def acquire(self, *, is_fresh: bool) -> Answer | None:  # noqa: ARG002 - a new object has no memory
        """MSAL's memory, else the machine's token endpoint."""
        return dict(self._client.acquire_token_for_client(resource=self._resource))


class DeviceCredential(Credential):
    """A service account that has signed in with a code; see pipelines.graph.login."""

    def __init__(self, tenant: TenantSettings, session: TlsSession) -> None:
        assert isinstance(tenant.sign_in, DeviceCode)
        self._tenant = tenant
        self._session = session
        self._file = TokenCacheFile(tenant.sign_in.cache_file)
        self._answer: Answer | None = None
        self._good_until = 0.0

    def acquire(self, *, is_fresh: bool) -> Answer | None:
        """The cached token, else a new one by the refresh token; never asks anybody."""
        if self._answer is None or time.monotonic() >= self._good_until:
            self._answer = self._acquire(is_fresh=is_fresh)
            seconds = float(self._answer.get("expires_in") or 0) if self._answer else 0.0
            self._good_until = time.monotonic() + seconds - REFRESH_BEFORE_SECONDS
        return self._answer

    def _acquire(self, *, is_fresh: bool) -> Answer | None:
        with self._file.open() as cache:
            app = public_app(self._tenant, self._session, cache)
            accounts = app.get_accounts()
            if not accounts:
                return None
            answer = app.acquire_token_silent_with_error(
                scopes=[f"{self._tenant.graph_url}/.default"], account=accounts[0], force_refresh=is_fresh
            )
        return dict(answer) if answer else None


def make_credential(tenant: TenantSettings, session: TlsSession) -> Credential:
    """What the tenant's sign-in needs; may ask the sign-in service for its addresses, but for no token."""
    if isinstance(tenant.sign_in, ManagedIdentity):
        return MachineCredential(tenant, session)
    if isinstance(tenant.sign_in, DeviceCode):
        return DeviceCredential(tenant, session)
    return AppCredential(tenant, session)


def public_app(tenant: TenantSettings, session: TlsSession, cache: msal.TokenCache) -> msal.PublicClientApplication:
    """The app as a public client, for the sign-in of a person."""
    return msal.PublicClientApplication(
        tenant.client_id,
        authority=f"{tenant.authority_url}/{tenant.tenant_id}",
        # Other names of the authority are of no use here, and would be asked for each time.
        instance_discovery=False,
        token_cache=cache,
        http_client=session,
    )


def is_known_authority(authority_url: str) -> bool:
    """Whether it is one of Microsoft's own; others are not asked about there."""
    host = urlsplit(authority_url).hostname
    return host in {urlsplit(cloud.authority_url).hostname for cloud in CLOUDS.values()}


class MetadataSession(requests.Session):
    """A session for the machine's own token endpoint: never through a proxy, plain http on the machine only."""

    def __init__(self, session: TlsSession) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = session.verify

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send one request, with time-outs, following no redirect."""
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _METADATA_HOSTS:
            raise requests.exceptions.InvalidURL("Only the machine's own token endpoint is asked without TLS.")
        options["timeout"] = options.get("timeout") or TIMEOUT
        options["allow_redirects"] = False
        return super().request(method, url, **options)


@dataclass(frozen=True)
class CertificateFacts:
    """A certificate as the Entra admin centre lists it: SHA-1 thumbprint in capitals, last day (UTC)."""

    thumbprint: str
    valid_until: date
    is_over: bool


def certificate_facts(sign_in: Certificate) -> CertificateFacts | None:
    """What the sign-in's certificate is; None where its file cannot be used."""
    try:
        passphrase = sign_in.passphrase.read() if sign_in.passphrase else None
        pem = _certificate(sign_in.file, sign_in.setting, passphrase)["public_certificate"]
    except SettingsError:
        return None
    certificate = x509.load_pem_x509_certificate(pem.encode())
    end = certificate.not_valid_after_utc
    # The thumbprint is a name here, as it is in Entra; nothing is trusted for it.
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303
    return CertificateFacts(thumbprint, end.date(), end < datetime.now(timezone.utc))


def _client_credential(tenant: TenantSettings) -> Any:
    match tenant.sign_in:
        case ClientSecret(secret):
            return secret.read()
        case Certificate(file, setting, passphrase):
            return _certificate(file, setting, passphrase.read() if passphrase else None)
        case Federated(token_file, setting):
            # The platform renews the file: it is read for every request.
            def read() -> str:
                token = read_secret_file(token_file, setting)
                if not token:
                    raise SettingsError(f"{setting}: the file {token_file} is empty.")
                return token

            read()
            return {"client_assertion": read}
    raise AssertionError(f"{tenant.sign_in.name} has no client credential")


def _certificate(path: Path, setting: str, passphrase: str | None) -> dict[str, Any]:
    """What MSAL takes: the key and its certificate as PEM."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{setting}: the file {path} cannot be read ({error.strerror}).") from None
    is_pem = b"-----BEGIN" in content
    try:
        key, certificates = _read_pem(content, passphrase) if is_pem else _read_pfx(content, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own words differ by version and may quote the file.
        raise SettingsError(_unusable(path, setting, content, passphrase)) from None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError(f"{setting}: the file {path} must hold an RSA private key and its certificate.")
    own = [one for one in certificates if one.public_key() == key.public_key()]
    if not own:
        raise SettingsError(f"{setting}: no certificate in the file {path} belongs to the private key in it.")
    # MSAL takes the certificate that is named by its thumbprint from here, whichever the file's order is.
    return {
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "public_certificate": own[0].public_bytes(Encoding.PEM).decode(),
    }


def _read_pem(content: bytes, passphrase: str | None) -> tuple[Any, list[x509.Certificate]]:
    key = load_pem_private_key(content, passphrase.encode() if passphrase else None)
    return key, x509.load_pem_x509_certificates(content)


def _read_pfx(content: bytes, passphrase: str | None) -> tuple[Any, list[x509.Certificate]]:
    key, own, others = pkcs12.load_key_and_certificates(content, passphrase.encode() if passphrase else None)
    return key, [one for one in (own, *others) if one is not None]


def _unusable(path: Path, setting: str, content: bytes, passphrase: str | None) -> str:
    if b"-----BEGIN" not in content and not content.startswith(b"0"):
        return f"{setting}: the file {path} is neither PEM nor PFX."
    if b"-----BEGIN" in content and b"PRIVATE KEY-----" not in content:
        return f"{setting}: the file {path} holds no private key; put key and certificate into one PEM file."
    if b"-----BEGIN" in content and b"-----BEGIN CERTIFICATE-----" not in content:
        return f"{setting}: the file {path} holds no certificate; put key and certificate into one PEM file."
    if passphrase:
        return f"{setting}: the file {path} cannot be opened; its passphrase may be wrong."
    return f"{setting}: the file {path} cannot be opened; it is damaged, or its passphrase is not set."
