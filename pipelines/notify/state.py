"""What was told already, to whom: a small file in the data folder, replaced in one rename."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.warehouse.atomic import write_atomically

FOLDER = "notify"


@dataclass
class Told:
    """open: alert -> channels that know of it. over: alert -> channels that do not know yet that it is over.

    digests: channel -> the week of its last digest.
    """

    open: dict[str, list[str]] = field(default_factory=dict)
    over: dict[str, list[str]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


def state_file(data_dir: Path) -> Path:
    """Where it stands."""
    return data_dir / FOLDER / "told.json"


def read_told(data_dir: Path) -> Told:
    """What was told; nothing when the file is missing or unreadable: then people are told again."""
    try:
        content = json.loads(state_file(data_dir).read_text(encoding="utf-8"))
        return Told(
            _lists(content["open"]), _lists(content["over"]), {k: str(v) for k, v in content["digests"].items()}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Told()


def write_told(data_dir: Path, told: Told) -> None:
    """Keep it."""
    path = state_file(data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"open": told.open, "over": told.over, "digests": told.digests}
    write_atomically(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def _lists(content: dict[str, Any]) -> dict[str, list[str]]:
    return {key: [str(name) for name in names] for key, names in content.items()}
