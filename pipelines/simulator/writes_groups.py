"""Groups on the wire: one group, its members, somebody's groups, joining and leaving."""

from __future__ import annotations

from typing import Any

from pipelines.simulator import access, dice, odata, user_properties
from pipelines.simulator.groups import is_dynamic, is_synced
from pipelines.simulator.identity import Grant
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, Reply, directory_request, json_reply
from pipelines.simulator.writes_licenses import LicenseWrites
from pipelines.simulator.written import body_of, change, denied, missing, referenced, synced, user_of

Json = dict[str, Any]

_PROPERTIES = """
id displayName description mail mailEnabled mailNickname securityEnabled groupTypes createdDateTime visibility
assignedLicenses membershipRule membershipRuleProcessingState onPremisesSyncEnabled isAssignableToRole
"""
PROPERTIES = frozenset(_PROPERTIES.split())
_LIST_OPTIONS = frozenset({"$select", "$top", "$count", "$skiptoken"})


class GroupsApi:
    """`/groups/{id}`, its members, and `/users/{id}/memberOf`."""

    def __init__(self, base_url: str, licenses: LicenseWrites) -> None:
        self._base_url = base_url
        self._licenses = licenses

    def group(self, call: Call, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`GET /groups/{id}`."""
        access.require(grant, access.GROUPS)
        odata.refuse_options(call.query, frozenset({"$select"}))
        select = odata.parse_select(call.query.get("$select"), PROPERTIES, "group")
        group = _group(tenant, key)
        shown = odata.project(group, select, tuple(group))
        return json_reply(200, {"@odata.context": f"{odata.METADATA}#groups/$entity", **shown})

    def members(self, call: Call, grant: Grant, tenant: Tenant, key: str) -> Reply:
        """`GET /groups/{id}/members`, people only: no group here has other members."""
        access.require(grant, access.GROUPS)
        group_id = str(_group(tenant, key)["id"])
        found = tenant.members_of(group_id)
        may_see = bool(grant.permissions & access.USERS)
        known = user_properties.ALL if may_see else frozenset({"id"})
        return self._page(call, found, "user", user_properties.ALL, user_properties.DEFAULT, known)

    def member_of(self, call: Call, grant: Grant, tenant: Tenant, key: str, kind: str | None) -> Reply:
        """`GET /users/{id}/memberOf`, all of it or with a cast to groups or directory roles."""
        access.require(grant, access.USERS | access.GROUPS)
        with tenant.lock:
            user_id = str(user_of(tenant, key)["id"])
            ids = tenant.groups_of(user_id)
            groups = [{"@odata.type": "#microsoft.graph.group", **g} for g in tenant.groups() if str(g["id"]) in ids]
            role = tenant.admins().get(user_id)
        roles = [] if role is None else [_role(tenant, role)]
        found = {"group": groups, "directoryrole": roles}.get(kind or "", [*groups, *roles])
        may_see = PROPERTIES | {"roleTemplateId"} if grant.permissions & access.GROUPS else frozenset({"id"})
        default = ("id", "displayName", "description", "groupTypes", "mailEnabled", "securityEnabled")
        return self._page(call, found, "directoryObject", PROPERTIES, default, may_see)

    def add(self, call: Call, grant: Grant, tenant: Tenant, key: str, now: float) -> Reply:
        """`POST /groups/{id}/members/$ref`: 204; licences follow in the background."""
        access.require(grant, access.GROUP_MEMBERS_WRITE)
        wanted = referenced(body_of(call))
        with tenant.lock:
            group = _changeable(tenant, key)
            user_id = str(user_of(tenant, wanted)["id"])
            group_id = str(group["id"])
            if group_id in tenant.groups_of(user_id):
                raise directory_request(
                    "One or more added object references already exist for the following modified properties: "
                    "'members'."
                )
            state = tenant.writes.history.state(user_id, tenant.spec.today)
            change(tenant, user_id, joined=state.joined | {group_id}, left=state.left - {group_id})
            self._licenses.schedule(tenant, user_id, group_id, now)
        return Reply(204)

    def remove(self, grant: Grant, tenant: Tenant, key: str, member: str, now: float) -> Reply:
        """`DELETE /groups/{id}/members/{userId}/$ref`: 204, or 404 for somebody who is no member."""
        access.require(grant, access.GROUP_MEMBERS_WRITE)
        with tenant.lock:
            group = _changeable(tenant, key)
            user_id, group_id = str(user_of(tenant, member)["id"]), str(group["id"])
            if group_id not in tenant.groups_of(user_id):
                raise missing(member)
            state = tenant.writes.history.state(user_id, tenant.spec.today)
            change(tenant, user_id, joined=state.joined - {group_id}, left=state.left | {group_id})
            self._licenses.schedule(tenant, user_id, group_id, now)
        return Reply(204)

    def _page(
        self,
        call: Call,
        items: list[Json],
        type_name: str,
        known: frozenset[str],
        default: tuple[str, ...],
        visible: frozenset[str],
    ) -> Reply:
        """A collection in pages; what the app may not see comes as null."""
        odata.refuse_options(call.query, _LIST_OPTIONS)
        select = odata.parse_select(call.query.get("$select"), known, type_name)
        token = call.query.get("$skiptoken")
        after = None if token is None else str(odata.decode_token(token).get("after"))
        page = odata.page_of(items, odata.parse_top(call.query.get("$top")), after)
        content: Json = {"@odata.context": f"{odata.METADATA}#directoryObjects"}
        if page.resume_after is not None:
            link = odata.encode_token({"after": page.resume_after})
            content["@odata.nextLink"] = odata.link_to(self._base_url, call, skiptoken=link)
        content["value"] = [_shown(item, select, default, visible) for item in page.items]
        return json_reply(200, content)


def _shown(item: Json, select: tuple[str, ...] | None, default: tuple[str, ...], visible: frozenset[str]) -> Json:
    kind = {"@odata.type": item.get("@odata.type", "#microsoft.graph.user")}
    properties = odata.project(item, select, default)
    return kind | {name: value if name in visible else None for name, value in properties.items()}


def _role(tenant: Tenant, name: str) -> Json:
    role_id = dice.guid(tenant.spec.seed, tenant.spec.tenant_id, "directory role", name)
    return {"@odata.type": "#microsoft.graph.directoryRole", "id": role_id, "displayName": name}


def _group(tenant: Tenant, key: str) -> Json:
    found = next((group for group in tenant.groups() if str(group["id"]).lower() == key.lower()), None)
    if found is None:
        raise missing(key)
    return found


def _changeable(tenant: Tenant, key: str) -> Json:
    """The group, or the refusal of one whose members a rule or the premises decide."""
    group = _group(tenant, key)
    if is_dynamic(group):
        raise denied()
    if is_synced(group):
        raise synced()
    return group
