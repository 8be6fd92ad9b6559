"""The key that pseudonyms are made with: a file of 32 random bytes, outside the data folder, for its owner only.

Whoever has the key and a list of the company's people can tell who is meant; whoever has only the figures cannot.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import stat
import tempfile
from pathlib import Path

from pipelines.settings import SettingsError

_BYTES = 32
_MAKE_ONE = "openssl rand -hex 32"


def read_key(path: Path, *, published_with: str | None = None) -> bytes:
    """The key; made anew when the file is missing and nothing was published with one yet.

    published_with: the fingerprint of the key that the present release was made with. Raises SettingsError when the
    key is lost, or cannot be read or made.
    """
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        if published_with:
            raise SettingsError(
                f"The key of the pseudonyms is gone: there is no {path}. Restore it from your backup. If it is lost "
                f"for good, put a new one there ({_MAKE_ONE}); everybody then gets another pseudonym, and files from "
                "before cannot be joined with those from after."
            ) from None
        return _make(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"M365_PSEUDONYM_KEY_FILE: {path} cannot be read: {_reason(error)}.") from None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < _BYTES:
        raise SettingsError(
            f"M365_PSEUDONYM_KEY_FILE: {path} holds no key. Restore it from your backup; a new one is made by "
            f"{_MAKE_ONE}."
        )
    return key


def fingerprint(key: bytes) -> str:
    """A word that differs from key to key and tells nothing of it."""
    return hmac.digest(key, b"fingerprint", "sha256").hex()[:16]


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but its owner may read the key."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _make(path: Path) -> bytes:
    """A new key. Of two processes that find none at the same time, both get the key of the first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made for its owner only.
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_bytes(_BYTES).hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(unfinished, path)
        finally:
            Path(unfinished).unlink()
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        raise SettingsError(f"M365_PSEUDONYM_KEY_FILE: {path} cannot be made: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is no text of hexadecimal digits"
