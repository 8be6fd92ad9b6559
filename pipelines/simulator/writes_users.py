"""Accounts on the wire: create, change, delete and restore users, their manager, their sessions."""

from __future__ import annotations

from typing import Any

from pipelines.simulator import access, dice, odata, user_properties
from pipelines.simulator.identity import Grant
from pipelines.simulator.overlay import NO_LICENSES, UserState, as_reference
from pipelines.simulator.spec import USER_ENABLE
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.user_checks import (
    FROM_ON_PREMISES,
    REQUIRED,
    SENSITIVE,
    TEXTS,
    check_name,
    check_password,
    check_values,
    known_properties,
    wanted,
)
from pipelines.simulator.wire import Call, Reply, json_reply
from pipelines.simulator.written import (
    body_of,
    change,
    instant,
    missing,
    referenced,
    refuse_admin,
    synced,
    user_of,
)

Json = dict[str, Any]


class UserWrites:
    """`POST /users`, `PATCH` and `DELETE /users/{id}`, `…/manager/$ref`, `…/revokeSignInSessions`, restore."""

    def create(self, call: Call, grant: Grant, tenant: Tenant) -> Reply:
        """`POST /users`: 201 with the new user, which has no licences, no groups and no manager."""
        access.require(grant, access.USERS_WRITE)
        content = known_properties(body_of(call))
        for name in REQUIRED:
            if content.get(name) in (None, ""):
                raise wanted(name)
        check_values(content)
        check_password(content["passwordProfile"])
        with tenant.lock:
            check_name(tenant, str(content["userPrincipalName"]), None)
            user = self._made(tenant, content)
            history = tenant.writes.history
            history.put(str(user["id"]), UserState(origin=user, is_new=True), tenant.spec.today)
        shown = odata.project(user, None, user_properties.DEFAULT)
        return json_reply(201, {"@odata.context": f"{odata.METADATA}#users/$entity", **shown})

    def update(self, call: Call, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`PATCH /users/{id}`: 204."""
        content = known_properties(body_of(call))
        is_switch = content.keys() == {"accountEnabled"}
        access.require(grant, access.USERS_ENABLE if is_switch else access.USERS_WRITE)
        if is_switch and USER_ENABLE in grant.permissions:
            access.require(grant, access.USERS)
        if "passwordProfile" in content:
            access.require(grant, access.PASSWORDS)
        with tenant.lock:
            user = user_of(tenant, key)
            user_id = str(user["id"])
            if content.keys() & SENSITIVE:
                refuse_admin(tenant, user_id)
            if user.get("onPremisesSyncEnabled") and content.keys() & FROM_ON_PREMISES:
                raise synced()
            check_values(content)
            if "userPrincipalName" in content:
                check_name(tenant, str(content["userPrincipalName"]), user_id)
            content.pop("passwordProfile", None)
            before = dict(tenant.writes.history.state(user_id, tenant.spec.today).properties)
            # Nobody signs in to a blocked account: the last sign-in stays what it is.
            before.pop("signInActivity", None)
            if content.get("accountEnabled", before.get("accountEnabled")) is False and "signInActivity" in user:
                before["signInActivity"] = user["signInActivity"]
            change(tenant, user_id, properties={**before, **content})
        return Reply(204)

    def delete(self, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`DELETE /users/{id}`: 204; the account is among the deleted items for 30 days, its units are free."""
        access.require(grant, access.USERS_DELETE)
        with tenant.lock:
            user_id = str(user_of(tenant, key)["id"])
            refuse_admin(tenant, user_id)
            change(tenant, user_id, origin=tenant.origin(user_id), deleted_at=instant(tenant))
        return Reply(204)

    def deleted(self, grant: Grant, tenant: Tenant, key: str, call: Call) -> Reply:
        """`GET /directory/deletedItems/{id}`."""
        access.require(grant, access.USERS | access.USERS_DELETE)
        select = odata.parse_select(call.query.get("$select"), user_properties.ALL, "user")
        item = _deleted_item(tenant, key)
        shown = odata.project(item, select, (*user_properties.DEFAULT, "deletedDateTime"))
        return json_reply(200, {**_directory_object(), **shown})

    def restore(self, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`POST /directory/deletedItems/{id}/restore`: 200 with the user.

        Licences and groups come back with it, whether units are left or not (Entra documentation, "Restore or
        remove a recently deleted user").
        """
        access.require(grant, access.USERS_DELETE)
        with tenant.lock:
            item = _deleted_item(tenant, key)
            user_id = str(item["id"])
            refuse_admin(tenant, user_id)
            name = str(item["userPrincipalName"]).removeprefix(user_id.replace("-", ""))
            check_name(tenant, name, user_id)
            origin = tenant.writes.history.state(user_id, tenant.spec.today).origin
            if origin is None:
                origin = tenant.last_seen(user_id) or item | {"deletedDateTime": None, "userPrincipalName": name}
            change(tenant, user_id, origin=origin, deleted_at=None)
            shown = odata.project(user_of(tenant, user_id), None, user_properties.DEFAULT)
        return json_reply(200, {**_directory_object(), **shown})

    def set_manager(self, call: Call, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`PUT /users/{id}/manager/$ref`: 204."""
        access.require(grant, access.USERS_WRITE)
        manager_key = referenced(body_of(call))
        with tenant.lock:
            user = user_of(tenant, key)
            if user.get("onPremisesSyncEnabled"):
                raise synced()
            manager = as_reference(user_of(tenant, manager_key))
            change(tenant, str(user["id"]), is_manager_set=True, manager_id=str(manager["id"]))
        return Reply(204)

    def remove_manager(self, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`DELETE /users/{id}/manager/$ref`: 204, or 404 for somebody without one."""
        access.require(grant, access.USERS_WRITE)
        with tenant.lock:
            user = user_of(tenant, key)
            if user.get("manager") is None:
                raise missing("manager")
            if user.get("onPremisesSyncEnabled"):
                raise synced()
            change(tenant, str(user["id"]), is_manager_set=True, manager_id=None)
        return Reply(204)

    def revoke_sessions(self, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`POST /users/{id}/revokeSignInSessions`: 200 and `true`."""
        access.require(grant, access.SESSIONS)
        with tenant.lock:
            user_id = str(user_of(tenant, key)["id"])
            before = tenant.writes.history.state(user_id, tenant.spec.today).properties
            at = instant(tenant)
            change(tenant, user_id, properties={**before, "signInSessionsValidFromDateTime": at})
            counted = tenant.writes.sessions_revoked
            counted[user_id] = counted.get(user_id, 0) + 1
        return json_reply(200, {"@odata.context": f"{odata.METADATA}#Edm.Boolean", "value": True})

    def _made(self, tenant: Tenant, content: Json) -> Json:
        spec, at = tenant.spec, instant(tenant)
        user_id = dice.guid(spec.seed, spec.tenant_id, "created", tenant.writes.history.newest, at)
        empty: Json = dict.fromkeys(sorted(TEXTS - {"userPrincipalName"}))
        return {
            "id": user_id,
            **empty,
            "businessPhones": [],
            "userType": "Member",
            "createdDateTime": at,
            "deletedDateTime": None,
            "onPremisesSyncEnabled": None,
            "proxyAddresses": [],
            **NO_LICENSES,
            **{name: value for name, value in content.items() if name != "passwordProfile"},
        }


def _deleted_item(tenant: Tenant, key: str) -> Json:
    found = next((item for item in tenant.deleted_users() if str(item["id"]).lower() == key.lower()), None)
    if found is None:
        raise missing(key)
    return found


def _directory_object() -> Json:
    return {
        "@odata.context": f"{odata.METADATA}#directoryObjects/$entity",
        "@odata.type": "#microsoft.graph.user",
    }
