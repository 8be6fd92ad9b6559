"""The identity platform: OpenID discovery, and tokens for apps, machines and signed-in accounts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from pipelines.simulator import dice
from pipelines.simulator.clients import Clients, find_app
from pipelines.simulator.devices import CODE_SECONDS, PAGE, POLL_SECONDS, Devices
from pipelines.simulator.machines import PATHS, TOKEN_SECONDS, Machines
from pipelines.simulator.oauth import NO_STORE, OAuthError, encode_part, form_of, opaque_jwt, require_post
from pipelines.simulator.sign_ins import EVERYBODY, ServiceAccount, SignIns
from pipelines.simulator.spec import AppRegistration, TenantSpec
from pipelines.simulator.wire import Call, GraphError, Reply, json_reply

GRAPH_RESOURCE = "https://graph.microsoft.com"
DEFAULT_SCOPE = "/.default"
DISCOVERY_PATH = ("v2.0", ".well-known", "openid-configuration")
TOKEN_PATH = ("oauth2", "v2.0", "token")
DEVICE_PATH = ("oauth2", "v2.0", "devicecode")
LOGIN_PATH = ("devicelogin",)
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
OPENID_SCOPES = frozenset({"openid", "profile", "offline_access", "email"})


@dataclass(frozen=True)
class Grant:
    """What a token stands for. Permissions are those of the hour in which it was issued."""

    tenant_id: str
    app_id: str
    permissions: frozenset[str]
    expires_at: float
    roles: frozenset[str] | None = None
    """The directory roles of a signed-in account; None for an app, which needs none."""


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
        self.sign_ins = SignIns()
        self.devices = Devices(clock)
        self._clients = Clients(base_url, self.sign_ins)
        self._machines = Machines(self.sign_ins, frozenset({GRAPH_RESOURCE, base_url}), self._machine_token)

    def serves(self, call: Call) -> bool:
        """Whether the path is one of the identity platform's."""
        path = call.segments
        return path[1:] in (DISCOVERY_PATH, TOKEN_PATH, DEVICE_PATH) or path == LOGIN_PATH or path in PATHS

    def serve(self, call: Call) -> Reply:
        """The answer to a request for discovery, a token or a code."""
        if call.segments in PATHS:
            return self._machines.serve(call)
        if call.segments == LOGIN_PATH:
            return self._login_page(call)
        try:
            tenant = self._find_tenant(call.segments[0])
            if tenant is None:
                raise OAuthError(
                    400,
                    "invalid_request",
                    90002,
                    f"Tenant '{call.segments[0]}' not found. Check to make sure you have the correct tenant ID and "
                    "are signing into the correct cloud. Check with your subscription administrator, this may "
                    "happen if there are no active subscriptions for the tenant.",
                )
            if call.segments[1:] == DISCOVERY_PATH:
                return self._discover(call, tenant)
            require_post(call)
            if call.segments[1:] == DEVICE_PATH:
                return self._offer_code(form_of(call), tenant)
            return self._issue(call, form_of(call), tenant)
        except OAuthError as refusal:
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

    def app_of(self, call: Call) -> str:
        """The application of the call's token; empty where there is none."""
        with self._lock:
            grant = self._grants.get(call.bearer or "")
        return grant.app_id if grant else ""

    def revoke_all(self) -> None:
        """Let no token issued so far be known any more."""
        with self._lock:
            self._grants.clear()

    def revoke_sign_ins(self) -> None:
        """Let accounts that are signed in have to sign in again, as after a change of password."""
        self.devices.revoke_all()

    def _discover(self, call: Call, tenant: TenantSpec) -> Reply:
        if call.method != "GET":
            raise OAuthError(405, "invalid_request", 900561, f"The endpoint only accepts GET, not {call.method}.")
        root = f"{self._base_url}/{tenant.tenant_id}"
        return json_reply(
            200,
            {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
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
                "msgraph_host": urlsplit(self._base_url).hostname,
            },
        )

    def _issue(self, call: Call, form: dict[str, str], tenant: TenantSpec) -> Reply:
        grant_type = form.get("grant_type")
        if grant_type in (DEVICE_GRANT, "refresh_token"):
            return self._issue_to_account(form, tenant)
        app = self._clients.authenticate(form, call.headers.get("authorization", ""), tenant)
        if grant_type != "client_credentials":
            raise OAuthError(
                400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant_type}'."
            )
        audience = self._resource(form.get("scope", ""))
        token = self._app_token(tenant, app.client_id, app.permissions, audience)
        return json_reply(200, {"ext_expires_in": TOKEN_SECONDS, **_bearer(token)}, NO_STORE)

    def _app_token(self, tenant: TenantSpec, client_id: str, permissions: frozenset[str], audience: str) -> str:
        claims = {
            "app_displayname": "Usage reader",
            "appid": client_id,
            "idtyp": "app",
            "oid": dice.guid(tenant.tenant_id, "service principal", client_id),
            "roles": sorted(permissions),
            "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
        }
        return self._keep(tenant, client_id, permissions, audience, claims)

    def _keep(
        self,
        tenant: TenantSpec,
        client_id: str,
        permissions: frozenset[str],
        audience: str,
        claims: dict[str, Any],
        roles: frozenset[str] | None = None,
    ) -> str:
        now = int(time.time())
        token = opaque_jwt(
            {
                "aud": audience,
                "iss": f"{self._base_url}/{tenant.tenant_id}/",
                "iat": now,
                "nbf": now,
                "exp": now + TOKEN_SECONDS,
                "tid": tenant.tenant_id,
                "uti": secrets.token_urlsafe(16),
                "ver": "1.0",
                **claims,
            }
        )
        grant = Grant(tenant.tenant_id, client_id, permissions, self._clock() + TOKEN_SECONDS, roles)
        with self._lock:
            self._grants[token] = grant
        return token

    def _offer_code(self, form: dict[str, str], tenant: TenantSpec) -> Reply:
        app = find_app(form.get("client_id", ""), tenant)
        audience = self._resource_of_account(form)
        device_code, user_code = self.devices.offer(tenant.tenant_id, app.client_id, audience)
        page = f"{self._base_url}/{LOGIN_PATH[0]}"
        return json_reply(
            200,
            {
                "user_code": user_code,
                "device_code": device_code,
                "verification_uri": page,
                "expires_in": CODE_SECONDS,
                "interval": POLL_SECONDS,
                "message": f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to "
                "authenticate.",
            },
            NO_STORE,
        )

    def _login_page(self, call: Call) -> Reply:
        """Whoever enters a code that is waited for is signed in with the tenant's account."""
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if call.method != "POST":
            return Reply(200, PAGE, headers)
        if self.devices.answer(form_of(call).get("code", "")):
            return Reply(200, b"You have signed in. You may now close this window.", headers)
        return Reply(400, b"That code didn't work.", headers)

    def _issue_to_account(self, form: dict[str, str], tenant: TenantSpec) -> Reply:
        app = find_app(form.get("client_id", ""), tenant)
        account = self.sign_ins.account(tenant.tenant_id)
        if form.get("grant_type") == DEVICE_GRANT:
            if not self.sign_ins.is_public_client(app.client_id):
                raise OAuthError(
                    401,
                    "invalid_client",
                    7000218,
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                )
            audience = self.devices.redeem(form.get("device_code", ""), tenant.tenant_id, app.client_id)
        else:
            audience = self._resource_of_account(form)
            self.devices.refresh(form.get("refresh_token", ""), tenant.tenant_id, app.client_id)
        permissions = app.permissions if account.permissions is None else account.permissions
        claims = {
            "appid": app.client_id,
            "idtyp": "user",
            "oid": account.object_id,
            "scp": " ".join(sorted(permissions)),
            "wids": sorted(account.roles | {EVERYBODY}),
        }
        token = self._keep(tenant, app.client_id, permissions, audience, claims, account.roles)
        return json_reply(
            200,
            {
                **_bearer(token),
                "scope": " ".join(f"{audience}/{name}" for name in (*sorted(permissions), ".default")),
                "refresh_token": self.devices.keep_signed_in(tenant.tenant_id, app.client_id, account.object_id),
                "id_token": _id_token(self._base_url, tenant, app, account),
                "client_info": encode_part({"uid": account.object_id, "utid": tenant.tenant_id}),
            },
            NO_STORE,
        )

    def _machine_token(
        self, tenant_id: str, client_id: str, permissions: frozenset[str] | None, url: str
    ) -> str | None:
        tenant = self._find_tenant(tenant_id)
        if tenant is None:
            return None
        return self._app_token(tenant, client_id, tenant.permissions if permissions is None else permissions, url)

    def _resource_of_account(self, form: dict[str, str]) -> str:
        """The one resource among the scopes of a sign-in with a code; those of OpenID come along."""
        scopes = [scope for scope in form.get("scope", "").split() if scope not in OPENID_SCOPES]
        return self._resource(" ".join(scopes))

    def _resource(self, scope: str) -> str:
        resource = scope.removesuffix(DEFAULT_SCOPE)
        if not scope.endswith(DEFAULT_SCOPE) or " " in scope:
            raise OAuthError(
                400,
                "invalid_scope",
                70011,
                "The provided request must include a 'scope' input parameter. The provided value for the input "
                f"parameter 'scope' is not valid. The scope {scope} is not valid.",
            )
        if resource.rstrip("/") not in (GRAPH_RESOURCE, self._base_url):
            raise OAuthError(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {resource} was not found in the tenant.",
            )
        return resource


def _bearer(token: str) -> dict[str, Any]:
    return {"token_type": "Bearer", "expires_in": TOKEN_SECONDS, "access_token": token}


def _id_token(base_url: str, tenant: TenantSpec, app: AppRegistration, account: ServiceAccount) -> str:
    now = int(time.time())
    return opaque_jwt(
        {
            "aud": app.client_id,
            "iss": f"{base_url}/{tenant.tenant_id}/v2.0",
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "oid": account.object_id,
            "sub": account.object_id,
            "tid": tenant.tenant_id,
            "preferred_username": f"svc-usage@{tenant.domain}",
            "ver": "2.0",
        }
    )


def _unauthorized(message: str) -> GraphError:
    return GraphError(
        401,
        "InvalidAuthenticationToken",
        message,
        {"WWW-Authenticate": f'Bearer realm="", authorization_uri="{GRAPH_RESOURCE}", error="invalid_token"'},
    )
