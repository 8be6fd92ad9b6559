"""A body on its way to landing/: compressed, hashed and counted while it is written."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from pipelines.warehouse.atomic import UNFINISHED_SUFFIX

# Of the levels 1 to 9 the lowest already packs Yes/No columns about forty-fold.
COMPRESSION_LEVEL = 1


class BodyWriter:
    """A file for one answer; it has its name only when it is finished."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._temporary = path.with_name(f".{path.name}{UNFINISHED_SUFFIX}")
        descriptor = os.open(self._temporary, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
        self._file = os.fdopen(descriptor, "w+b")
        self._begin()

    def _begin(self) -> None:
        self._hash = hashlib.sha256()
        self.bytes = 0
        self._last = b""
        compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True)
        self._stream = compressor.stream_writer(self._file, closefd=False)

    def write(self, data: bytes) -> int:
        """Append to the body."""
        self._hash.update(data)
        self.bytes += len(data)
        self._last = data[-1:] or self._last
        self._stream.write(data)
        return len(data)

    def seek(self, position: int) -> int:
        """Only to the beginning, before a new try."""
        if position:
            raise ValueError("a body is written from its beginning")
        return 0

    def tell(self) -> int:
        """Bytes written so far, uncompressed."""
        return self.bytes

    def truncate(self) -> int:
        """Drop what was written: a new try begins."""
        self._file.seek(0)
        self._file.truncate()
        self._begin()
        return 0

    @property
    def sha256(self) -> str:
        """Hash of the uncompressed body so far."""
        return self._hash.hexdigest()

    @property
    def ends_with_line_end(self) -> bool:
        """Whether the last byte so far is a line feed: a report that was not cut ends with one."""
        return self._last == b"\n"

    def finish(self) -> None:
        """Make the body stand under its own name, safely on disk."""
        self._stream.close()  # type: ignore[no-untyped-call]
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def as_binary(writer: BodyWriter) -> BinaryIO:
    """The writer, for functions that take any binary file."""
    return cast(BinaryIO, writer)
