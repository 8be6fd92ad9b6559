"""Which app asks for a token, and whether it is the one it says: by secret or by assertion."""

from __future__ import annotations

import base64
import binascii
import secrets
from urllib.parse import unquote

from pipelines.simulator.assertions import AssertionVerifier
from pipelines.simulator.oauth import OAuthError
from pipelines.simulator.sign_ins import SignIns
from pipelines.simulator.spec import AppRegistration, TenantSpec


class Clients:
    """Authenticates the apps of one identity platform."""

    def __init__(self, base_url: str, sign_ins: SignIns) -> None:
        self._base_url = base_url
        self._assertions = AssertionVerifier(sign_ins)

    def authenticate(self, form: dict[str, str], authorization: str, tenant: TenantSpec) -> AppRegistration:
        """The app that the request proves to be, or a refusal."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret")
        if authorization.lower().startswith("basic "):
            client_id, secret = _basic(authorization)
        app = find_app(client_id, tenant)
        if "client_assertion" in form:
            root = f"{self._base_url}/{tenant.tenant_id}"
            self._assertions.verify(form, client_id, [f"{root}/oauth2/v2.0/token", f"{root}/v2.0"])
        elif not secret:
            raise OAuthError(
                401,
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )
        else:
            _check_secret(app, secret)
        return app


def find_app(client_id: str, tenant: TenantSpec) -> AppRegistration:
    """The app with this id, or a refusal."""
    if not client_id:
        raise OAuthError(
            400, "invalid_request", 900144, "The request body must contain the following parameter: 'client_id'."
        )
    app = next((app for app in tenant.registrations if app.client_id == client_id), None)
    if app is None:
        raise OAuthError(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory '{tenant.display_name}'. This "
            "can happen if the application has not been installed by the administrator of the tenant or consented "
            "to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
        )
    return app


def _check_secret(app: AppRegistration, secret: str) -> None:
    if not secrets.compare_digest(secret.encode(), app.client_secret.encode()):
        raise OAuthError(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
            f"value, not the client secret ID, for a secret added to app '{app.client_id}'.",
        )
    if app.is_secret_expired:
        raise OAuthError(
            401,
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{app.client_id}' are expired. Visit the Azure portal to create "
            "new keys for your app, or consider using certificate credentials for added security.",
        )


def _basic(authorization: str) -> tuple[str, str]:
    """The client's id and secret of an HTTP Basic header (RFC 6749 §2.3.1: each percent-encoded)."""
    try:
        text = base64.b64decode(authorization.split(" ", 1)[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    client_id, _, secret = text.partition(":")
    return unquote(client_id), unquote(secret)
