"""Who is to stay forgotten: keyed hashes of names, with the key beside them; the names themselves are nowhere.

    data/forgotten/key          32 random bytes, made once, readable by the owner only
    data/forgotten/names.json   one entry per name: tenant, hash, and the days for which it means this person

A name is a user principal name, an address or an object id. Texts are searched for anything that looks like one.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from pipelines.warehouse.atomic import write_atomically
from pipelines.warehouse.errors import ForgottenError

# Anything with an @ between what cannot stand in an address, and object ids.
TOKEN = re.compile(
    r"[^\s\"<>,;:()\[\]{}|\\/=]+@[^\s\"<>,;:()\[\]{}|\\/=]+"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
)
# In the directory's bin the object id, without dashes, stands before the name.
_BIN_PREFIX = re.compile(r"^[0-9a-f]{32}(?=.)")
_REMEMBERED = 200_000
# Everything that parts words in CSV and JSON, as a space: splitting is many times faster than searching for TOKEN.
_WORDS = bytes.maketrans(b'"<>,;:()[]{}|\\/=', b" " * 16)
_OBJECT_ID_LENGTH = 36


@dataclass(frozen=True)
class PersonName:
    """One name of a person, and the days (the last one excluded) on which it means them; None: always.

    is_only: no object id is known, so that in the directory, too, the name alone tells who it is.
    """

    tenant_id: str
    name: str
    valid_from: str | None = None
    valid_to: str | None = None
    is_only: bool = False


class Forgotten:
    """The forgotten names of all tenants. Nothing is written before somebody is added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = b""
        self._entries: dict[str, list[PersonName]] = {}
        self._known: dict[tuple[str, str], Sequence[PersonName]] = {}

    @classmethod
    def beside(cls, landing_root: Path) -> Forgotten:
        """Those of the data folder that ``landing_root`` stands in. Raises ForgottenError when the key is gone."""
        found = cls(landing_root.parent / "forgotten")
        found._read()
        return found

    @classmethod
    def of(cls, names: Iterable[PersonName]) -> Forgotten:
        """These names and no others; nothing is ever written."""
        found = cls(Path(os.devnull))
        found._key = secrets.token_bytes(32)
        found._take(names)
        return found

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, names: Iterable[PersonName]) -> None:
        """Forget these names from now on, for good."""
        if not self._key:
            self._key = secrets.token_bytes(32)
            write_atomically(self._folder / "key", self._key.hex() + "\n")
        self._take(names)
        lines = [{**asdict(entry), "name": hashed} for hashed, found in self._entries.items() for entry in found]
        write_atomically(self._folder / "names.json", json.dumps(lines, indent=1, sort_keys=True) + "\n")

    def is_forgotten(self, tenant_id: str, name: str, day: date | None = None, *, only: bool = False) -> bool:
        """Whether the name means a forgotten person, on that day if one is given.

        only: leave out the names of people who are known by an object id, too.
        """
        entries = self._find(tenant_id, name)
        text = day.isoformat() if day else None
        return any(
            (not only or entry.is_only)
            and (text is None or (entry.valid_from or "") <= text < (entry.valid_to or "9999-99-99"))
            for entry in entries
        )

    def tokens(self, tenant_id: str, text: str, day: date | None = None) -> set[str]:
        """The forgotten names that stand in a text, as they are written there."""
        return self.tokens_in(tenant_id, text.encode("utf-8", "surrogateescape"), day)

    def tokens_in(self, tenant_id: str, text: bytes, day: date | None = None) -> set[str]:
        """The same of text in UTF-8."""
        words = {word for word in text.translate(_WORDS).split() if b"@" in word or len(word) == _OBJECT_ID_LENGTH}
        names = (word.decode("utf-8", "surrogateescape") for word in words)
        return {name for name in names if self.is_forgotten(tenant_id, name, day)}

    def _find(self, tenant_id: str, name: str) -> Sequence[PersonName]:
        lower = name.strip().lower()
        known = self._known.get((tenant_id, lower))
        if known is None:
            known = self._entries.get(self._hash(tenant_id, lower), ())
            bare = _BIN_PREFIX.sub("", lower)
            if not known and bare != lower:
                known = self._entries.get(self._hash(tenant_id, bare), ())
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            self._known[tenant_id, lower] = known
        return known

    def _hash(self, tenant_id: str, name: str) -> str:
        return hmac.digest(self._key, f"{tenant_id}\n{name}".encode("utf-8", "surrogateescape"), "sha256").hex()

    def _take(self, names: Iterable[PersonName]) -> None:
        for entry in names:
            hashed = self._hash(entry.tenant_id, entry.name.strip().lower())
            noted = PersonName(entry.tenant_id, "", entry.valid_from, entry.valid_to, entry.is_only)
            found = self._entries.setdefault(hashed, [])
            if noted not in found:
                found.append(noted)
        self._known.clear()

    def _read(self) -> None:
        try:
            lines = json.loads((self._folder / "names.json").read_text(encoding="utf-8"))
            for line in lines:
                self._entries.setdefault(line.pop("name"), []).append(PersonName(name="", **line))
        except FileNotFoundError:
            lines = []
        except (ValueError, TypeError, AttributeError, KeyError):
            raise ForgottenError(f"{self._folder / 'names.json'} cannot be read. {_RESTORE}") from None
        try:
            self._key = bytes.fromhex((self._folder / "key").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            if lines:
                raise ForgottenError(f"{self._folder / 'key'} is gone or damaged. {_RESTORE}") from None


_RESTORE = "Without it people who were forgotten would come back: restore the folder from your backup and run again."
