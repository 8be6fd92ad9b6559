"""Sign-in with MSAL: the app's own token for Graph, kept in memory."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

import msal
import requests

from pipelines.clouds import CLOUDS
from pipelines.graph.errors import GraphContext, SignInError, TransientError
from pipelines.graph.transport import TlsSession, is_untrusted
from pipelines.settings import TenantSettings

# The sign-in service's own error numbers, in the administrator's words.
_ADVICE = {
    7000215: "The client secret is wrong: copy its value (not its id) again from the app registration's "
    "'Certificates & secrets' page into M365_CLIENT_SECRET.",
    7000222: "The client secret has expired: create a new one on the app registration's 'Certificates & "
    "secrets' page and set M365_CLIENT_SECRET.",
    700016: "The app is not in this tenant: check M365_CLIENT_ID (application id) and M365_TENANT_ID, and that "
    "an administrator has granted consent.",
    90002: "There is no such tenant: check M365_TENANT_ID (directory id on the Entra overview page) and the cloud.",
}


class TokenProvider:
    """Gives the bearer token of one tenant's app, signing in when there is none or it is near its end.

    Thread-safe. A failed sign-in raises SignInError with what to mend, or TransientError when the sign-in
    service itself did not answer.
    """

    def __init__(self, tenant: TenantSettings, session: TlsSession) -> None:
        self._tenant = tenant
        self._session = session
        self._lock = threading.Lock()
        self._app: msal.ConfidentialClientApplication | None = None
        self._context = GraphContext(tenant.tenant_id, "sign-in")

    def token(self) -> str:
        """The bearer token for Graph."""
        with self._lock:
            answer = self._acquire()
            if "access_token" in answer:
                return str(answer["access_token"])
            # MSAL remembers a refusal for up to a minute; a later try must really ask again.
            self._app = None
        raise self._refusal(answer)

    def drop(self) -> None:
        """Forget the token, so that the next one knows of permissions granted since."""
        with self._lock:
            self._app = None

    def _acquire(self) -> dict[str, Any]:
        try:
            if self._app is None:
                self._app = msal.ConfidentialClientApplication(
                    self._tenant.client_id,
                    client_credential=self._tenant.client_secret.get_secret_value(),
                    authority=f"{self._tenant.authority_url}/{self._tenant.tenant_id}",
                    instance_discovery=self._is_known_authority,
                    http_client=self._session,
                )
            scope = f"{self._tenant.graph_url}/.default"
            return dict(self._app.acquire_token_for_client(scopes=[scope]))
        except requests.exceptions.RequestException as error:
            self._app = None
            if is_untrusted(error):
                raise SignInError(
                    f"The certificate of {self._tenant.authority_url} is not trusted here: set M365_CA_BUNDLE to "
                    "the certificate file of your proxy or endpoint.",
                    context=self._context,
                ) from None
            raise TransientError(
                f"The sign-in service {self._tenant.authority_url} cannot be reached ({type(error).__name__}).",
                context=self._context,
            ) from None
        except msal.exceptions.MsalServiceError as error:
            # A 5xx status.
            self._app = None
            raise TransientError(
                f"The sign-in service {self._tenant.authority_url} does not work at the moment ({error}).",
                context=self._context,
            ) from None
        except (ValueError, LookupError, AttributeError, RuntimeError) as error:
            # What MSAL makes of an OpenID configuration that is refused, of an unknown tenant mostly, or is none.
            # The answer itself is quoted only in the error behind the error.
            self._app = None
            answer = f"{error} {error.__context__}"
            is_unknown_tenant = "invalid_tenant" in answer or "AADSTS90002" in answer
            raise SignInError(
                _ADVICE[90002]
                if is_unknown_tenant
                else "The sign-in service did not describe this tenant: check M365_TENANT_ID, M365_CLOUD and "
                "M365_AUTHORITY_URL.",
                context=self._context,
            ) from None

    @property
    def _is_known_authority(self) -> bool:
        host = urlsplit(self._tenant.authority_url).hostname
        return host in {urlsplit(cloud.authority_url).hostname for cloud in CLOUDS.values()}

    def _refusal(self, answer: dict[str, Any]) -> SignInError:
        numbers = [number for number in answer.get("error_codes") or [] if isinstance(number, int)]
        advice = next((_ADVICE[number] for number in numbers if number in _ADVICE), None)
        if advice is None:
            first_line = str(answer.get("error_description") or "no reason given").splitlines()[0]
            advice = f"The sign-in service refused: {first_line}"
        code = f"AADSTS{numbers[0]}" if numbers else str(answer.get("error") or "")
        return SignInError(
            advice,
            context=self._context,
            code=code,
            request_id=answer.get("correlation_id") or answer.get("trace_id"),
        )
