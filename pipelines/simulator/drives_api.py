"""OneDrive on the wire: drives, items, children, folders, permissions. Copies are started in `copies`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

from pipelines.simulator import access, odata
from pipelines.simulator.copies import CopyService
from pipelines.simulator.drive_errors import CONFLICT, check_conflict, check_name, invalid, name_taken, not_found
from pipelines.simulator.drive_json import (
    drive_json,
    etag_of,
    granted_permission,
    item_json,
    link_permission,
    owner_permission,
    path_of,
    versions_json,
)
from pipelines.simulator.drive_store import Node
from pipelines.simulator.drives import OpenDrive, drive_by_id, drive_of_user
from pipelines.simulator.identity import Grant
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, GraphError, Reply, json_reply, method_not_allowed, unknown_segment
from pipelines.simulator.written import body_of, instant

Json = dict[str, Any]

CHILDREN_PAGE = 200
ROLES = ("read", "write", "owner")


class DrivesApi:
    """`/users/{id}/drive/…` and `/drives/{id}/…`."""

    def __init__(self, base_url: str, copies: CopyService) -> None:
        self._base_url = base_url
        self._copies = copies

    def serve(self, call: Call, grant: Grant, tenant: Tenant, path: tuple[str, ...]) -> Reply:
        """The answer to a call; `path` begins with `users` or `drives`."""
        access.require_files(grant, access.FILES if call.method == "GET" else access.FILES_WRITE)
        with tenant.lock:
            if path[0].lower() == "users":
                opened, rest = drive_of_user(tenant, path[1]), path[3:]
            else:
                opened, rest = drive_by_id(tenant, path[1]), path[2:]
            if not rest:
                return _only_get(call, lambda: json_reply(200, {**_context("drives/$entity"), **drive_json(opened)}))
            node, rest = _resolved(opened, rest)
            return self._item(call, tenant, opened, node, tuple(part.lower() for part in rest), rest)

    def _item(
        self, call: Call, tenant: Tenant, opened: OpenDrive, node: Node, lower: tuple[str, ...], rest: tuple[str, ...]
    ) -> Reply:
        match (call.method, lower):
            case ("GET", ()):
                return _one(call, opened, node)
            case ("PATCH", ()):
                return _rename(call, tenant, opened, node)
            case ("DELETE", ()):
                return _delete(call, opened, node)
            case ("GET", ("children",)):
                return self._children(call, opened, node)
            case ("POST", ("children",)):
                return _make_folder(call, tenant, opened, node)
            case ("POST", ("copy" | "microsoft.graph.copy",)):
                return self._copies.start(call, tenant, opened, node)
            case ("POST", ("invite" | "microsoft.graph.invite",)):
                return _invite(call, tenant, opened, node)
            case ("GET", ("permissions",)):
                return json_reply(200, {**_context("permissions"), "value": _permissions(opened, node)})
            case ("GET" | "DELETE", ("permissions", _)):
                return _permission(call, opened, node, rest[1])
            case ("GET", ("versions",)) if node.kind == "file":
                return json_reply(200, {**_context("versions"), "value": versions_json(node)})
            case (_, () | ("children",) | ("copy",) | ("invite",) | ("permissions",) | ("versions",)):
                raise method_not_allowed(call)
        raise unknown_segment(rest[0])

    def _children(self, call: Call, opened: OpenDrive, node: Node) -> Reply:
        """One page of a folder's items, 200 where `$top` says nothing else."""
        odata.refuse_options(call.query, frozenset({"$top", "$select", "$skiptoken", "$count"}))
        size = odata.parse_top(call.query.get("$top"), default=CHILDREN_PAGE)
        token = call.query.get("$skiptoken")
        start = 0 if token is None else odata.decode_token(token).get("start")
        if not isinstance(start, int) or start < 0:
            raise invalid("The skip token is not valid.")
        nodes = list(islice(opened.drive.children(node.item_id, start), size + 1)) if node.is_folder else []
        content: Json = {
            **_context("drives('…')/items('…')/children"),
            "@odata.count": opened.drive.count(node.item_id),
        }
        if len(nodes) > size:
            link = odata.encode_token({"start": start + size})
            content["@odata.nextLink"] = odata.link_to(self._base_url, call, skiptoken=link)
        path = path_of(opened, nodes[0].item_id) if nodes else []
        content["value"] = [_selected(call, item_json(opened, child, path)) for child in nodes[:size]]
        return json_reply(200, content)


def _resolved(opened: OpenDrive, rest: tuple[str, ...]) -> tuple[Node, tuple[str, ...]]:
    """The item that the path names, by id or by names behind a colon, and what of the path is left."""
    first = rest[0].lower()
    if first in ("root", "root:"):
        key, rest = opened.drive.root_id + (":" if first == "root:" else ""), rest[1:]
    elif first == "items" and len(rest) > 1:
        key, rest = rest[1], rest[2:]
        if key.lower().rstrip(":") == "root":
            key = opened.drive.root_id + key[4:]
    else:
        raise unknown_segment(rest[0])
    node = opened.drive.node(key.rstrip(":"))
    if key.endswith(":"):
        while rest and node is not None:
            name, rest = rest[0], rest[1:]
            node = opened.drive.named(node.item_id, name.rstrip(":"))
            if name.endswith(":"):
                break
    if node is None:
        raise not_found()
    return node, rest


def _one(call: Call, opened: OpenDrive, node: Node) -> Reply:
    etag = etag_of(opened, node)
    if call.headers.get("if-none-match") == etag:
        return Reply(304, b"", {"ETag": etag})
    return json_reply(200, {**_context("drives/items/$entity"), **_selected(call, item_json(opened, node))})


def _rename(call: Call, tenant: Tenant, opened: OpenDrive, node: Node) -> Reply:
    """`PATCH` with another name; nothing else of an item can be changed here."""
    content = body_of(call)
    if node.parent_id is None or set(content) != {"name"}:
        raise invalid("Only the name of an item below the root can be changed.")
    name = check_name(content["name"])
    _check_match(call, opened, node)
    taken = opened.drive.named(node.parent_id, name)
    if taken is not None and taken.item_id != node.item_id:
        raise name_taken()
    opened.drive.put(replace(node, name=name, modified=instant(tenant)))
    return _one(call, opened, opened.drive.node(node.item_id) or node)


def _delete(call: Call, opened: OpenDrive, node: Node) -> Reply:
    if node.parent_id is None:
        raise invalid("The root folder cannot be deleted.")
    _check_match(call, opened, node)
    opened.drive.remove(node.item_id)
    return Reply(204)


def _make_folder(call: Call, tenant: Tenant, opened: OpenDrive, parent: Node) -> Reply:
    """`POST …/children`: 201 with the new folder, or 409 where the name is taken and nothing else is asked for."""
    content = body_of(call)
    if not isinstance(content.get("folder"), dict):
        raise invalid("Only folders can be made this way: the property 'folder' is missing.")
    name = check_name(content.get("name"))
    wanted = check_conflict(content.get(CONFLICT, "fail"))
    if not parent.is_folder:
        raise invalid("The parent is not a folder.")
    drive = opened.drive
    if drive.named(parent.item_id, name) is not None:
        if wanted != "rename":
            raise name_taken()
        name = drive.free_name(parent.item_id, name, "folder")
    at = instant(tenant)
    made = drive.add(parent.item_id, Node("", parent.item_id, name, "folder", 0, "", at, at))
    return json_reply(201, {**_context("drives/items/$entity"), **item_json(opened, made)})


def _invite(call: Call, tenant: Tenant, opened: OpenDrive, node: Node) -> Reply:
    """`POST …/invite`: 200 with one permission for each recipient; one who has it already has it once."""
    content = body_of(call)
    roles, recipients = content.get("roles"), content.get("recipients")
    if not isinstance(roles, list) or not roles or not all(role in ROLES for role in roles):
        raise invalid("The property 'roles' must name read, write or owner.")
    if not isinstance(recipients, list) or not recipients:
        raise invalid("The property 'recipients' must name at least one recipient.")
    if content.get("requireSignIn") is not True and content.get("sendInvitation") is not True:
        raise invalid("One of requireSignIn and sendInvitation must be true.")
    users = [_recipient(tenant, item) for item in recipients]
    granted = opened.permissions.setdefault(node.item_id, [])
    made = [granted_permission(opened, node, user, [str(role) for role in roles]) for user in users]
    for permission in made:
        granted[:] = [kept for kept in granted if kept["id"] != permission["id"]]
        granted.append(permission)
    return json_reply(200, {**_context("Collection(permission)"), "value": made})


def _recipient(tenant: Tenant, item: Any) -> Json:
    """The person of the tenant whom a recipient means, by id, user principal name or mail address."""
    email = item.get("email") or item.get("alias") or item.get("objectId") if isinstance(item, dict) else None
    wanted = email.lower() if isinstance(email, str) else ""
    found = tenant.user(wanted) or next(
        (user for user in tenant.users() if str(user.get("mail") or "").lower() == wanted), None
    )
    if found is None:
        raise GraphError(400, "invalidRequest", "One or more of the recipients could not be resolved.")
    return found


def _permissions(opened: OpenDrive, node: Node) -> list[Json]:
    """Who may do what: the owner, those invited, those invited to a folder above, and an old link."""
    found = [owner_permission(opened, node)]
    if node.is_shared:
        found.append(link_permission(opened, node))
    found += opened.permissions.get(node.item_id, [])
    for folder in opened.drive.ancestors(node.item_id):
        inherited = {"driveId": opened.drive_id, "id": folder.item_id}
        found += [{**granted, "inheritedFrom": inherited} for granted in opened.permissions.get(folder.item_id, [])]
    return found


def _permission(call: Call, opened: OpenDrive, node: Node, permission_id: str) -> Reply:
    found = next((item for item in _permissions(opened, node) if item["id"] == permission_id), None)
    if found is None:
        raise not_found()
    if call.method == "GET":
        return json_reply(200, {**_context("permissions/$entity"), **found})
    granted = opened.permissions.get(node.item_id, [])
    if found not in granted:
        raise invalid("Only a permission that was granted on the item itself can be removed.")
    granted.remove(found)
    if not granted:
        del opened.permissions[node.item_id]
    return Reply(204)


def _check_match(call: Call, opened: OpenDrive, node: Node) -> None:
    """412 where the item is not any more what the caller has seen (`If-Match`)."""
    wanted = call.headers.get("if-match")
    if wanted not in (None, "*", etag_of(opened, node)):
        raise GraphError(412, "resourceModified", "ETag does not match current item's value")


def _selected(call: Call, item: Json) -> Json:
    select = call.query.get("$select")
    if select is None:
        return item
    wanted = {name.strip().lower() for name in select.split(",")}
    return {name: value for name, value in item.items() if name.lower() in wanted}


def _context(what: str) -> Json:
    return {"@odata.context": f"{odata.METADATA}#{what}"}


def _only_get(call: Call, answer: Callable[[], Reply]) -> Reply:
    if call.method != "GET":
        raise method_not_allowed(call)
    return answer()
