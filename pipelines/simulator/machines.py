"""The token endpoint on an Azure machine with a managed identity, as App Service and virtual machines have it."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipelines.simulator.sign_ins import SignIns
from pipelines.simulator.wire import Call, Reply, json_reply

TOKEN_SECONDS = 3599
"""How long a token is valid; what Entra answers for client credentials."""
APP_SERVICE_PATH = ("msi", "token")
VIRTUAL_MACHINE_PATH = ("metadata", "identity", "oauth2", "token")
PATHS = (APP_SERVICE_PATH, VIRTUAL_MACHINE_PATH)
VIRTUAL_MACHINE = "virtual machine"
"""The header's value of identities that a virtual machine gives to whoever reaches its endpoint."""

# Tenant, client id, permissions (None: the tenant's app's) and resource -> a token, or None for no such tenant.
Issue = Callable[[str, str, frozenset[str] | None, str], str | None]


class Machines:
    """Answers machines that have an identity."""

    def __init__(self, sign_ins: SignIns, resources: frozenset[str], issue: Issue) -> None:
        self._sign_ins = sign_ins
        self._resources = resources
        self._issue = issue

    def serve(self, call: Call) -> Reply:
        """The answer to a request for a token."""
        is_machine = call.segments == VIRTUAL_MACHINE_PATH
        header = call.headers.get("x-identity-header", "")
        if is_machine:
            header = VIRTUAL_MACHINE if call.headers.get("metadata", "").lower() == "true" else ""
        if not self._sign_ins.knows_header(header):
            return _refusal(401, "The identity header is missing or wrong.", is_machine=is_machine)
        resource = call.query.get("resource", "").rstrip("/")
        if call.method != "GET" or resource not in self._resources:
            return _refusal(400, f"The resource {resource} is not known.", is_machine=is_machine)
        machine = self._sign_ins.machine(header, call.query.get("client_id"))
        client_id = (machine.client_id if machine else None) or "system"
        token = self._issue(machine.tenant_id, client_id, machine.permissions, resource) if machine else None
        if token is None:
            return _refusal(400, "Identity not found", is_machine=is_machine)
        now = int(time.time())
        return json_reply(
            200,
            {
                "access_token": token,
                "client_id": client_id,
                "expires_in": str(TOKEN_SECONDS),
                "expires_on": str(now + TOKEN_SECONDS),
                "not_before": str(now),
                "resource": resource,
                "token_type": "Bearer",
            },
        )


def _refusal(status: int, message: str, *, is_machine: bool) -> Reply:
    if is_machine:
        return json_reply(status, {"error": "invalid_request", "error_description": message})
    return json_reply(status, {"statusCode": status, "message": message})
