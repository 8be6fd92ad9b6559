"""Accounts are made, changed, disabled, deleted and restored; and what stands in the way of each."""

from __future__ import annotations

import csv
import logging
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.actions.passwords import PasswordFile
from pipelines.actions.plan import Plan, Target
from pipelines.actions.plan_file import write_plan
from pipelines.actions.planning.joiner import plan_joiners
from pipelines.actions.planning.making import make_step
from pipelines.actions.planning.records import JoinerRecord, read_joiners
from pipelines.actions.planning.user import Wishes, plan_user
from pipelines.actions.results import Fate
from pipelines.settings import SettingsError
from pipelines.simulator import Reply, Rule
from tests.integration.actions_rig import ActionsRig, direct, fates, only_direct, open_rig, step


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ActionsRig]:
    with open_rig(tmp_path) as opened:
        yield opened


def joiner(rig: ActionsRig, **facts: Any) -> JoinerRecord:
    domain = rig.server.tenant.spec.domain
    values = {"mail": f"Nora.Newcomer@{domain}", "display_name": "Nora Newcomer", "usage_location": "DE", **facts}
    return JoinerRecord.model_validate(values)


def plan_for(rig: ActionsRig, *records: JoinerRecord) -> Plan:
    with rig.reader() as client:
        return plan_joiners(records, client)


def passwords(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        return {row["user_principal_name"]: row["password"] for row in csv.DictReader(file)}


def everything_written(rig: ActionsRig) -> str:
    return "".join(path.read_text() for path in (rig.data_dir / "actions").rglob("*") if path.is_file())


def test_an_account_is_disabled_enabled_and_signed_out(rig: ActionsRig) -> None:
    user = rig.users(lambda one: one["accountEnabled"])[0]
    licences = user["assignedLicenses"]
    results = rig.do(step("disable_account", user), step("revoke_sessions", user))
    assert [result.fate for result in results] == [Fate.DONE, Fate.DONE]
    now = rig.user(user["id"])
    assert now["accountEnabled"] is False
    assert now["assignedLicenses"] == licences, "disabling an account frees no licence"
    assert fates(rig.do(step("disable_account", user))) == [Fate.ALREADY]
    assert fates(rig.do(step("enable_account", user))) == [Fate.DONE]
    assert rig.user(user["id"])["accountEnabled"] is True


def test_a_synchronised_account_is_to_be_disabled_on_premises_too(rig: ActionsRig) -> None:
    user = rig.users(lambda one: one["accountEnabled"], synced=True)[0]
    (result,) = rig.do(step("disable_account", user))
    assert result.fate is Fate.DONE
    assert "change it there, too" in str(result.detail)
    (result,) = rig.do(step("set_attributes", user, department="Elsewhere"))
    assert result.fate is Fate.SKIPPED
    assert "synchronised from on premises" in str(result.detail)
    assert fates(rig.do(step("set_attributes", user, usageLocation="FR"))) == [Fate.DONE]


def test_manager_type_and_attributes_are_set_and_set_back(rig: ActionsRig) -> None:
    user, manager = rig.users(lambda one: one.get("manager"))[0], rig.users()[-1]
    former = user["manager"]["id"]
    plan = rig.plan(step("set_manager", user, manager_id=manager["id"]), step("set_user_type", user, user_type="Guest"),
                    step("set_attributes", user, department="Elsewhere", jobTitle="Clerk"))  # fmt: skip
    assert fates(rig.apply(plan)) == [Fate.DONE] * 3
    now = rig.user(user["id"])
    assert (now["manager"]["id"], now["userType"], now["department"], now["jobTitle"]) == (
        manager["id"], "Guest", "Elsewhere", "Clerk",
    )  # fmt: skip
    undo = [record["undo"] for record in rig.records()]
    assert f"--manager {former}" in undo[0]
    assert "--user-type Member" in undo[1]
    with rig.reader() as client:
        wishes = Wishes(manager=former, user_type="Member", attributes=(("department", user["department"]),))
        back = plan_user(user["userPrincipalName"], wishes, client)
    assert set(fates(rig.apply(back))) == {Fate.DONE}
    assert rig.user(user["id"])["manager"]["id"] == former
    assert fates(rig.do(step("set_manager", user, manager_id=None))) == [Fate.DONE]
    assert not rig.user(user["id"]).get("manager")


def test_a_manager_changed_by_somebody_else_is_left(rig: ActionsRig) -> None:
    user, first, second = rig.users(lambda one: one.get("manager"))[0], rig.users()[-1], rig.users()[-2]
    plan = rig.plan(step("set_manager", user, manager_id=first["id"]))
    rig.do(step("set_manager", user, manager_id=second["id"]))
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.SKIPPED
    assert "the manager was" in str(result.detail)
    assert rig.user(user["id"])["manager"]["id"] == second["id"]


def test_somebody_is_deleted_and_restored_with_licences(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    held = sorted(direct(user))
    assert fates(rig.do(step("delete_user", user))) == [Fate.DONE]
    assert user["id"] not in {one["id"] for one in rig.server.tenant.users()}
    assert fates(rig.do(step("delete_user", user))) == [Fate.ALREADY]
    with rig.reader() as client:
        plan = plan_user(user["userPrincipalName"], Wishes(restore=True), client)
    assert plan.steps[0].target.user_id == user["id"]
    assert fates(rig.apply(plan)) == [Fate.DONE]
    assert sorted(direct(rig.user(user["id"]))) == held
    with rig.reader() as client, pytest.raises(SettingsError, match="Nobody in the bin"):
        plan_user(user["userPrincipalName"], Wishes(restore=True), client)


def test_a_name_taken_meanwhile_stops_the_restoring(rig: ActionsRig, tmp_path: Path) -> None:
    user = rig.users()[0]
    plan = rig.plan(step("delete_user", user))
    rig.apply(plan)
    other = joiner(rig, mail=user["userPrincipalName"], display_name="Somebody Else")
    assert set(fates(rig.apply(plan_for(rig, other), passwords=PasswordFile(tmp_path / "p.csv")))) == {Fate.DONE}
    restore = rig.plan(step("restore_user", user))
    (result,) = rig.apply(restore).results
    assert result.fate is Fate.FAILED
    assert "HTTP 4" in str(result.detail)


# --- joiners ------------------------------------------------------------------------------------------------


def test_a_joiner_gets_account_manager_groups_and_licences(rig: ActionsRig, tmp_path: Path) -> None:
    manager = rig.users()[0]
    sku = next(s for s in rig.server.tenant.subscribed_skus() if s["appliesTo"] == "User"
               and s["prepaidUnits"]["enabled"] > s["consumedUnits"])  # fmt: skip
    record = joiner(rig, department="Finance", manager=manager["userPrincipalName"], groups="SEC-Finance-Files",
                    licences=sku["skuPartNumber"])  # fmt: skip
    plan = plan_for(rig, record)
    assert [one.action for one in plan.steps] == [
        "create_user",
        "set_manager",
        "add_group_membership",
        "assign_license",
    ]
    assert [one.depends_on for one in plan.steps] == [(), ("001",), ("001",), ("001",)]
    file = tmp_path / "passwords.csv"
    done = rig.apply(plan, passwords=PasswordFile(file))
    assert fates(done) == [Fate.DONE] * 4
    made = next(u for u in rig.server.tenant.users() if u["userPrincipalName"] == record.mail)
    assert (made["displayName"], made["department"], made["usageLocation"]) == ("Nora Newcomer", "Finance", "DE")
    assert made["manager"]["id"] == manager["id"]
    assert direct(made) == [sku["skuId"]]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = passwords(file)[record.mail]
    assert len(password) >= 16
    assert password not in everything_written(rig)
    writes = len(rig.writes())
    assert fates(rig.apply(plan)) == [Fate.DONE] * 4
    assert len(rig.writes()) == writes


def test_without_a_place_for_the_password_nobody_is_made(rig: ActionsRig) -> None:
    (result,) = rig.apply(plan_for(rig, joiner(rig))).results
    assert result.fate is Fate.FAILED
    assert "--password-file" in str(result.detail)
    assert not rig.writes()


def test_a_file_of_passwords_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(SettingsError, match="is not overwritten"):
        PasswordFile(tmp_path / "there.csv")


def test_a_name_that_is_taken_stops_all_that_follows(rig: ActionsRig, tmp_path: Path) -> None:
    record = joiner(rig, manager=rig.users()[0]["userPrincipalName"])
    plan = plan_for(rig, record)
    target = Target(user_principal_name=record.mail, display_name="Another Nora")
    other = make_step("create_user", target, {"displayName": "Another Nora"}, reason="a test")
    assert fates(rig.do(other, passwords=PasswordFile(tmp_path / "first.csv"))) == [Fate.DONE]
    results = rig.apply(plan, passwords=PasswordFile(tmp_path / "second.csv")).results
    assert [result.fate for result in results] == [Fate.SKIPPED, Fate.WAITING]
    assert "Somebody has this name already (Another Nora" in str(results[0].detail)
    assert not (tmp_path / "second.csv").exists(), "no password was made"
    made = next(u for u in rig.server.tenant.users() if u["userPrincipalName"] == record.mail)
    assert not made.get("manager"), "the other person is left alone"


def lost(reply: Reply) -> Reply:
    return replace(reply, is_reset=True)


def test_an_account_whose_answer_was_lost_is_not_made_twice(rig: ActionsRig, tmp_path: Path) -> None:
    plan = plan_for(rig, joiner(rig))
    rig.server.faults.add(Rule("/v1.0/users$", method="POST", change=lost, times=1))
    file = tmp_path / "p.csv"
    (result,) = rig.apply(plan, passwords=PasswordFile(file)).results
    assert result.fate is Fate.DONE
    assert len(passwords(file)) == 1
    assert len([record for record in rig.writes() if record.path == "/v1.0/users"]) == 1
    record = rig.records()[-1]
    assert record["outcome"] == "done"


def test_an_account_that_was_refused_leaves_no_password(rig: ActionsRig, tmp_path: Path) -> None:
    plan = plan_for(rig, joiner(rig))
    rig.server.faults.add(Rule("/v1.0/users$", method="POST", status=400, code="Request_BadRequest", message="No."))
    file = tmp_path / "p.csv"
    (result,) = rig.apply(plan, passwords=PasswordFile(file)).results
    assert result.fate is Fate.FAILED
    assert passwords(file) == {}


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        (None, Fate.DONE),
        (Rule("/v1.0/users$", method="POST", change=lost, times=1), Fate.DONE),
        (Rule("/v1.0/users$", method="POST", status=400, code="Request_BadRequest", message="No."), Fate.FAILED),
        (Rule("/v1.0/users$", method="POST", status=500, times=None), Fate.UNKNOWN),
    ],
    ids=["made", "answer lost", "refused", "never answered"],
)
def test_a_password_stands_in_its_file_and_nowhere_else(
    rig: ActionsRig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answer: Rule | None,
    fate: Fate,
) -> None:
    """Not in a plan, the action log, a result, a debug log, or what is shown while it works."""
    secret = "Known-only-here-%7431"
    monkeypatch.setattr("pipelines.actions.lifecycle.make_password", lambda: secret)
    plan = plan_for(rig, joiner(rig))
    write_plan(rig.data_dir / "actions" / "plans", plan)
    if answer is not None:
        rig.server.faults.add(replace(answer))
    told: list[str] = []
    file = tmp_path / "p.csv"
    with caplog.at_level(logging.DEBUG):
        done = rig.apply(plan, passwords=PasswordFile(file), tell=told.append)
    assert fates(done) == [fate]
    assert (secret in file.read_text()) is (fate is not Fate.FAILED)
    assert len(list(rig.log.records())) >= 2
    said = [everything_written(rig), caplog.text, repr(caplog.records), repr(done), *told]
    assert not [text for text in said if secret in text]


def test_an_unknown_domain_product_group_or_manager_is_told_while_planning(rig: ActionsRig) -> None:
    for facts, words in (
        ({"mail": "nora@elsewhere.example"}, "no domain elsewhere.example"),
        ({"licences": "NO_SUCH"}, "no product NO_SUCH"),
        ({"groups": "No such group"}, "no group called No such group"),
        ({"groups": "DYN-Sales"}, "chosen by a rule"),
        ({"manager": "nobody@fabrikam.example"}, "Nobody in tenant"),
        ({"mail": rig.users()[0]["userPrincipalName"]}, "is taken"),
        ({"licences": "SPE_E3", "usage_location": None}, "usage_location is missing"),
    ):
        with pytest.raises(SettingsError, match=words):
            plan_for(rig, joiner(rig, **facts))


def test_records_are_read_from_csv_and_json(tmp_path: Path) -> None:
    table, text = tmp_path / "joiners.csv", tmp_path / "joiners.json"
    table.write_text("Mail,Display Name,Groups,Licences\nn@x.example,N N,A; B,E3\n", encoding="utf-8-sig")
    text.write_text('{"mail": "n@x.example", "display_name": "N N", "groups": ["A", "B"], "licences": ["E3"]}')
    assert read_joiners(table) == read_joiners(text)
    assert read_joiners(text)[0].groups == ("A", "B")
    for bad, words in (
        ("mail,display_name\nn,N\n", "person 1: mail must be a mail address"),
        ("mail,display_name,colour\nn@x.example,N,red\n", "colour is no column"),
        ("mail\nn@x.example\n", "display_name is missing"),
        ("mail,display_name\n", "names nobody"),
        ("mail,display_name\nn@x.example,N\nN@x.example,M\n", "twice"),
    ):
        table.write_text(bad)
        with pytest.raises(SettingsError, match=words):
            read_joiners(table)
