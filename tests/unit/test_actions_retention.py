"""Retention of plans and action log."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from pipelines.actions.lock import ApplyBusyError, tenant_lock
from pipelines.actions.log import ActionLog
from pipelines.actions.plan_file import read_plan, write_plan
from pipelines.actions.planning.making import make_plan
from pipelines.actions.retention import old_actions, purge_actions

TENANT = "11111111-2222-3333-4444-555555555555"
HORIZON = date(2026, 10, 10)


def line(day: str) -> str:
    facts = {"kind": "outcome", "plan_digest": "d", "step_id": "001", "at": f"{day}T23:30:00+00:00", "outcome": "done"}
    return json.dumps(facts) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day in (datetime(2026, 10, 9, 23, tzinfo=timezone.utc), datetime(2026, 10, 10, 0, tzinfo=timezone.utc)):
        write_plan(tmp_path / "plans", make_plan(TENANT, {"kind": "user"}, [], now=day))
    log = tmp_path / "log"
    log.mkdir()
    (log / "2026-09.jsonl").write_text(line("2026-09-01") + line("2026-09-30"))
    (log / "2026-10.jsonl").write_text(line("2026-10-09") + '{"cut off\n' + line("2026-10-10") + line("2026-10-11"))
    return tmp_path


def test_what_is_older_is_counted_and_nothing_changed(folder: Path) -> None:
    found = old_actions(folder, HORIZON)
    assert (len(found.plans), found.lines) == (1, 4)
    assert len(list(folder.rglob("*.json"))) == 2
    assert not old_actions(folder, date(2026, 8, 1))
    assert not old_actions(folder / "nowhere", HORIZON)


def test_it_goes_and_the_rest_can_still_be_read(folder: Path) -> None:
    purge_actions(folder, HORIZON)
    (left,) = (folder / "plans").glob("*.json")
    assert read_plan(left).created_at.date() == HORIZON
    assert [path.name for path in (folder / "plans").glob("*.md")] == [left.with_suffix(".md").name]
    assert [record["at"][:10] for record in ActionLog(folder / "log").records()] == ["2026-10-10", "2026-10-11"]
    assert [path.name for path in (folder / "log").iterdir()] == ["2026-10.jsonl"]
    assert (folder / "log" / "2026-10.jsonl").stat().st_mode & 0o777 == 0o600
    assert not old_actions(folder, HORIZON)
    purge_actions(folder, HORIZON)


def test_not_while_somebody_applies(folder: Path) -> None:
    with tenant_lock(folder, TENANT), pytest.raises(ApplyBusyError):
        purge_actions(folder, HORIZON)
    assert old_actions(folder, HORIZON).lines == 4
