"""Copies between drives: accepted at once, done in the background, told by a monitor that needs no token.

Facts from Graph's documentation of `driveItem: copy` and of long-running actions: 30,000 items at most; a copy is
a new item without the permissions, and with only the latest version unless `includeAllVersionHistory` is asked for
without a `name`; `replace` is for files; the root can only be
copied with `childrenOnly`; conflicts are found while copying, and the whole operation then fails.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from pipelines.simulator.drive_errors import CONFLICT, check_conflict, check_name, invalid, not_found
from pipelines.simulator.drive_store import GIB, Drive, Node
from pipelines.simulator.drives import OpenDrive, drive_by_id
from pipelines.simulator.spec import Pace
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, Reply, json_reply
from pipelines.simulator.written import body_of, instant

Json = dict[str, Any]

MONITOR_PATH = ("_api", "v2.0", "monitor")
MOST_ITEMS = 30_000
MOST_BYTES = 100 * GIB
KEPT_SECONDS = 3600.0
"""How long a monitor tells how its copy ended."""


@dataclass
class Copy:
    """One accepted copy."""

    copy_id: str
    secret: str
    tenant: Tenant
    source: OpenDrive
    item_id: str
    target: OpenDrive
    folder_id: str
    name: str | None
    conflict: str
    is_children_only: bool
    has_versions: bool
    started: float
    seconds: float
    status: str = "inProgress"
    error: Json | None = None
    resource_id: str | None = None

    @property
    def due(self) -> float:
        """When it is done."""
        return self.started + self.seconds


class CopyService:
    """Starts copies, carries them out when they are due, and tells of them."""

    def __init__(self, monitor_url: str, pace: Pace, clock: Callable[[], float]) -> None:
        self._monitor_url = monitor_url
        self._pace = pace
        self._clock = clock
        self._lock = Lock()
        self._copies: dict[str, Copy] = {}

    def start(self, call: Call, tenant: Tenant, source: OpenDrive, node: Node) -> Reply:
        """`POST …/items/{id}/copy`: 202 and where to ask, or a refusal. The tenant's lock is held."""
        content = body_of(call)
        conflict = check_conflict(call.query.get(CONFLICT, "fail"))
        is_children_only = content.get("childrenOnly") is True
        name = None if content.get("name") is None else check_name(content["name"])
        if name is not None and is_children_only:
            raise invalid("Cannot use name parameter alongside childrenOnly.")
        if is_children_only and not node.is_folder:
            raise invalid("childrenOnly option is not valid for file items.")
        if node.parent_id is None and not is_children_only:
            raise invalid("Cannot copy the root folder.")
        target, folder = self._target(tenant, source, node, content)
        items, size = source.drive.measure(node.item_id)
        items -= is_children_only
        if items > MOST_ITEMS:
            raise invalid(f"The copy operation is restricted to {MOST_ITEMS} items; {items} were asked for.")
        if size > MOST_BYTES:
            raise invalid("The copy operation is restricted to 100 GB.")
        made = Copy(
            str(uuid.uuid4()),
            secrets.token_urlsafe(32),
            tenant,
            source,
            node.item_id,
            target,
            folder.item_id,
            name,
            conflict,
            is_children_only,
            content.get("includeAllVersionHistory") is True and name is None,
            self._clock(),
            self._pace.copy + self._pace.copied_item * max(items - 1, 0),
        )
        with self._lock:
            self._copies[made.copy_id] = made
        path = "/".join((*MONITOR_PATH, made.copy_id))
        return Reply(202, b"", {"Location": f"{self._monitor_url}/{path}?tempauth={made.secret}"})

    def settle(self, tenant: Tenant) -> None:
        """Carry out every copy of a tenant that is due, in the order in which they end."""
        now = self._clock()
        with self._lock:
            due = [
                copy
                for copy in self._copies.values()
                if copy.tenant.writes is tenant.writes and copy.status == "inProgress" and copy.due <= now
            ]
        for copy in sorted(due, key=lambda item: item.due):
            with tenant.lock:
                if copy.status == "inProgress":
                    _carry_out(copy, tenant)

    def serves(self, call: Call) -> bool:
        """Whether the path is a monitor's."""
        return call.segments[: len(MONITOR_PATH)] == MONITOR_PATH

    def tenant_of(self, call: Call) -> str:
        """The tenant whose copy a monitor tells of; empty for an unknown one."""
        with self._lock:
            copy = self._copies.get(call.segments[-1])
        return copy.tenant.spec.tenant_id if copy else ""

    def monitor(self, call: Call) -> Reply:
        """The state of a copy, for whoever has the address. A token has no business here."""
        if call.method != "GET":
            return _refusal(405, "notSupported", "Only GET is supported.")
        if "authorization" in call.headers:
            return _refusal(401, "unauthenticated", "A pre-authenticated URL takes no Authorization header.")
        with self._lock:
            copy = self._copies.get(call.segments[-1])
        is_known = copy is not None and secrets.compare_digest(copy.secret, call.query.get("tempauth", ""))
        if copy is None or not is_known or self._clock() > copy.due + KEPT_SECONDS:
            return _refusal(404, "itemNotFound", "The operation does not exist.")
        self.settle(copy.tenant)
        return _status(copy, self._clock())

    def expire_all(self) -> None:
        """Let every monitor handed out so far be unknown; the copies go on."""
        with self._lock:
            for copy in self._copies.values():
                copy.secret = secrets.token_urlsafe(32)

    def _target(self, tenant: Tenant, source: OpenDrive, node: Node, content: Json) -> tuple[OpenDrive, Node]:
        reference = content.get("parentReference") or {}
        if not isinstance(reference, dict):
            raise invalid("The parentReference is not valid.")
        target = drive_by_id(tenant, str(reference["driveId"])) if "driveId" in reference else source
        folder_id = str(reference.get("id") or node.parent_id or target.drive.root_id)
        folder = target.drive.node(target.drive.root_id if folder_id == "root" else folder_id)
        if folder is None:
            raise not_found()
        if not folder.is_folder:
            raise invalid("The parent of a copy must be a folder.")
        above = {folder.item_id, *(item.item_id for item in target.drive.ancestors(folder.item_id))}
        if target.drive_id == source.drive_id and node.item_id in above:
            raise invalid("A folder cannot be copied into itself or into a folder below it.")
        return target, folder


class _FailedError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


def _carry_out(copy: Copy, tenant: Tenant) -> None:
    source, target = copy.source.drive, copy.target.drive
    try:
        node, folder = source.node(copy.item_id), target.node(copy.folder_id)
        if node is None or folder is None:
            raise _FailedError("itemNotFound", "The resource could not be found.")
        nodes = list(source.children(node.item_id)) if copy.is_children_only else [node]
        if sum(source.measure(item.item_id)[1] for item in nodes) > target.room:
            raise _FailedError("quotaLimitReached", "The user has reached their quota limit.")
        names = [_free_name(copy, item) for item in nodes]
        at = instant(tenant)
        made = [_copied(copy, item, folder.item_id, name, at) for item, name in zip(nodes, names, strict=True)]
    except _FailedError as failure:
        copy.status, copy.error = "failed", failure.error
        return
    copy.status = "completed"
    copy.resource_id = folder.item_id if copy.is_children_only else made[0]


def _free_name(copy: Copy, node: Node) -> str:
    """The name of a copy, or the failure of one whose name is taken."""
    target, name = copy.target.drive, copy.name or node.name
    taken = target.named(copy.folder_id, name)
    if taken is None:
        return name
    if copy.conflict == "rename":
        return target.free_name(copy.folder_id, name, node.kind)
    is_file = node.kind == "file" and taken.kind == "file"
    if copy.conflict == "replace" and is_file and taken.item_id != node.item_id:
        return name
    raise _FailedError("nameAlreadyExists", "Name already exists")


def _copied(copy: Copy, node: Node, folder_id: str, name: str, at: str) -> str:
    """Copy an item and all below it; the id of the new one."""
    target: Drive = copy.target.drive
    taken = target.named(folder_id, name) if folder_id == copy.folder_id else None
    if taken is not None:
        target.remove(taken.item_id)
    versions = node.versions if copy.has_versions else 1
    made = target.add(
        folder_id, replace(node, name=name, created=at, modified=at, versions=versions, is_shared=False, etag=1)
    )
    for child in copy.source.drive.children(node.item_id) if node.is_folder else ():
        _copied(copy, child, made.item_id, child.name, at)
    return made.item_id


def _status(copy: Copy, now: float) -> Reply:
    content: Json = {"id": copy.copy_id, "operation": "ItemCopy", "status": copy.status}
    if copy.status == "failed":
        return json_reply(200, {**content, "error": copy.error})
    if copy.status == "completed":
        return json_reply(202, {**content, "percentageComplete": 100.0, "resourceId": copy.resource_id})
    share = (now - copy.started) / copy.seconds if copy.seconds else 0.0
    return json_reply(202, {**content, "percentageComplete": round(min(max(share, 0.0), 0.999) * 100, 1)})


def _refusal(status: int, code: str, message: str) -> Reply:
    return json_reply(status, {"error": {"code": code, "message": message}})
