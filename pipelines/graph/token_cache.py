"""The token cache of a service account: one small file, readable by its owner only, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msal
from filelock import FileLock

from pipelines.sign_in import SettingsError

LOCK_SECONDS = 60.0


class TokenCacheFile:
    """MSAL's cache in a file. Two processes that refresh at once take turns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def open(self) -> Iterator[msal.SerializableTokenCache]:
        """The cache as it is on disk, written back when it has changed. Raises SettingsError."""
        lock = FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS, mode=0o600)
        with self._in_words():
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock.acquire()
        try:
            cache = msal.SerializableTokenCache()
            with self._in_words():
                cache.deserialize(self._read())
            yield cache
            if cache.has_state_changed:
                with self._in_words():
                    self._write(cache.serialize())
        finally:
            lock.release()

    def replace(self, cache: msal.SerializableTokenCache) -> None:
        """Keep this one instead: somebody has signed in."""
        with self.open(), self._in_words():
            self._write(cache.serialize())

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise SettingsError(f"Another process holds the sign-in cache {self._path} and does not let go.") from None
        except OSError as error:
            raise SettingsError(f"The sign-in cache {self._path} cannot be used ({error.strerror}).") from None

    def _read(self) -> str | None:
        try:
            text = self._path.read_text(encoding="utf-8")
            # A damaged cache is as good as none: the account signs in again.
            return text if isinstance(json.loads(text), dict) else None
        except (FileNotFoundError, ValueError):
            return None

    def _write(self, text: str) -> None:
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
