"""Copying what a folder holds into another drive, piece by piece, so that it can be cut off at any point.

What is in the target already is not copied again: each folder is compared by name and size, and only what is missing
is asked for. Source: Graph v1.0 ``driveItem: copy``: asynchronous, at most 30,000 items a call, without permissions
and with the latest version only; how it goes is told by a pre-authenticated address, in ``status`` and not in the
HTTP status. That address is kept in memory only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.actions.base import ActionError, Help
from pipelines.actions.drives import WRITE, Item, Tally, Walker, children, count_one, find_item, item_path
from pipelines.graph.errors import GraphContext, GraphError
from pipelines.graph.monitor import Monitor, MonitorLostError
from pipelines.graph.write import GraphWriter, OutcomeUnknownError

MOST_ITEMS = 30_000
MOST_BYTES = 100 * 2**30
CONFLICT = "@microsoft.graph.conflictBehavior"
# Seconds between two looks at a copy; the last one again and again.
POLLS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# A copy that takes longer is left to itself; the next apply finds what it brought.
LONGEST_COPY = 6 * 3600.0
# So many looks without anything new: a copy that nobody tells about is not going on any more.
QUIET_LOOKS = 4
# Names of files in a message.
SHOWN_NAMES = 5
# How often a copy is asked for whose answer is lost and of which nothing is to be seen.
TRIES = 3


@dataclass(frozen=True)
class Place:
    """A folder of a drive."""

    drive_id: str
    item_id: str


@dataclass
class Copier:
    """Brings everything below one folder into another. failures: what did not work, one sentence each."""

    writer: GraphWriter
    help: Help
    source_drive: str
    target_drive: str
    renamed: dict[str, str]
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._walker = Walker(self.writer, self.source_drive)
        started = {str(fact["started"]) for fact in self.help.earlier if "started" in fact}
        ended = {str(fact["ended"]) for fact in self.help.earlier if "ended" in fact}
        # Begun by an attempt that was cut off: they may still be under way.
        self._orphans = started - ended

    def bring(self, source: str, target: str) -> None:
        """Copy what is missing of a folder, and of all below. Raises GraphError or ActionError."""
        there = {item.key: item for item in children(self.writer, self.target_drive, target)}
        for item in children(self.writer, self.source_drive, source):
            found = there.get(item.key)
            if item.item_id in self._orphans:
                found = self._awaited(item, target, found)
            if item.kind == "shortcut" or self._is_there(item, found, there):
                continue
            if item.kind == "folder" and found is not None and found.kind == "folder":
                self.bring(item.item_id, found.item_id)
            elif item.kind == "folder" and found is None and self._is_too_much(item):
                self.bring(item.item_id, self._make_folder(item.name, target))
            else:
                self._copy(item, target, is_taken=found is not None)

    def _is_there(self, item: Item, found: Item | None, there: dict[str, Item]) -> bool:
        """Whether nothing is to be copied; a folder that is there is gone through."""
        if item.item_id in self.renamed and self.renamed[item.item_id].casefold() in there:
            return True
        return found is not None and found.kind == item.kind != "folder" and is_same(item, found)

    def _is_too_much(self, item: Item) -> bool:
        tally = self._walker.measure(item)
        return tally.items > MOST_ITEMS or tally.size > MOST_BYTES

    def _make_folder(self, name: str, parent: str) -> str:
        body = {"name": name, "folder": {}, CONFLICT: "fail"}
        context = self.writer.context("making a folder", permission=WRITE)
        try:
            answer = self.writer.write("POST", f"{item_path(self.target_drive, parent)}/children", context, body)
            return str(answer.body["id"])
        except (GraphError, KeyError) as error:
            # Made all the same, though the answer was lost.
            found = self._named(name, parent)
            if found is None or found.kind != "folder":
                raise ActionError(f"The folder could not be made: {error}") from None
            return found.item_id

    def _named(self, name: str, parent: str) -> Item | None:
        there = children(self.writer, self.target_drive, parent)
        return next((item for item in there if item.key == name.casefold()), None)

    def _copy(self, item: Item, target: str, *, is_taken: bool) -> None:
        """Copy one item; what went wrong with it alone does not stop the others."""
        self.help.progress({"started": item.item_id})
        self.help.tell(f"Copying {item.name} …")
        try:
            resource_id = self._copy_and_wait(item, target, "rename" if is_taken else "fail")
        except _CopyFailedError as failure:
            if failure.code == "quotaLimitReached":
                raise ActionError(
                    "The manager's OneDrive is full. Make room or raise its quota, and apply again."
                ) from None
            if failure.code != "nameAlreadyExists":
                self.failures.append(f"{item.name}: {failure.code or 'no reason given'}")
        else:
            if is_taken and resource_id is not None:
                self._note_name(item, resource_id)
        self.help.progress({"ended": item.item_id})

    def _note_name(self, item: Item, resource_id: str) -> None:
        copied = find_item(self.writer, self.target_drive, resource_id)
        if copied is not None:
            self.renamed[item.item_id] = copied.name
            self.help.progress({"renamed": item.item_id, "name": copied.name})

    def _copy_and_wait(self, item: Item, target: str, conflict: str) -> str | None:
        path = f"{item_path(self.source_drive, item.item_id)}/copy"
        body = {"parentReference": {"driveId": self.target_drive, "id": target}}
        context = self.writer.context("copying a OneDrive", permission=WRITE)
        for _ in range(TRIES):
            try:
                answer = self.writer.write("POST", path, context, body, params={CONFLICT: conflict})
            except OutcomeUnknownError:
                # It may have begun; with conflict "fail" a second one could do no harm.
                if self._awaited(item, target, None) is not None:
                    return None
                continue
            except GraphError as error:
                if error.is_permission or error.status == 404:
                    raise
                raise _CopyFailedError(error.code or error.message) from None
            return self._end_of(answer.location, item, target, context)
        return None

    def _end_of(self, address: str | None, item: Item, target: str, context: GraphContext) -> str | None:
        """Wait until a copy has ended; the id of what it made, where that is told."""
        try:
            if address is not None:
                return self._followed(Monitor(self.writer, address, context))
        except MonitorLostError:
            pass
        self._awaited(item, target, None)
        return None

    def _followed(self, monitor: Monitor) -> str | None:
        waited = 0.0
        for seconds in _endless(POLLS):
            state = monitor.look()
            if state.is_completed:
                return state.resource_id
            if state.is_failed:
                raise _CopyFailedError(state.error_code or "failed")
            if waited > LONGEST_COPY:
                raise ActionError("A copy takes very long. It goes on by itself; apply again later.")
            self.help.sleep(seconds)
            waited += seconds
        raise AssertionError("unreachable")

    def _awaited(self, item: Item, target: str, found: Item | None) -> Item | None:
        """The item in the target once a copy that nobody tells about has ended, or is to be seen no more."""
        self._orphans.discard(item.item_id)
        wanted = self._walker.measure(item)
        seen, quiet = -1, 0
        for seconds in _endless(POLLS):
            found = self._named(item.name, target)
            if found is not None and found.kind != "folder":
                return found
            tally = Walker(self.writer, self.target_drive).measure(found) if found else None
            count = tally.items if tally else 0
            if tally is not None and (tally.items, tally.size) == (wanted.items, wanted.size):
                return found
            quiet = quiet + 1 if count == seen else 0
            if quiet >= QUIET_LOOKS:
                return found
            seen = count
            self.help.sleep(seconds)
        raise AssertionError("unreachable")


class _CopyFailedError(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Comparison:
    """What is in a folder, and how much of it is not in another: files and bytes, and some names for a message."""

    source: Tally = field(default_factory=Tally)
    files: int = 0
    size: int = 0
    notebooks: int = 0
    names: list[str] = field(default_factory=list)


Look = Callable[[str], list[Item]]


def compare(
    look_source: Look, look_target: Look, source: str, target: str | None, renamed: dict[str, str]
) -> Comparison:
    """What is below ``source`` and not below ``target``, by name and size; target None: nothing is there yet."""
    found = Comparison()
    _compare(found, look_source, look_target, source, target, renamed)
    return found


def _compare(
    found: Comparison, look_source: Look, look_target: Look, source: str, target: str | None, renamed: dict[str, str]
) -> None:
    there = {item.key: item for item in look_target(target)} if target else {}
    for item in look_source(source):
        found.source.add(count_one(item))
        other = there.get(renamed.get(item.item_id, item.name).casefold())
        if item.kind == "folder":
            below = other.item_id if other is not None and other.kind == "folder" else None
            if item.children:
                _compare(found, look_source, look_target, item.item_id, below, renamed)
        elif item.kind == "package":
            found.notebooks += other is None
        elif item.kind == "file" and (other is None or not is_same(item, other)):
            found.files += 1
            found.size += item.size
            if len(found.names) < SHOWN_NAMES:
                found.names.append(item.name)


def is_same(item: Item, other: Item) -> bool:
    """Whether a file was copied whole; of a notebook only its being there can be told."""
    return other.kind == item.kind and (item.kind != "file" or other.size == item.size)


def facts_renamed(facts: list[dict[str, Any]]) -> dict[str, str]:
    """Source item → its name in the target, where that is another, as kept in the log."""
    return {str(fact["renamed"]): str(fact["name"]) for fact in facts if "renamed" in fact}


def _endless(seconds: tuple[float, ...]) -> Iterator[float]:
    yield from seconds
    while True:
        yield seconds[-1]
