"""The action log: what was about to be done, and what became of it; one JSON line each, only ever appended.

``actions/log/YYYY-MM.jsonl`` in the data folder, readable by its owner only. A line stands on disk before the change
that it announces is sent. Never a password, a token or a pre-authenticated address.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from pipelines.actions.plan import Plan, Step

SCHEMA_VERSION = 1


class Outcome(str, Enum):
    """What became of a step. unknown: it was sent, and whether it was done could not be seen yet."""

    DONE = "done"
    ALREADY = "already"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        return self in (Outcome.DONE, Outcome.ALREADY)


@dataclass(frozen=True)
class History:
    """What the log knows of one step: the last outcome, facts kept on the way, and whether an attempt was cut off
    before its outcome was known (and when it began).
    """

    outcome: Outcome | None = None
    detail: str | None = None
    facts: tuple[dict[str, Any], ...] = ()
    is_open: bool = False
    begun_at: str | None = None


@dataclass(frozen=True)
class Who:
    """Who acts: a person on a machine, and the app in the tenant."""

    client_id: str
    os_user: str = field(default_factory=lambda: _os_user())
    host: str = field(default_factory=socket.gethostname)


class ActionLog:
    """The log below a folder. Every line is whole and on disk when ``append`` returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def intent(self, plan: Plan, step: Step, who: Who, before: dict[str, Any], correlation_id: str) -> None:
        """A step is about to be done. before: the state that was just seen."""
        self._append(plan, step, who, "intent", before=before, client_request_id=correlation_id)

    def progress(self, plan: Plan, step: Step, who: Who, facts: dict[str, Any]) -> None:
        """Something that a step needs to know again if it is cut off."""
        self._append(plan, step, who, "progress", facts=facts)

    def outcome(
        self,
        plan: Plan,
        step: Step,
        who: Who,
        outcome: Outcome,
        *,
        after: dict[str, Any] | None,
        detail: str | None,
        request_id: str | None = None,
        correlation_id: str | None = None,
        undo: str | None = None,
    ) -> None:
        """What became of a step. after: the state that was seen last."""
        self._append(
            plan,
            step,
            who,
            "outcome",
            outcome=outcome.value,
            after=after,
            detail=detail,
            request_id=request_id,
            client_request_id=correlation_id,
            undo=undo,
        )

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record, oldest first. A line that was cut off by a crash is passed over."""
        for path in sorted(self.folder.glob("[0-9]*.jsonl")):
            with path.open("rb") as file:
                for line in file:
                    record = _parsed(line)
                    if record is not None:
                        yield record

    def histories(self, plan: Plan) -> dict[str, History]:
        """What is known of the steps of a plan, by step id."""
        found: dict[str, History] = {}
        for record in self.records():
            if record.get("plan_digest") != plan.digest:
                continue
            step_id = str(record["step_id"])
            found[step_id] = _continued(found.get(step_id, History()), record)
        return found

    def _append(self, plan: Plan, step: Step, who: Who, kind: str, **facts: Any) -> None:
        now = datetime.now(timezone.utc)
        record = {
            "schema_version": SCHEMA_VERSION,
            "kind": kind,
            "at": now.isoformat(),
            "tenant_id": plan.tenant_id,
            "plan_id": plan.plan_id,
            "plan_digest": plan.digest,
            "source": plan.source.get("kind"),
            "step_id": step.id,
            "action": step.action,
            "user_id": step.target.user_id,
            "user_principal_name": step.target.user_principal_name,
            "display_name": step.target.display_name,
            "parameters": step.parameters,
            "reason": step.reason,
            "monthly_saving": None if step.monthly_saving is None else str(step.monthly_saving),
            "currency": step.currency,
            "os_user": who.os_user,
            "host": who.host,
            "client_id": who.client_id,
            **facts,
        }
        self._write(self.folder / f"{now:%Y-%m}.jsonl", record)

    def _write(self, path: Path, record: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_new = not path.exists()
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
        try:
            # A line that a crash cut off ends here, so that this one is whole.
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self.folder)


def _continued(history: History, record: dict[str, Any]) -> History:
    match record.get("kind"):
        case "intent":
            begun = history.begun_at if history.is_open else str(record.get("at"))
            return History(history.outcome, history.detail, history.facts, True, begun)
        case "progress":
            facts = (*history.facts, dict(record.get("facts") or {}))
            return History(history.outcome, history.detail, facts, history.is_open, history.begun_at)
        case "outcome":
            outcome = Outcome(str(record["outcome"]))
            # One that could not be seen is still to be looked for.
            is_open = history.is_open and outcome is Outcome.UNKNOWN
            return History(outcome, record.get("detail"), history.facts, is_open, history.begun_at)
    return history


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "plan_digest" in record and "step_id" in record else None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container whose user number has no name.
        return str(os.getuid())
