"""The bearer token of one tenant: kept in memory, dropped and asked for again."""

from __future__ import annotations

import threading
from uuid import UUID

from pipelines.graph.claims import claims_of
from pipelines.graph.credentials import Credential, make_credential
from pipelines.graph.sign_in_errors import SignInErrors
from pipelines.graph.transport import TlsSession
from pipelines.settings import TenantSettings
from pipelines.sign_in import ManagedIdentity


class TokenProvider:
    """Gives the bearer token of one tenant, signing in when there is none or it is near its end.

    Thread-safe. A failed sign-in raises SignInError with what to mend, SignInDownError when the sign-in service
    itself did not answer, or SettingsError when a secret is not where the settings say.
    """

    def __init__(self, tenant: TenantSettings, session: TlsSession) -> None:
        self._tenant = tenant
        self._session = session
        self._lock = threading.Lock()
        self._credential: Credential | None = None
        self._is_dropped = False
        self._errors = SignInErrors(tenant)

    def token(self) -> str:
        """The bearer token for Graph."""
        with self._lock:
            try:
                token = self._acquire()
            except BaseException:
                # MSAL remembers a refusal for up to a minute; a later try must really ask again.
                self._credential = None
                raise
            self._is_dropped = False
        return token

    def drop(self) -> None:
        """Forget the token, so that the next one knows of permissions granted since."""
        with self._lock:
            self._credential = None
            self._is_dropped = True

    def _acquire(self) -> str:
        with self._errors.in_words():
            if self._credential is None:
                self._credential = make_credential(self._tenant, self._session)
            answer = self._credential.acquire(is_fresh=self._is_dropped)
        if answer is None:
            raise self._errors.nobody()
        if "access_token" not in answer:
            raise self._errors.refusal(answer)
        token = str(answer["access_token"])
        if isinstance(self._tenant.sign_in, ManagedIdentity):
            self._require_tenant(token)
        return token

    def _require_tenant(self, token: str) -> None:
        """A managed identity signs in to its own tenant, whichever is configured."""
        found = str(claims_of(token).get("tid") or self._tenant.tenant_id).lower()
        if found != self._tenant.tenant_id and _is_guid(self._tenant.tenant_id):
            raise self._errors.other_tenant(found)


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
