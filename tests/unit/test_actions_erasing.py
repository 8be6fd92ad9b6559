"""A forgotten person goes from plans and log, and nobody else does."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from pipelines.actions.erasing import erase_from_actions
from pipelines.actions.lock import ApplyBusyError, tenant_lock
from pipelines.actions.log import ActionLog, Outcome, Who
from pipelines.actions.plan import Plan, Target, in_order
from pipelines.actions.plan_file import read_plan, write_plan
from pipelines.actions.planning.making import make_plan, make_step

TENANT = "5b1a2c3d-7e84-4f6a-9d0b-3c2e1f408a97"
WHO = Who("app", "operator", "host")
ANN = Target(user_id="11111111-1111-4111-8111-111111111111", user_principal_name="Ann.Müller@x.example",
             display_name="Ann Müller")  # fmt: skip
BOB = Target(user_id="22222222-2222-4222-8222-222222222222", user_principal_name="bob@x.example", display_name="Bob")


def plan(target: Target, **parameters: str) -> Plan:
    action = "set_manager" if parameters else "disable_account"
    return make_plan(TENANT, {"kind": "test"}, in_order([make_step(action, target, parameters, reason="left")]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder, log = tmp_path / "actions", ActionLog(tmp_path / "actions" / "log")
    for made in (plan(ANN), plan(BOB), plan(BOB, manager_id=str(ANN.user_id), manager_name=ANN.user_principal_name)):
        write_plan(folder / "plans", made)
        log.intent(made, made.steps[0], WHO, {"exists": True}, "c")
        log.outcome(made, made.steps[0], WHO, Outcome.DONE, after={}, detail="ok", request_id="r", undo="back")
    return folder


def test_plans_go_and_of_the_log_the_bare_facts_stay(folder: Path) -> None:
    bystander = next(path for path in (folder / "plans").glob("*.json") if "disable" in path.read_text()
                     and "bob@" in path.read_text())  # fmt: skip
    before = list(ActionLog(folder / "log").records())
    assert erase_from_actions(folder, TENANT, [ANN.user_principal_name.lower(), str(ANN.user_id)]) == (2, 4)
    left = "".join(path.read_text() for path in folder.rglob("*") if path.is_file()).lower()
    assert "ann" not in left
    assert str(ANN.user_id) not in left
    assert [path.suffix for path in sorted((folder / "plans").iterdir())] == [".json", ".md"]
    assert read_plan(bystander).steps[0].target == BOB
    after = list(ActionLog(folder / "log").records())
    assert [(r["kind"], r["at"], r["action"], r["plan_digest"]) for r in after] == [
        (r["kind"], r["at"], r["action"], r["plan_digest"]) for r in before
    ]
    assert after[2:4] == before[2:4], "other people's lines are as they were"
    emptied = after[1]
    assert (emptied["outcome"], emptied["os_user"], emptied["request_id"]) == ("done", "operator", "r")
    assert (emptied["user_id"], emptied["reason"], emptied["parameters"]) == (None, None, {})
    (path,) = (folder / "log").glob("*.jsonl")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert erase_from_actions(folder, TENANT, [str(ANN.user_id)]) == (0, 0)


def test_a_line_written_with_escapes_is_found_and_one_cut_off_goes(folder: Path) -> None:
    (path,) = (folder / "log").glob("*.jsonl")
    with path.open("a") as file:
        file.write(json.dumps({"kind": "outcome", "user_principal_name": "ann.müller@x.example"}) + "\n")
        file.write('{"kind":"intent","user_principal_name":"ann.müller@x.example"')
    erase_from_actions(folder, TENANT, ["ann.müller@x.example"])
    assert "ller@x.example" not in path.read_text().lower()


def test_somebody_whose_name_only_ends_alike_is_left(folder: Path) -> None:
    other = Target(user_id="3", user_principal_name="jo-ann.müller@x.example")
    write_plan(folder / "plans", plan(other))
    assert erase_from_actions(folder, TENANT, ["ann.müller@x.example"]) == (2, 4)
    assert any("jo-ann" in path.read_text() for path in (folder / "plans").glob("*.json"))


def test_where_nothing_was_ever_planned_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert erase_from_actions(tmp_path / "none", TENANT, ["ann@x.example"]) == (0, 0)
    assert not (tmp_path / "none").exists()


def test_while_an_apply_writes_the_log_it_is_left(folder: Path) -> None:
    with tenant_lock(folder, TENANT), pytest.raises(ApplyBusyError):
        erase_from_actions(folder, TENANT, [str(ANN.user_id)])
