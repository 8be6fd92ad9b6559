"""What every write has in common: the body as JSON, its target, the instant, and the directory's refusals."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pipelines.simulator.overlay import UserState
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, GraphError, bad_request, directory_request

Json = dict[str, Any]

_REFERENCE = re.compile(r"/(?:users|directoryObjects)(?:/|\(')(?P<key>[^/')]+)(?:'\))?/?\Z", re.IGNORECASE)
_DAY_STARTS = 8 * 3600


def body_of(call: Call) -> Json:
    """The body as a JSON object, or 400."""
    if call.body and "json" not in call.headers.get("content-type", "").lower():
        raise directory_request("Write requests (excluding DELETE) must contain the Content-Type header declaration.")
    try:
        content = json.loads(call.body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid "
            "JSON format."
        )
    return content


def referenced(content: Json) -> str:
    """The object that `{"@odata.id": "https://…/users/{id}"}` points to, or 400."""
    link = content.get("@odata.id")
    match = _REFERENCE.search(link) if isinstance(link, str) else None
    if match is None:
        raise bad_request("Invalid URL format specified in @odata.id.")
    return match["key"]


def missing(key: str) -> GraphError:
    """404 of the directory: no such object, or no such reference."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


def denied() -> GraphError:
    """403 of the directory: a permission is missing, or the target stands above the caller."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def synced() -> GraphError:
    """400 for a change of something that is kept on premises."""
    return directory_request(
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
        "currently undergoing migration."
    )


def user_of(tenant: Tenant, key: str) -> Json:
    """The user of an id or user principal name, or 404."""
    user = tenant.user(key)
    if user is None:
        raise missing(key)
    return user


def refuse_admin(tenant: Tenant, user_id: str) -> None:
    """Refuse a sensitive action on somebody with an administrator role.

    An application needs a role of its own for that; its permissions are not enough (Graph documentation, "Who
    can perform sensitive actions").
    """
    if user_id in tenant.admins():
        raise denied()


def instant(tenant: Tenant) -> str:
    """The instant of the next write: on the tenant's day, one second later than that of the write before."""
    seconds = timedelta(seconds=_DAY_STARTS + tenant.writes.history.newest % 50_000)
    return f"{tenant.spec.today}T{int(seconds.total_seconds()) // 3600:02}:{_minutes(seconds)}Z"


def change(tenant: Tenant, user_id: str, **changes: Any) -> UserState:
    """Write a new version of a user, with some fields of its state replaced."""
    history = tenant.writes.history
    state = replace(history.state(user_id, tenant.spec.today), **changes)
    history.put(user_id, state, tenant.spec.today)
    return state


def _minutes(since: timedelta) -> str:
    seconds = int(since.total_seconds())
    return f"{seconds // 60 % 60:02}:{seconds % 60:02}"
