"""One case in a process of its own: wall, CPU, peak memory; and what many rounds of it say."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One run of one case. cpu: of the process and those it waited for; peak: of the largest of them, bytes."""

    wall: float
    cpu: float
    peak: int
    disk: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


class CaseFailedError(RuntimeError):
    """A case that ended otherwise than with its line of JSON."""


def run_case(module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Sample:
    """Run ``python -m module arguments`` and measure it.

    Only the standard library is imported here: a child's peak begins with what its parent weighs.
    """
    reader, writer = os.pipe()
    with log.open("ab") as errors:
        begun = time.perf_counter()
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", module, *arguments],
            {**os.environ, **environment},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, writer, 1),
                (os.POSIX_SPAWN_DUP2, errors.fileno(), 2),
                (os.POSIX_SPAWN_CLOSE, reader),
            ],
        )
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as answer:
            lines = answer.read().splitlines()
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - begun
    if status or not lines:
        raise CaseFailedError(f"{module} {' '.join(arguments)} failed; see {log}.")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, facts=json.loads(lines[-1]))


def disk_bytes(path: Path) -> int:
    """What a file or folder takes, without its temporary parts."""
    if path.is_file():
        return path.stat().st_size
    return sum(found.stat().st_size for found in path.rglob("*") if found.is_file() and not found.is_symlink())


@dataclass(frozen=True)
class Summary:
    """The middle of several values, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """Of one value at least."""
        return cls(statistics.median(values), min(values), max(values))

    def show(self, digits: int = 2) -> str:
        """``median [low-high]``."""
        return f"{self.median:.{digits}f} [{self.low:.{digits}f}-{self.high:.{digits}f}]"


def ratios(values: Sequence[float], floor: Sequence[float]) -> Summary:
    """Each round's value over the floor of the same round: what the machine did to both cancels out."""
    if len(values) > len(floor):
        raise ValueError("a round without its floor cannot be judged")
    return Summary.of([value / least for value, least in zip(values, floor, strict=False)])
