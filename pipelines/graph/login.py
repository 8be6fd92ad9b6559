"""The sign-in of a service account with a code, once, by a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msal

from pipelines.graph.credentials import public_app
from pipelines.graph.sign_in_errors import SignInErrors
from pipelines.graph.token_cache import TokenCacheFile
from pipelines.graph.transport import TlsSession
from pipelines.sign_in import DeviceCode, SettingsError
from pipelines.tenants import TenantSettings


def log_in(tenant: TenantSettings, session: TlsSession, show: Callable[[str], None]) -> None:
    """Show the code and wait until somebody has signed in with it; the cache then knows the account.

    An account that was signed in before is replaced. Raises SettingsError for a tenant that is signed in to in
    another way, GraphError when the sign-in fails.
    """
    if not isinstance(tenant.sign_in, DeviceCode):
        raise SettingsError(
            f"Tenant {tenant.label} signs in by {tenant.sign_in.words}; only device_code needs somebody to sign in."
        )
    errors = SignInErrors(tenant)
    with errors.in_words():
        cache = msal.SerializableTokenCache()
        app = public_app(tenant, session, cache)
        flow: dict[str, Any] = app.initiate_device_flow(scopes=[f"{tenant.graph_url}/.default"])
        if "user_code" not in flow:
            raise errors.refusal(flow)
        show(_message(flow))
        answer = app.acquire_token_by_device_flow(flow)
        if "access_token" not in answer:
            raise errors.refusal(answer)
    TokenCacheFile(tenant.sign_in.cache_file).replace(cache)


def _message(flow: dict[str, Any]) -> str:
    """What to do, in the service's own words where it has some (RFC 8628 asks for none)."""
    code, page = flow["user_code"], flow.get("verification_uri") or flow.get("verification_url")
    return str(flow.get("message") or f"To sign in, open the page {page} and enter the code {code}.")
