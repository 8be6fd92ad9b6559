"""What was changed in people's drives: items added, changed and removed, over the drawn ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipelines.simulator.drive_tree import DriveTree, Place

GIB = 2**30
USUAL_QUOTA = 1024 * GIB
ROOM_OF_A_FULL_DRIVE = 1_000_000


@dataclass(frozen=True)
class Node:
    """An item as it is: drawn, or stored since it was made or changed."""

    item_id: str
    parent_id: str | None
    name: str
    kind: str
    """`file`, `folder` or `package`."""
    size: int
    mime_type: str
    created: str
    modified: str
    versions: int = 1
    is_shared: bool = False
    etag: int = 1
    """Goes up with every change."""

    @property
    def is_folder(self) -> bool:
        """Whether others can lie in it."""
        return self.kind == "folder"


@dataclass
class _Folder:
    """What was changed right in one folder."""

    added: list[str] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)
    """Numbers of drawn items that are gone from here."""
    names: dict[str, str] | None = None
    """Name in lower case → id, of everything in it; None until asked for."""


class Drive:
    """One drive with its changes. Not safe between threads: the tenant's lock guards it."""

    def __init__(self, tree: DriveTree, quota: int) -> None:
        self._tree = tree
        self._stored: dict[str, Node] = {}
        self._folders: dict[str, _Folder] = {}
        self._changed: set[Place] = set()
        """Drawn folders below which something was changed."""
        self._added: set[str] = set()
        """The ids of all items that were ever added."""
        self._drawn: dict[str, Node] = {}
        """The drawn folders looked at so far, which are asked for again with everything in them."""
        self._measures: dict[str, tuple[int, int]] = {}
        self.root_id = tree.item_id(())
        used = tree.measure(())[1]
        self.quota = used + ROOM_OF_A_FULL_DRIVE if tree.kind == "full" else quota

    def node(self, item_id: str) -> Node | None:
        """The item of an id; None where there is none, or no longer."""
        found = self._stored.get(item_id)
        if found is not None:
            is_there = found.parent_id is None or self.node(found.parent_id) is not None
            return found if is_there else None
        place = self._place(item_id)
        if place is None or not self._is_kept(place):
            return None
        drawn = self._drawn.get(item_id)
        if drawn is None:
            entry = self._tree.entry(place)
            drawn = Node(
                item_id,
                self._tree.item_id(place[:-1]) if place else None,
                entry.name,
                entry.kind,
                entry.size,
                entry.mime_type,
                entry.created,
                entry.modified,
                entry.versions,
                entry.is_shared,
            )
            if drawn.is_folder:
                self._drawn[item_id] = drawn
        return drawn

    def children(self, folder_id: str, start: int = 0) -> Iterator[Node]:
        """What lies in a folder, from the item number `start` on; the order never changes while items stay."""
        for item_id in self._ids_in(folder_id, start):
            node = self.node(item_id)
            if node is not None:
                yield node

    def count(self, folder_id: str) -> int:
        """How many items lie right in a folder."""
        place = self._place(folder_id)
        drawn = 0 if place is None else self._tree.children(place)
        changes = self._folders.get(folder_id)
        return drawn if changes is None else drawn - len(changes.removed) + len(changes.added)

    def measure(self, item_id: str) -> tuple[int, int]:
        """How many items there are at and below an item, itself among them, and how many bytes."""
        place = self._place(item_id)
        if place is not None and place not in self._changed and item_id not in self._stored:
            return self._tree.measure(place)
        known = self._measures.get(item_id)
        if known is None:
            node = self._stored.get(item_id) or self.node(item_id)
            items, size = 1, 0 if node is None or node.is_folder else node.size
            for child_id in self._ids_in(item_id):
                more, bytes_ = self.measure(child_id)
                items, size = items + more, size + bytes_
            known = self._measures[item_id] = (items, size)
        return known

    @property
    def used(self) -> int:
        """The bytes of everything in the drive."""
        return self.measure(self.root_id)[1]

    @property
    def room(self) -> int:
        """How many bytes more fit in."""
        return max(self.quota - self.used, 0)

    def named(self, folder_id: str, name: str) -> Node | None:
        """The item of a name in a folder, whatever its case."""
        changes = self._changes(folder_id)
        if changes.names is None:
            changes.names = {node.name.lower(): node.item_id for node in self.children(folder_id)}
        found = changes.names.get(name.lower())
        return None if found is None else self.node(found)

    def free_name(self, folder_id: str, name: str, kind: str) -> str:
        """The name, or where it is taken the name with the lowest number that makes it unique."""
        stem, dot, extension = name.rpartition(".") if kind == "file" else (name, "", "")
        if not stem:
            stem, dot, extension = name, "", ""
        wanted, number = name, 0
        while self.named(folder_id, wanted) is not None:
            number += 1
            wanted = f"{stem} {number}{dot}{extension}"
        return wanted

    def add(self, folder_id: str, node: Node) -> Node:
        """Put an item into a folder under an id of its own; names must have been looked at before."""
        item_id = self._tree.encode(b"\xff" + len(self._added).to_bytes(8, "big"))
        made = replace(node, item_id=item_id, parent_id=folder_id)
        self._added.add(item_id)
        self._stored[made.item_id] = made
        changes = self._changes(folder_id)
        changes.added.append(made.item_id)
        if changes.names is not None:
            changes.names[made.name.lower()] = made.item_id
        self._touch(folder_id)
        return made

    def put(self, node: Node) -> None:
        """Have an item be like this; its folder stays."""
        before = self.node(node.item_id)
        self._stored[node.item_id] = replace(node, etag=node.etag + 1)
        if node.parent_id is not None:
            self._changes(node.parent_id).names = None
            if before is not None and before.size != node.size:
                self._touch(node.parent_id)

    def remove(self, item_id: str) -> None:
        """Take an item out, and all below it."""
        node = self.node(item_id)
        if node is None or node.parent_id is None:
            return
        changes = self._changes(node.parent_id)
        changes.names = None
        self._stored.pop(item_id, None)
        place = self._place(item_id)
        if place is None:
            changes.added.remove(item_id)
        else:
            changes.removed.add(place[-1])
        self._touch(node.parent_id)

    def ancestors(self, item_id: str) -> list[Node]:
        """The folders that an item lies in, the root first."""
        found: list[Node] = []
        node = self.node(item_id)
        while node is not None and node.parent_id is not None:
            node = self.node(node.parent_id)
            if node is not None:
                found.insert(0, node)
        return found

    def _ids_in(self, folder_id: str, start: int = 0) -> Iterator[str]:
        changes = self._folders.get(folder_id)
        place = self._place(folder_id)
        drawn: Sequence[int] = range(0 if place is None else self._tree.children(place))
        if changes is not None and changes.removed:
            drawn = [number for number in drawn if number not in changes.removed]
        for number in drawn[start:]:
            yield self._tree.item_id((*(place or ()), number))
        if changes is not None:
            yield from changes.added[max(start - len(drawn), 0) :]

    def _place(self, item_id: str) -> Place | None:
        return None if item_id in self._added else self._tree.place_of(item_id)

    def _is_kept(self, place: Place) -> bool:
        """Whether neither an item of the tree nor a folder that it lies in was removed."""
        for depth in range(len(place)):
            changes = self._folders.get(self._tree.item_id(place[:depth])) if self._folders else None
            if changes is not None and place[depth] in changes.removed:
                return False
        return True

    def _changes(self, folder_id: str) -> _Folder:
        return self._folders.setdefault(folder_id, _Folder())

    def _touch(self, folder_id: str) -> None:
        """Have sizes be added up anew from this folder upwards.

        Where the folder's own size waits for that already, those of the folders above do too.
        """
        own = self._place(folder_id)
        if folder_id not in self._measures and (own is None or own in self._changed):
            return
        for node in (*self.ancestors(folder_id), self.node(folder_id)):
            if node is not None:
                self._measures.pop(node.item_id, None)
                place = self._place(node.item_id)
                if place is not None:
                    self._changed.add(place)
