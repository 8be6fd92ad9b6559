"""Loading the action log: what was done to tenants, one row per line that tells of a step.

The log is the truth and only ever appended to, so every run puts what it says in the place of what the table said:
nothing is doubled, and a warehouse made anew from landing/ gets it back. Only the fields named here are loaded; facts
that a step keeps for itself (what was copied so far) stay in the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse.database import transaction
from pipelines.warehouse.forgotten import Forgotten

_KINDS = ("intent", "outcome")
_NEEDED = ("tenant_id", "plan_digest", "step_id", "action", "at")
# Column -> type; the order is that of the table.
_COLUMNS = {
    "tenant_id": "varchar",
    "plan_id": "varchar",
    "plan_digest": "varchar",
    "source": "varchar",
    "step_id": "varchar",
    "kind": "varchar",
    "logged_at": "timestamptz",
    "action": "varchar",
    "user_id": "varchar",
    "user_principal_name": "varchar",
    "sku_ids": "varchar[]",
    "group_id": "varchar",
    "manager_id": "varchar",
    "user_type": "varchar",
    "reason": "varchar",
    "outcome": "varchar",
    "detail": "varchar",
    "state_before": "varchar",
    "state_after": "varchar",
    "undo": "varchar",
    "monthly_saving": "decimal(18, 6)",
    "currency": "varchar",
    "os_user": "varchar",
    "host": "varchar",
    "client_id": "varchar",
    "request_id": "varchar",
    "client_request_id": "varchar",
}
# What may tell who a step was about.
PERSONAL = ("user_id", "user_principal_name", "manager_id", "reason", "detail", "state_before", "state_after", "undo")


def load_action_log(con: duckdb.DuckDBPyConnection, folder: Path, forgotten: Forgotten | None = None) -> int:
    """Put what the log below ``folder`` says in the place of what raw.action_log said; returns its rows.

    A line that a crash cut off, or that is none of ours, is passed over. forgotten: people of whom only the fact that
    something was done is loaded, should a line still name them.
    """
    rows = [row for record in _records(folder) if (row := _row(record, forgotten)) is not None]
    with transaction(con):
        con.execute("delete from raw.action_log")
        if rows:
            columns = ", ".join(f"unnest(cast(? as {kind}[]))" for kind in _COLUMNS.values())
            names = ", ".join(_COLUMNS)
            con.execute(
                f"insert into raw.action_log ({names}) select {columns}",
                [[row[name] for row in rows] for name in _COLUMNS],
            )
    return len(rows)


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("[0-9]*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict) and record.get("kind") in _KINDS and all(map(record.get, _NEEDED)):
                    yield record


def _row(record: dict[str, Any], forgotten: Forgotten | None) -> dict[str, Any] | None:
    try:
        logged_at = datetime.fromisoformat(str(record["at"]))
    except ValueError:
        return None
    parameters, before = _facts(record, "parameters"), _facts(record, "before")
    row: dict[str, Any] = {name: _text(record.get(name)) for name in _COLUMNS}
    row |= {
        "logged_at": logged_at,
        "sku_ids": _sku_ids(parameters, before),
        "group_id": _text(parameters.get("group_id")),
        "manager_id": _text(parameters.get("manager_id")),
        "user_type": _text(parameters.get("user_type")),
        "state_before": _json(record.get("before")),
        "state_after": _json(record.get("after")),
        "monthly_saving": _amount(record.get("monthly_saving")),
    }
    names = [str(row[name]) for name in ("user_id", "user_principal_name") if row[name]]
    day = logged_at.date()
    if forgotten and any(forgotten.is_forgotten(row["tenant_id"], name, day) for name in names):
        row |= dict.fromkeys(PERSONAL)
    return row


def _sku_ids(parameters: dict[str, Any], before: dict[str, Any]) -> list[str]:
    if parameters.get("sku_id"):
        return [str(parameters["sku_id"]).lower()]
    found = before.get("group_licenses")
    return sorted({str(sku_id).lower() for sku_id in found}) if isinstance(found, list) else []


def _facts(record: dict[str, Any], name: str) -> dict[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _amount(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
