"""Drives, items, permissions and versions as Graph's JSON."""

from __future__ import annotations

import base64
from typing import Any

from pipelines.simulator import dice
from pipelines.simulator.drive_store import Node
from pipelines.simulator.drives import OpenDrive

Json = dict[str, Any]


def drive_json(opened: OpenDrive) -> Json:
    """A drive with its quota."""
    drive = opened.drive
    left = drive.room
    state = "exceeded" if drive.used > drive.quota else "normal"
    if state == "normal" and left < drive.quota // 100:
        state = "critical"
    return {
        "id": opened.drive_id,
        "name": "OneDrive",
        "driveType": "business",
        "webUrl": _site(opened),
        "owner": {"user": _who(opened.owner)},
        "quota": {"deleted": 0, "remaining": left, "state": state, "total": drive.quota, "used": drive.used},
    }


def path_of(opened: OpenDrive, item_id: str) -> list[str]:
    """The names of the folders that an item lies in, without the root."""
    return [folder.name for folder in opened.drive.ancestors(item_id)[1:]]


def item_json(opened: OpenDrive, node: Node, path: list[str] | None = None) -> Json:
    """An item; a folder with what is in it, counted and added up. `path` is that of `path_of`, where it is known."""
    drive = opened.drive
    path = path_of(opened, node.item_id) if path is None else path
    found: Json = {
        "id": node.item_id,
        "name": node.name,
        "size": drive.measure(node.item_id)[1] if node.is_folder else node.size,
        "createdDateTime": node.created,
        "lastModifiedDateTime": node.modified,
        "eTag": etag_of(opened, node),
        "cTag": f'"c:{{{_guid(opened, node)}}},{node.etag + node.versions}"',
        "webUrl": "/".join([_site(opened), *path, *([] if node.parent_id is None else [node.name])]),
        "createdBy": {"user": _who(opened.owner)},
        "lastModifiedBy": {"user": _who(opened.owner)},
        "fileSystemInfo": {"createdDateTime": node.created, "lastModifiedDateTime": node.modified},
        "parentReference": {"driveId": opened.drive_id, "driveType": "business"},
    }
    if node.parent_id is None:
        found["root"] = {}
    else:
        folder = "".join(f"/{name}" for name in path)
        found["parentReference"] |= {
            "id": node.parent_id,
            "name": path[-1] if path else "Documents",
            "path": f"/drives/{opened.drive_id}/root:{folder}",
        }
    if node.is_folder:
        found["folder"] = {"childCount": drive.count(node.item_id)}
    elif node.kind == "package":
        found["package"] = {"type": "oneNote"}
    else:
        checksum = dice.digest("content", node.name, node.size, node.created)[:20]
        found["file"] = {"mimeType": node.mime_type, "hashes": {"quickXorHash": _base64(checksum)}}
    if node.is_shared or node.item_id in opened.permissions:
        found["shared"] = {"scope": "users"}
    return found


def etag_of(opened: OpenDrive, node: Node) -> str:
    """The entity tag of an item's state."""
    return f'"{{{_guid(opened, node)}}},{node.etag}"'


def owner_permission(opened: OpenDrive, node: Node) -> Json:
    """What the owner of a drive may do with an item: everything."""
    owner = _who(opened.owner)
    permission = {
        "id": _base64(dice.digest("owner", opened.drive_id)[:15]),
        "roles": ["owner"],
        "grantedToV2": {"user": owner},
        "grantedTo": {"user": owner},
    }
    if node.parent_id is not None:
        permission["inheritedFrom"] = {"driveId": opened.drive_id, "id": opened.drive.root_id, "path": "/root:"}
    return permission


def link_permission(opened: OpenDrive, node: Node) -> Json:
    """The link by which an item was shared long ago, without its address."""
    return {
        "id": _base64(dice.digest("link", opened.drive_id, node.item_id)[:15]),
        "roles": ["read"],
        "link": {"type": "view", "scope": "organization", "preventsDownload": False},
        "grantedToIdentitiesV2": [],
    }


def granted_permission(opened: OpenDrive, node: Node, user: Json, roles: list[str]) -> Json:
    """A permission of a person on an item."""
    who = _who(user)
    return {
        "id": _base64(dice.digest("granted", opened.drive_id, node.item_id, user["id"])[:15]),
        "roles": roles,
        "grantedToV2": {"user": who, "siteUser": {**who, "loginName": f"i:0#.f|membership|{who['email']}"}},
        "grantedTo": {"user": who},
    }


def versions_json(node: Node) -> list[Json]:
    """The versions of a file, the newest first."""
    return [
        {"id": f"{number}.0", "lastModifiedDateTime": node.modified, "size": node.size}
        for number in range(node.versions, 0, -1)
    ]


def _who(user: Json) -> Json:
    return {"id": user["id"], "displayName": user.get("displayName"), "email": user.get("mail") or _name(user)}


def _name(user: Json) -> str:
    return str(user.get("userPrincipalName"))


def _site(opened: OpenDrive) -> str:
    name, _, domain = _name(opened.owner).lower().partition("@")
    personal = f"{name}@{domain}".replace("@", "_").replace(".", "_")
    return f"https://{domain.split('.')[0]}-my.sharepoint.example/personal/{personal}/Documents"


def _guid(opened: OpenDrive, node: Node) -> str:
    return dice.guid("item", opened.drive_id, node.item_id).upper()


def _base64(raw: bytes) -> str:

    return base64.b64encode(raw).decode()
