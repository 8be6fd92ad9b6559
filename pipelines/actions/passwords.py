"""Passwords of new people: made here, handed over once, and kept nowhere else.

They never stand in a plan, the log, an error or a message.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from pipelines.sign_in import SettingsError
from pipelines.warehouse.atomic import write_atomically

# Entra's own: 8 to 256 characters, three of four kinds. This has some 120 bits of chance.
LENGTH = 20
_SIGNS = "!#%*+-.:=?@_"
_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SIGNS)
# Looks like another one.
_UNCLEAR = frozenset("lIO01o")


def make_password() -> str:
    """A password of all four kinds of characters, none of which is mistaken for another."""
    kinds = ["".join(sign for sign in kind if sign not in _UNCLEAR) for kind in _KINDS]
    signs = [secrets.choice(kind) for kind in kinds]
    signs += [secrets.choice("".join(kinds)) for _ in range(LENGTH - len(signs))]
    secrets.SystemRandom().shuffle(signs)
    return "".join(signs)


class PasswordSink(Protocol):
    """Where the passwords of new people go."""

    def keep(self, name: str, password: str) -> None:
        """Called before the account is made, so that no account has a password that nobody knows."""

    def drop(self, name: str) -> None:
        """The account was not made after all."""

    def made(self, name: str) -> None:
        """The account is there."""


class PasswordFile:
    """A CSV file of names and passwords, readable by its owner only; it must not be there yet.

    Made at the first password. Raises SettingsError where it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() or path.is_symlink():
            raise SettingsError(f"{path} is there already and is not overwritten: name another file for passwords.")
        if not path.parent.is_dir():
            raise SettingsError(f"There is no folder {path.parent} for the file of passwords.")
        self.path = path
        self._is_made = False
        self._kept: dict[str, str] = {}

    def keep(self, name: str, password: str) -> None:
        """Write it down before it is used."""
        if self._kept.get(name) == password:
            return
        # Added to what is there: a kill in this moment takes nobody else's password away.
        is_first = not self._is_made
        self._write(
            _lines({"user_principal_name": "password"} if is_first else {}, {name: password}), is_first=is_first
        )
        self._kept[name] = password

    def drop(self, name: str) -> None:
        """Take it out again."""
        if self._kept.pop(name, None) is not None:
            write_atomically(self.path, _lines({"user_principal_name": "password"}, self._kept))

    def made(self, name: str) -> None:
        """It is in the file already."""

    def _write(self, text: str, *, is_first: bool) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | (os.O_EXCL if is_first else os.O_APPEND)
        try:
            descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be written ({error.strerror}).") from None
        self._is_made = True
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


def _lines(*parts: Mapping[str, str]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for part in parts:
        rows.writerows(part.items())
    return text.getvalue()


class PasswordScreen:
    """Shows each password once, when its account is there."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._kept: dict[str, str] = {}

    def keep(self, name: str, password: str) -> None:
        """Remember it in memory only."""
        self._kept[name] = password

    def drop(self, name: str) -> None:
        """Forget it."""
        self._kept.pop(name, None)

    def made(self, name: str) -> None:
        """Show it, and forget it."""
        if name in self._kept:
            self._show(f"{name}: {self._kept.pop(name)}")

    def show_rest(self) -> None:
        """Show those of accounts that may be there, though nobody saw them."""
        for name in list(self._kept):
            self._show(f"{name}: {self._kept.pop(name)} (if the account is there after all)")
