"""A person who is forgotten goes from plans and log, too: plans are removed, of the log's lines the bare facts stay."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.actions.lock import tenant_lock
from pipelines.warehouse.atomic import write_atomically

# What of a line names nobody: it is kept, so that the log still tells that something was done.
_KEPT = (
    "schema_version",
    "kind",
    "at",
    "tenant_id",
    "plan_id",
    "plan_digest",
    "source",
    "step_id",
    "action",
    "outcome",
    "monthly_saving",
    "currency",
    "os_user",
    "host",
    "client_id",
    "request_id",
    "client_request_id",
)
# Every line has these; of a forgotten person they are empty.
_EMPTIED = ("user_id", "user_principal_name", "display_name", "reason", "before", "after", "detail", "undo", "facts")


def erase_from_actions(folder: Path, tenant_id: str, names: Iterable[str]) -> tuple[int, int]:
    """Erase whoever has one of these names (object id among them) from the folder of actions.

    Returns how many plans were removed, and how many lines of the log were emptied. What names the person as somebody
    else's manager goes likewise. Raises ApplyBusyError while an apply writes the log.
    """
    if not folder.is_dir():
        return 0, 0
    needle = _pattern(names)
    with tenant_lock(folder, tenant_id):
        return _erase_plans(folder / "plans", needle), sum(
            _erase_lines(path, needle) for path in sorted((folder / "log").glob("*.jsonl"))
        )


def _erase_plans(folder: Path, needle: re.Pattern[str]) -> int:
    removed = 0
    for path in sorted(folder.glob("*.json")):
        if _names(path.read_text(encoding="utf-8", errors="replace"), needle):
            path.with_suffix(".md").unlink(missing_ok=True)
            path.unlink()
            removed += 1
    return removed


def _erase_lines(path: Path, needle: re.Pattern[str]) -> int:
    lines, emptied = [], 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if _names(line, needle):
            emptied += 1
            line = _emptied(line)
        lines.append(line)
    if emptied:
        write_atomically(path, "".join(f"{line}\n" for line in lines if line))
    return emptied


def _emptied(line: str) -> str:
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        # Cut off by a crash: nothing could be read of it anyway.
        return ""
    found: dict[str, Any] = {key: record[key] for key in _KEPT if key in record}
    found |= {key: None for key in _EMPTIED if key in record}
    found |= {"parameters": {}, "is_redacted": True}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _names(text: str, needle: re.Pattern[str]) -> bool:
    return needle.search(text) is not None


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Finds one of the names as such, in any case; JSON may have written a letter beyond ASCII as an escape."""
    known = {name.strip().lower() for name in names if name.strip()}
    words = "|".join(re.escape(word) for word in sorted(known | {json.dumps(name)[1:-1] for name in known}))
    return re.compile(rf"(?<![\w.+-])(?:{words})(?![\w-])" if words else r"(?!)", re.IGNORECASE)
