"""The search for what must not be there any more: every file below a folder, landed bodies unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard

_BLOCK_BYTES = 1 << 20


def files_naming(folder: Path, names: Iterable[str]) -> list[Path]:
    """The files in which one of the names stands, in any case, plainly or inside a zstd stream.

    Databases and Parquet files are packed in their own ways: they are made anew, not searched.
    """
    needles = [name.lower().encode() for name in names]
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and _holds(path, needles):
            found.append(path)
    return found


def _holds(path: Path, needles: list[bytes]) -> bool:
    overlap = max(map(len, needles), default=1)
    left = b""
    try:
        for block in _blocks(path):
            text = left + block.lower()
            if any(needle in text for needle in needles):
                return True
            left = text[-overlap:]
    except (FileNotFoundError, zstandard.ZstdError):
        return False
    return False


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        stream: Any = zstandard.ZstdDecompressor().stream_reader(file) if path.suffix == ".zst" else file
        while data := stream.read(_BLOCK_BYTES):
            yield bytes(data)
