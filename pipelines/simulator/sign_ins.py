"""What the identity platform knows besides client secrets: certificates, federations, accounts, machines."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

REPORTS_READER = "4a5d8f65-41da-4de4-8968-e035b65339cf"
USAGE_SUMMARY_REPORTS_READER = "75934031-6c7e-415a-99d7-48dbd49e875e"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
TEAMS_ADMINISTRATOR = "69091246-20e8-4a56-aa4d-066075b2a7a8"
EVERYBODY = "b79fbf4d-3ef9-4689-8143-76b194e85509"
"""The role of every member of a directory, which a token names like any other."""
APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"

DETAIL_ROLES = frozenset({REPORTS_READER, GLOBAL_ADMINISTRATOR, TEAMS_ADMINISTRATOR})
"""Of the roles named here, those with which a signed-in user gets reports about people."""
SUMMARY_ROLES = DETAIL_ROLES | {GLOBAL_READER, USAGE_SUMMARY_REPORTS_READER}
"""Those with which a signed-in user gets reports about the tenant as a whole."""


@dataclass(frozen=True)
class Federation:
    """A federated credential of an app: whose tokens it trusts. key_pem verifies their signature."""

    issuer: str
    subject: str
    key_pem: str
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class ServiceAccount:
    """The account that signs in with a code. roles: template ids of its directory roles."""

    object_id: str = "7a1e5c9b-0d3f-4b62-9c84-5e6f7a8b9c0d"
    roles: frozenset[str] = frozenset({REPORTS_READER})
    permissions: frozenset[str] | None = None
    """The delegated permissions with consent; None: those that the app has as an application."""


@dataclass(frozen=True)
class MachineIdentity:
    """A managed identity, known to machines that have the header's value."""

    tenant_id: str
    header: str
    client_id: str | None = None
    """Of a user-assigned identity; None is the machine's own."""
    permissions: frozenset[str] | None = None


class SignIns:
    """The registrations of one identity platform. Every method may be called from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._certificates: dict[str, list[str]] = {}
        self._federations: dict[str, list[Federation]] = {}
        self._accounts: dict[str, ServiceAccount] = {}
        self._private: set[str] = set()
        self._machines: list[MachineIdentity] = []

    def register_certificate(self, client_id: str, certificate_pem: str) -> None:
        """Upload a certificate to an app."""
        with self._lock:
            self._certificates.setdefault(client_id, []).append(certificate_pem)

    def certificates(self, client_id: str) -> list[str]:
        """The certificates of an app, as PEM."""
        with self._lock:
            return list(self._certificates.get(client_id, []))

    def register_federation(self, client_id: str, federation: Federation) -> None:
        """Add a federated credential to an app."""
        with self._lock:
            self._federations.setdefault(client_id, []).append(federation)

    def federations(self, client_id: str) -> list[Federation]:
        """The federated credentials of an app."""
        with self._lock:
            return list(self._federations.get(client_id, []))

    def set_account(self, tenant_id: str, account: ServiceAccount) -> None:
        """The account that somebody at the code's page signs in with, in this tenant."""
        with self._lock:
            self._accounts[tenant_id] = account

    def account(self, tenant_id: str) -> ServiceAccount:
        """The tenant's account, one that may read reports unless another was set."""
        with self._lock:
            return self._accounts.get(tenant_id, ServiceAccount())

    def allow_public_client(self, client_id: str, allowed: bool) -> None:
        """'Allow public client flows' of an app; it is allowed at first."""
        with self._lock:
            (self._private.discard if allowed else self._private.add)(client_id)

    def is_public_client(self, client_id: str) -> bool:
        """Whether the app may be signed in to with a code."""
        with self._lock:
            return client_id not in self._private

    def assign_machine(self, machine: MachineIdentity) -> None:
        """Give the machine an identity."""
        with self._lock:
            self._machines.append(machine)

    def machine(self, header: str, client_id: str | None) -> MachineIdentity | None:
        """The identity that the header's value and the client id stand for."""
        with self._lock:
            found = (one for one in self._machines if one.header == header and one.client_id == client_id)
            return next(found, None)

    def knows_header(self, header: str) -> bool:
        """Whether the header's value is one of a machine with an identity."""
        with self._lock:
            return any(one.header == header for one in self._machines)

    def clear(self) -> None:
        """Forget every registration."""
        with self._lock:
            for known in (self._certificates, self._federations, self._accounts, self._private, self._machines):
                known.clear()
