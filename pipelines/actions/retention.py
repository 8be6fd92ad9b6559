"""What of plans and log is older than retention allows, and its removal."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

from pipelines.actions.lock import tenant_lock
from pipelines.warehouse.atomic import write_atomically


@dataclass(frozen=True)
class OldActions:
    """What is from before the horizon: plans, and how many lines of the log."""

    horizon: date
    plans: tuple[Path, ...]
    lines: int

    def __bool__(self) -> bool:
        return bool(self.plans or self.lines)


def old_actions(folder: Path, horizon: date) -> OldActions:
    """What is older in the folder of actions; nothing is changed. A file that tells no day is as old as it is."""
    plans = tuple(path for path in sorted((folder / "plans").glob("*.json")) if _made_on(path) < horizon)
    lines = sum(len(_split(path, horizon)[0]) for path in _logs(folder))
    return OldActions(horizon, plans, lines)


def purge_actions(folder: Path, horizon: date) -> None:
    """Remove it. Raises ApplyBusyError while an apply writes the log of any tenant."""
    if not folder.is_dir():
        return
    with ExitStack() as stack:
        for lock in sorted((folder / "locks").glob("*.lock")):
            stack.enter_context(tenant_lock(folder, lock.stem))
        for path in old_actions(folder, horizon).plans:
            path.with_suffix(".md").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        for path in _logs(folder):
            old, kept = _split(path, horizon)
            if old and not kept:
                path.unlink()
            elif old:
                write_atomically(path, "".join(kept))


def _logs(folder: Path) -> list[Path]:
    return sorted((folder / "log").glob("[0-9]*.jsonl"))


def _split(path: Path, horizon: date) -> tuple[list[str], list[str]]:
    """The lines of a log that are older, and those that stay."""
    old: list[str] = []
    kept: list[str] = []
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            # A line that a crash cut off tells no day: it goes with what stands around it.
            day = _day_of(line)
            belongs_to_old = day < horizon if day else not kept
            (old if belongs_to_old else kept).append(line)
    return (old, kept) if any(map(_day_of, old)) else ([], [*old, *kept])


def _day_of(line: str) -> date | None:
    try:
        return _utc_day(str(json.loads(line)["at"]))
    except (ValueError, KeyError, TypeError):
        return None


def _made_on(path: Path) -> date:
    try:
        return _utc_day(str(json.loads(path.read_text(encoding="utf-8"))["created_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).date()


def _utc_day(text: str) -> date:
    # Python 3.10 reads no Z.
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).date()
