"""The files of a person's OneDrive as the seed has them: nothing is stored, every item is drawn when it is looked at.

A place in the tree is a path of numbers: () is the root, (2, 0) the first child of the root's third. Folders come
before files. The id of an item encodes its place, so that it is found without a list.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.simulator import dice

Place = tuple[int, ...]

KINDS = ("usual", "large", "never", "full")
"""usual; large: a folder of more than 30,000 items; never: OneDrive was never opened; full: hardly any room left."""
LARGE_FOLDER = "Archive"
LARGE_PARTS = (("Exports 2019", 16_000), ("Exports 2020", 15_500))
MAX_DEPTH = 3
FIRST_DAY = date(2018, 1, 8)
SPAN_DAYS = 1400

_FOLDERS = (
    *("Projects", "Clients", "Contracts", "Reports", "Templates", "Photos", "Invoices"),
    *("Travel", "Training", "Meetings", "Planning", "Offers", "Drafts", "Team"),
)
_WORDS = (
    *("Budget", "Offer", "Minutes", "Agenda", "Forecast", "Contract", "Summary"),
    *("Review", "Plan", "Checklist", "Proposal", "Roadmap", "Briefing", "Survey"),
)
_TYPES = (
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", 400_000),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 900_000),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", 6_000_000),
    ("pdf", "application/pdf", 1_500_000),
    ("jpg", "image/jpeg", 4_000_000),
    ("txt", "text/plain", 9_000),
)
_ID = re.compile(r"01[A-Z2-7]{32}\Z")
_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv")
"""Base 32 of RFC 4648 as the digits that `int` reads, which is much faster than decoding it."""


@dataclass(frozen=True)
class Entry:
    """A file, a folder or a notebook as it is drawn."""

    name: str
    kind: str
    """`file`, `folder` or `package` (a OneNote notebook)."""
    size: int
    """Bytes of a file or a notebook; 0 for a folder, whose size is that of its content."""
    mime_type: str
    created: str
    modified: str
    versions: int
    is_shared: bool


class DriveTree:
    """One drive before any change."""

    def __init__(self, seed: int, tenant_id: str, user_id: str) -> None:
        self._key = (seed, tenant_id, "drive", user_id)
        self.kind = drive_kind(seed, user_id)
        self._mark = dice.digest(*self._key)
        self._mask = int.from_bytes(self._mark[4:20], "big")
        self._measured: dict[Place, tuple[int, int]] = {}

    def children(self, place: Place) -> int:
        """How many items lie in a folder; 0 for a file."""
        folders, files = self._counts(place)
        return folders + files

    def is_folder(self, place: Place) -> bool:
        """Whether a place holds others; the root does."""
        return not place or place[-1] < self._counts(place[:-1])[0]

    def exists(self, place: Place) -> bool:
        """Whether there is an item at a place."""
        return not place or (
            self.exists(place[:-1]) and self.is_folder(place[:-1]) and place[-1] < self.children(place[:-1])
        )

    def entry(self, place: Place) -> Entry:
        """The item at a place that exists."""
        draw = dice.digest(*self._key, *place)
        created = FIRST_DAY + timedelta(days=int.from_bytes(draw[:2], "big") % (SPAN_DAYS + 1))
        modified = created + timedelta(days=draw[2] % 41)
        stamps = (f"{created}T09:12:00Z", f"{modified}T15:40:00Z")
        if self.is_folder(place):
            return Entry(self.name(place), "folder", 0, "", *stamps, 1, bool(place) and draw[3] % 9 == 0)
        if self._is_notebook(place):
            return Entry(self.name(place), "package", self.size(place), "", *stamps, 1, False)
        extension, mime_type, _ = self._type(place)
        versions = 1 if extension == "jpg" else 1 + draw[4] % 9
        return Entry(self.name(place), "file", self.size(place), mime_type, *stamps, versions, draw[3] % 13 == 0)

    def name(self, place: Place) -> str:
        """The name of an item; no two in one folder are the same."""
        if not place:
            return "root"
        if self._is_large(place[:-1]):
            return f"export-{place[-1] + 1:05}.csv"
        if self._is_archive(place):
            return LARGE_FOLDER
        if self._is_archive(place[:-1]):
            return LARGE_PARTS[place[-1]][0]
        if self.is_folder(place):
            round_number, number = divmod(self._shifted(place, len(_FOLDERS)), len(_FOLDERS))
            return _FOLDERS[number] + (f" {round_number + 1}" if round_number else "")
        if self._is_notebook(place):
            return "Notebook"
        year = 2018 + place[-1] % 4
        word = _WORDS[self._shifted(place, len(_WORDS)) % len(_WORDS)]
        return f"{word} {year} {place[-1] + 1}.{self._type(place)[0]}"

    def size(self, place: Place) -> int:
        """The bytes of a file or a notebook."""
        if self._is_notebook(place):
            return dice.between(200_000, 30_000_000, *self._key, *place, "size")
        if self._is_large(place[:-1]):
            return dice.between(800, 60_000, *self._key, *place)
        most = self._type(place)[2]
        return dice.between(most // 40, most, *self._key, *place, "size")

    def measure(self, place: Place) -> tuple[int, int]:
        """How many items there are at and below a place, itself among them, and how many bytes."""
        found = self._measured.get(place)
        if found is None:
            if not self.is_folder(place):
                return 1, self.size(place)
            items, size = 1, 0
            for number in range(self.children(place)):
                more, bytes_ = self.measure((*place, number))
                items, size = items + more, size + bytes_
            found = self._measured[place] = (items, size)
        return found

    def item_id(self, place: Place) -> str:
        """The id of the item at a place."""
        raw = bytes([len(place)]) + b"".join(number.to_bytes(3, "big") for number in place)
        return self.encode(raw)

    def encode(self, raw: bytes) -> str:
        """An item id of this drive that carries up to 16 bytes."""
        mixed = (int.from_bytes(raw.ljust(16, b"\0"), "big") ^ self._mask).to_bytes(16, "big")
        return "01" + base64.b32encode(self._mark[:4] + mixed).decode()

    def place_of(self, item_id: str) -> Place | None:
        """The place that an id encodes, if it is one of this drive's and there is something."""
        if not _ID.match(item_id):
            return None
        raw = int(item_id[2:].translate(_DIGITS), 32).to_bytes(20, "big")
        if raw[:4] != self._mark[:4]:
            return None
        plain = (int.from_bytes(raw[4:], "big") ^ self._mask).to_bytes(16, "big")
        depth = plain[0]
        if depth > 5 or any(plain[1 + 3 * depth :]):
            return None
        place = tuple(int.from_bytes(plain[1 + 3 * n : 4 + 3 * n], "big") for n in range(depth))
        return place if self.exists(place) else None

    def _counts(self, place: Place) -> tuple[int, int]:
        """How many folders and how many files lie directly in a folder."""
        if not place:
            return (dice.between(2, 5, *self._key, "folders"), dice.between(3, 9, *self._key, "files"))
        if self._is_archive(place):
            return (len(LARGE_PARTS), 0)
        if self._is_large(place):
            return (0, LARGE_PARTS[place[-1]][1])
        if not self.is_folder(place):
            return (0, 0)
        folders = dice.between(0, 2, *self._key, *place, "folders") if len(place) < MAX_DEPTH else 0
        return (folders, dice.between(1, 9, *self._key, *place, "files"))

    def _is_archive(self, place: Place) -> bool:
        return self.kind == "large" and place == (0,)

    def _is_large(self, place: Place) -> bool:
        return len(place) == 2 and self._is_archive(place[:1])

    def _is_notebook(self, place: Place) -> bool:
        """The last item of the root is a notebook in every third drive."""
        return len(place) == 1 and place[0] == self.children(()) - 1 and dice.number(*self._key, "notebook") % 3 == 0

    def _shifted(self, place: Place, pool: int) -> int:
        return place[-1] + dice.number(*self._key, *place[:-1], "names") % pool

    def _type(self, place: Place) -> tuple[str, str, int]:
        if self._is_large(place[:-1]):
            return ("csv", "text/csv", 60_000)
        return dice.pick(_TYPES, *self._key, *place, "type")


def drive_kind(seed: int, user_id: str) -> str:
    """What is special about somebody's drive: one of KINDS."""
    draw = dice.number(seed, "drive kind", user_id) % 40
    return {0: "large", 1: "full", 2: "never", 3: "never"}.get(draw, "usual")
