"""`/users/delta`: everybody once, then only what changed since the token's day."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pipelines.simulator import access, odata, user_properties
from pipelines.simulator.identity import Grant
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, GraphError, Reply, bad_request, json_reply, unsupported_query

Json = dict[str, Any]

DELTA_PAGE = 200
TOKEN_DAYS = 7
"""How long a delta token of the directory lives."""
NOT_IN_DELTA = frozenset({"signInActivity"})
LATEST = "latest"


class DeltaApi:
    """The changes of the directory, day against day."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def users(self, call: Call, grant: Grant, tenant: Tenant) -> Reply:
        """`GET /users/delta`, its next pages and its later calls."""
        access.require(grant, access.USERS)
        query = call.query
        odata.refuse_options(query, frozenset({"$select", "$top", "$skiptoken", "$deltatoken"}))
        token = query.get("$skiptoken") or query.get("$deltatoken")
        if not token or token == LATEST:
            selected = odata.parse_select(query.get("$select"), user_properties.ALL, "user")
            state: Json = {"since": None, "after": None, "until": tenant.spec.today.isoformat(), **_newest(tenant)}
        else:
            state = _state(token)
            stored = state.get("select")
            selected = tuple(stored) if stored is not None else None
            if "$deltatoken" in query:
                _refuse_expired(state, tenant.spec.today)
                state = {
                    "since": state["until"],
                    "since_version": state.get("version", 0),
                    "after": None,
                    "until": tenant.spec.today.isoformat(),
                    **_newest(tenant),
                }
        if NOT_IN_DELTA & set(selected or ()):
            raise unsupported_query("The property 'signInActivity' is not supported in delta queries.")
        state["select"] = list(selected) if selected is not None else None
        items = [] if token == LATEST else self._items(tenant, state, selected, _is_minimal(call))
        page = odata.page_of(items, _page_size(call), state["after"])
        return self._reply(call, page, state)

    def _reply(self, call: Call, page: odata.Page, state: Json) -> Reply:
        content: Json = {"@odata.context": f"{odata.METADATA}#users"}
        bare = Call(call.method, call.host, call.path, "", {}, b"")
        if page.resume_after is not None:
            token = odata.encode_token({**state, "after": page.resume_after})
            content["@odata.nextLink"] = odata.link_to(self._base_url, bare, skiptoken=token)
        else:
            token = odata.encode_token({**state, "after": None})
            content["@odata.deltaLink"] = odata.link_to(self._base_url, bare, deltatoken=token)
        content["value"] = page.items
        return json_reply(200, content)

    def _items(self, tenant: Tenant, state: Json, select: tuple[str, ...] | None, is_minimal: bool) -> list[Json]:
        version = state.get("version", 0)
        now = {str(user["id"]): user for user in tenant.users(date.fromisoformat(state["until"]), version)}
        names = ("id", *(name for name in select or user_properties.DEFAULT if name != "id"))

        def shown(user: Json) -> Json:
            return odata.project(user, names, names)

        if state["since"] is None:
            return [shown(user) for user in now.values()]
        since = date.fromisoformat(state["since"])
        told = state.get("since_version", 0)
        before = {str(user["id"]): user for user in tenant.users(since, told)}
        changes = []
        for user_id, user in now.items():
            new, old = shown(user), shown(before[user_id]) if user_id in before else None
            if old is None or not is_minimal:
                if new != old:
                    changes.append(new)
            elif new != old:
                changes.append({"id": user_id} | {name: v for name, v in new.items() if old.get(name) != v})
        was_deleted = {str(user["id"]) for user in tenant.with_today(since).deleted_users(told)}
        is_deleted = {str(user["id"]) for user in tenant.deleted_users(version)}
        return changes + _removed(set(before), set(now), was_deleted, is_deleted)


def _newest(tenant: Tenant) -> Json:
    """The newest write that the answer tells of; nothing while nothing has been written."""
    newest = tenant.writes.history.newest
    return {"version": newest} if newest else {}


def _removed(before: set[str], now: set[str], was_deleted: set[str], is_deleted: set[str]) -> list[Json]:
    """Users deleted since: `changed` while they can be restored, `deleted` when they are gone for good."""
    gone = (before - now) | (was_deleted - is_deleted - now)
    return [
        {"id": user_id, "@removed": {"reason": "changed" if user_id in is_deleted else "deleted"}}
        for user_id in sorted(gone)
    ]


def _state(token: str) -> Json:
    state = odata.decode_token(token)
    try:
        date.fromisoformat(state["until"])
        if state["since"] is not None:
            date.fromisoformat(state["since"])
        if state["after"] is not None and not isinstance(state["after"], str):
            raise ValueError
        if not all(isinstance(state.get(name, 0), int) for name in ("version", "since_version")):
            raise ValueError
        if state["select"] is not None:
            odata.parse_select(",".join(state["select"]), user_properties.ALL, "user")
    except (KeyError, TypeError, ValueError):
        raise bad_request("The specified delta token is not valid.") from None
    return state


def _refuse_expired(state: Json, today: date) -> None:
    if (today - date.fromisoformat(state["until"])).days > TOKEN_DAYS:
        raise GraphError(
            400,
            "syncStateNotFound",
            "The sync state generation is not found; continuing incremental sync requires a full synchronization.",
        )


def _is_minimal(call: Call) -> bool:
    return "return=minimal" in call.headers.get("prefer", "").replace(" ", "").lower()


def _page_size(call: Call) -> int:
    preferred = re.search(r"odata\.maxpagesize=(\d+)", call.headers.get("prefer", ""), re.IGNORECASE)
    if preferred:
        return max(1, min(int(preferred[1]), odata.MAX_PAGE))
    return odata.parse_top(call.query.get("$top"), default=DELTA_PAGE)
