"""The identity platform: OpenID discovery, and tokens for apps by client credentials."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote

from pipelines.simulator import dice
from pipelines.simulator.spec import AppRegistration, TenantSpec
from pipelines.simulator.wire import Call, GraphError, Reply, json_reply

TOKEN_SECONDS = 3599
"""How long a token is valid; what Entra answers for client credentials."""
GRAPH_RESOURCE = "https://graph.microsoft.com"
DEFAULT_SCOPE = "/.default"
DISCOVERY_PATH = ("v2.0", ".well-known", "openid-configuration")
TOKEN_PATH = ("oauth2", "v2.0", "token")


@dataclass(frozen=True)
class Grant:
    """What a token stands for. Permissions are those of the hour in which it was issued."""

    tenant_id: str
    app_id: str
    permissions: frozenset[str]
    expires_at: float


class _OAuthError(Exception):
    """An OAuth error with its AADSTS number."""

    def __init__(self, status: int, error: str, number: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.number = number
        self.description = description

    def reply(self) -> Reply:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        content = {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {self.description} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        return json_reply(self.status, content, {"Cache-Control": "no-store, no-cache"})


class Identity:
    """Issues tokens and knows them again."""

    def __init__(
        self, base_url: str, find_tenant: Callable[[str], TenantSpec | None], clock: Callable[[], float]
    ) -> None:
        self._base_url = base_url
        self._find_tenant = find_tenant
        self._clock = clock
        self._lock = Lock()
        self._grants: dict[str, Grant] = {}

    def serves(self, call: Call) -> bool:
        """Whether the path is one of the identity platform's."""
        return call.segments[1:] in (DISCOVERY_PATH, TOKEN_PATH)

    def serve(self, call: Call) -> Reply:
        """The answer to a discovery or token request."""
        try:
            tenant = self._find_tenant(call.segments[0])
            if tenant is None:
                raise _OAuthError(
                    400,
                    "invalid_request",
                    90002,
                    f"Tenant '{call.segments[0]}' not found. Check to make sure you have the correct tenant ID and "
                    "are signing into the correct cloud. Check with your subscription administrator, this may "
                    "happen if there are no active subscriptions for the tenant.",
                )
            if call.segments[1:] == DISCOVERY_PATH:
                return self._discover(call, tenant)
            return self._issue(call, tenant)
        except _OAuthError as refusal:
            return refusal.reply()

    def grant_of(self, call: Call) -> Grant:
        """What the call's bearer token allows, or 401."""
        token = call.bearer
        if token is None:
            raise _unauthorized("Access token is empty.")
        with self._lock:
            grant = self._grants.get(token)
        if grant is None:
            raise _unauthorized("Signing key is invalid.")
        if self._clock() >= grant.expires_at:
            raise _unauthorized("Lifetime validation failed, the token is expired.")
        return grant

    def tenant_of(self, call: Call) -> str:
        """The tenant of the call's token or of the sign-in; empty where there is none."""
        if self.serves(call):
            tenant = self._find_tenant(call.segments[0])
            return tenant.tenant_id if tenant else ""
        with self._lock:
            grant = self._grants.get(call.bearer or "")
        return grant.tenant_id if grant else ""

    def revoke_all(self) -> None:
        """Let no token issued so far be known any more."""
        with self._lock:
            self._grants.clear()

    def _discover(self, call: Call, tenant: TenantSpec) -> Reply:
        if call.method != "GET":
            raise _OAuthError(405, "invalid_request", 900561, f"The endpoint only accepts GET, not {call.method}.")
        root = f"{self._base_url}/{tenant.tenant_id}"
        return json_reply(
            200,
            {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{root}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "tenant_region_scope": "EU",
                "cloud_instance_name": "localhost",
            },
        )

    def _issue(self, call: Call, tenant: TenantSpec) -> Reply:
        if call.method != "POST":
            raise _OAuthError(
                400,
                "invalid_request",
                900561,
                f"The endpoint only accepts POST requests. Received a {call.method} request.",
            )
        form = {name: values[0] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
        app = _authenticate(form, call.headers.get("authorization", ""), tenant)
        grant_type = form.get("grant_type")
        if grant_type != "client_credentials":
            raise _OAuthError(
                400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant_type}'."
            )
        resource = self._resource(form.get("scope", ""))
        token = _token(self._base_url, tenant, app, resource)
        grant = Grant(tenant.tenant_id, app.client_id, app.permissions, self._clock() + TOKEN_SECONDS)
        with self._lock:
            self._grants[token] = grant
        return json_reply(
            200,
            {
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "ext_expires_in": TOKEN_SECONDS,
                "access_token": token,
            },
            {"Cache-Control": "no-store, no-cache"},
        )

    def _resource(self, scope: str) -> str:
        resource = scope.removesuffix(DEFAULT_SCOPE)
        if not scope.endswith(DEFAULT_SCOPE) or " " in scope:
            raise _OAuthError(
                400,
                "invalid_scope",
                70011,
                "The provided request must include a 'scope' input parameter. The provided value for the input "
                f"parameter 'scope' is not valid. The scope {scope} is not valid.",
            )
        if resource.rstrip("/") not in (GRAPH_RESOURCE, self._base_url):
            raise _OAuthError(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {resource} was not found in the tenant.",
            )
        return resource


def _authenticate(form: dict[str, str], authorization: str, tenant: TenantSpec) -> AppRegistration:
    client_id, secret = form.get("client_id", ""), form.get("client_secret")
    if authorization.lower().startswith("basic "):
        client_id, secret = _basic(authorization)
    if not client_id:
        raise _OAuthError(
            400, "invalid_request", 900144, "The request body must contain the following parameter: 'client_id'."
        )
    app = next((app for app in tenant.apps if app.client_id == client_id), None)
    if app is None:
        raise _OAuthError(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory '{tenant.display_name}'. This "
            "can happen if the application has not been installed by the administrator of the tenant or consented "
            "to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
        )
    if "client_assertion" in form:
        raise _OAuthError(
            401,
            "invalid_client",
            700027,
            "Client assertion failed signature validation. No certificate is registered for this application.",
        )
    if not secret:
        raise _OAuthError(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    if not secrets.compare_digest(secret.encode(), app.client_secret.encode()):
        raise _OAuthError(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
            f"value, not the client secret ID, for a secret added to app '{client_id}'.",
        )
    if app.is_secret_expired:
        raise _OAuthError(
            401,
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new "
            "keys for your app, or consider using certificate credentials for added security.",
        )
    return app


def _basic(authorization: str) -> tuple[str, str]:
    """The client's id and secret of an HTTP Basic header (RFC 6749 §2.3.1: each percent-encoded)."""
    try:
        text = base64.b64decode(authorization.split(" ", 1)[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    client_id, _, secret = text.partition(":")
    return unquote(client_id), unquote(secret)


def _token(base_url: str, tenant: TenantSpec, app: AppRegistration, audience: str) -> str:
    """A token of JWT shape with a signature of chance: Graph's tokens are opaque to clients."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "aud": audience,
        "iss": f"{base_url}/{tenant.tenant_id}/",
        "iat": now,
        "nbf": now,
        "exp": now + TOKEN_SECONDS,
        "app_displayname": "Usage reader",
        "appid": app.client_id,
        "appidacr": "1",
        "idtyp": "app",
        "oid": dice.guid(tenant.tenant_id, "service principal", app.client_id),
        "roles": sorted(app.permissions),
        "tid": tenant.tenant_id,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    }
    header = {"typ": "JWT", "alg": "RS256", "kid": "simulated"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, secrets.token_urlsafe(48)])


def _unauthorized(message: str) -> GraphError:
    return GraphError(
        401,
        "InvalidAuthenticationToken",
        message,
        {"WWW-Authenticate": f'Bearer realm="", authorization_uri="{GRAPH_RESOURCE}", error="invalid_token"'},
    )
