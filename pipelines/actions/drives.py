"""OneDrive as the hand-over reads it: drives, folders and what is in them.

Source: Graph v1.0 ``drive: get``, ``driveItem: list children``. A OneDrive that was never opened answers 404.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.graph.client import GraphClient
from pipelines.graph.objects import find_object, read_object, segment

WRITE = "Files.ReadWrite.All"
PAGE = "999"
_SELECT = "id,name,size,folder,file,package,remoteItem,createdDateTime"


@dataclass(frozen=True)
class Drive:
    """Somebody's OneDrive. remaining: bytes that still fit, None where it is not told."""

    drive_id: str
    root_id: str
    used: int
    remaining: int | None


@dataclass(frozen=True)
class Item:
    """Something in a drive. kind: file, folder, package (a notebook) or shortcut (to somebody else's)."""

    item_id: str
    name: str
    kind: str
    size: int
    children: int = 0
    created: str = ""

    @property
    def key(self) -> str:
        """The name as OneDrive tells names apart: not by case."""
        return self.name.casefold()


@dataclass
class Tally:
    """What is at and below an item. items counts all of it, as the limit of one copy does."""

    items: int = 0
    files: int = 0
    folders: int = 0
    size: int = 0
    notebooks: int = 0
    shortcuts: int = 0

    def add(self, other: Tally) -> None:
        """Count what is below, too."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def find_drive(client: GraphClient, user_key: str) -> Drive | None:
    """Somebody's OneDrive; None for one that was never opened. Raises GraphError."""
    raw = find_object(client, f"users/{segment(user_key)}/drive", "reading a OneDrive", permission=WRITE)
    if raw is None:
        return None
    quota = raw.get("quota") or {}
    drive_id = str(raw["id"])
    root = read_object(client, f"drives/{segment(drive_id)}/root", "reading a OneDrive", permission=WRITE)
    remaining = quota.get("remaining")
    return Drive(drive_id, str(root["id"]), int(root.get("size") or 0), None if remaining is None else int(remaining))


def children(client: GraphClient, drive_id: str, item_id: str) -> list[Item]:
    """What is in a folder. Raises GraphError."""
    return list(_children(client, drive_id, item_id))


def _children(client: GraphClient, drive_id: str, item_id: str) -> Iterator[Item]:
    path = f"{item_path(drive_id, item_id)}/children"
    context = client.context("reading a folder of a OneDrive", permission=WRITE)
    for _, page in client.get_pages(path, context, {"$top": PAGE, "$select": _SELECT}):
        for raw in page.get("value") or []:
            yield as_item(raw)


def item_path(drive_id: str, item_id: str) -> str:
    """The path of an item."""
    return f"drives/{segment(drive_id)}/items/{segment(item_id)}"


def find_item(client: GraphClient, drive_id: str, item_id: str) -> Item | None:
    """An item; None when it is gone. Raises GraphError."""
    params = {"$select": _SELECT}
    raw = find_object(client, item_path(drive_id, item_id), "reading a OneDrive", params=params, permission=WRITE)
    return as_item(raw) if raw else None


def as_item(raw: dict[str, Any]) -> Item:
    """An item of its JSON."""
    kinds = {"remoteItem": "shortcut", "package": "package", "folder": "folder"}
    kind = next((kind for key, kind in kinds.items() if raw.get(key) is not None), "file")
    return Item(
        str(raw["id"]),
        str(raw.get("name") or ""),
        kind,
        int(raw.get("size") or 0),
        int((raw.get("folder") or {}).get("childCount") or 0),
        str(raw.get("createdDateTime") or ""),
    )


@dataclass
class Walker:
    """Walks a drive and counts; every folder is read once."""

    client: GraphClient
    drive_id: str
    tallies: dict[str, Tally] = field(default_factory=dict)

    def measure(self, item: Item) -> Tally:
        """What is at and below an item. Raises GraphError."""
        if item.kind != "folder":
            return count_one(item)
        known = self.tallies.get(item.item_id)
        if known is None:
            known = Tally(items=1, folders=1)
            if item.children:
                for child in _children(self.client, self.drive_id, item.item_id):
                    known.add(self.measure(child))
            self.tallies[item.item_id] = known
        return known


def count_one(item: Item) -> Tally:
    """What an item counts for by itself."""
    if item.kind == "folder":
        return Tally(items=1, folders=1)
    if item.kind == "file":
        return Tally(items=1, files=1, size=item.size)
    return Tally(items=1, notebooks=int(item.kind == "package"), shortcuts=int(item.kind == "shortcut"))
