"""Small files that are either whole or not there, for their owner only."""

from __future__ import annotations

import os
from pathlib import Path

# What a file that is being written ends with.
UNFINISHED_SUFFIX = ".part"


def write_atomically(path: Path, text: str) -> None:
    """Write a small file, readable by its owner only, that is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED_SUFFIX}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
