"""A leaver: mail is answered and forwarded, files are handed over, licences go last; each step waits for the former."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.actions.plan import Plan
from pipelines.actions.planning.leaver import LeaverWishes, plan_leaver
from pipelines.actions.results import Fate
from pipelines.simulator import Pace, Rule
from pipelines.simulator.drives import drive_of_user
from tests.integration.actions_rig import (
    ActionsRig,
    Json,
    company,
    direct,
    fates,
    inherited,
    kill_when,
    only_direct,
    open_rig,
    step,
)
from tests.integration.test_actions_onedrive import COPY, both_trees, has_plan, with_drive


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ActionsRig]:
    with open_rig(tmp_path) as opened:
        yield opened


def leaver_of(rig: ActionsRig) -> tuple[Json, Json]:
    """Somebody with licences, files and a manager who has OneDrive, too."""
    people = {user["id"]: user for user in with_drive(rig)}
    return next(
        (user, people[user["manager"]["id"]])
        for user in people.values()
        if user.get("manager") and user["manager"]["id"] in people and direct(user) and user["accountEnabled"]
    )


def plan_for(rig: ActionsRig, user: Json, wishes: LeaverWishes | None = None) -> Plan:
    with rig.reader() as client:
        return plan_leaver(user["userPrincipalName"], client, wishes, log=rig.log)


def test_an_automatic_reply_is_set_and_turned_off(rig: ActionsRig) -> None:
    user = with_drive(rig)[0]
    text = "Nora has left.\nAsk <support@fabrikam.example> & wait."
    plan = rig.plan(step("set_automatic_reply", user, message=text), by="writer")
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.DONE, result.detail
    assert rig.records()[-1]["after"]["external"] == "Nora has left. Ask <support@fabrikam.example> & wait."
    assert fates(rig.do(step("set_automatic_reply", user, message=text))) == [Fate.ALREADY]
    assert fates(rig.do(step("set_automatic_reply", user, message=""))) == [Fate.DONE]
    assert rig.records()[-1]["after"]["status"] == "disabled"


def test_mail_is_forwarded_once_and_no_longer(rig: ActionsRig) -> None:
    user, other = with_drive(rig)[:2]
    add = step("add_forwarding_rule", user, address=other["mail"])
    rig.server.faults.add(Rule("messageRules$", method="POST", change=lambda reply: _reset(reply), times=1))
    assert fates(rig.do(add)) == [Fate.DONE]
    posts = [record for record in rig.writes() if record.path.endswith("messageRules")]
    assert len(posts) == 1, "the answer was lost, and the rule was seen to be there"
    assert fates(rig.do(add)) == [Fate.ALREADY]
    remove = step("remove_forwarding_rule", user, address=other["mail"].upper())
    assert fates(rig.do(remove)) == [Fate.DONE]
    assert fates(rig.do(remove)) == [Fate.ALREADY]


def _reset(reply):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(reply, is_reset=True)


def test_without_a_mailbox_there_is_nothing_to_answer(rig: ActionsRig) -> None:
    user = next(one for one in rig.server.tenant.users() if one["userType"] == "Guest")
    results = rig.do(
        step("set_automatic_reply", user, message="Gone."), step("add_forwarding_rule", user, address="a@b.example")
    )
    assert fates(results) == [Fate.SKIPPED, Fate.SKIPPED]
    assert results[0].detail == "The person has no mailbox in Exchange Online."


def test_a_leaver_is_dealt_with_in_order(rig: ActionsRig) -> None:
    user, manager = leaver_of(rig)
    plan = plan_for(rig, user, LeaverWishes(reply="Gone.", forward_to="manager"))
    actions = [one.action for one in plan.steps]
    assert actions[:5] == [
        "disable_account", "revoke_sessions", "set_automatic_reply", "add_forwarding_rule", "hand_over_onedrive",
    ]  # fmt: skip
    assert set(actions[5:]) <= {"remove_license", "remove_group_membership"}
    assert [one.depends_on for one in plan.steps] == [(), *((before.id,) for before in plan.steps[:-1])]
    assert any("shared mailbox" in note for note in plan.notes)
    done = rig.apply(plan)
    assert set(fates(done)) == {Fate.DONE}, [result.detail for result in done.results]
    now = rig.user(user["id"])
    assert now["accountEnabled"] is False
    assert direct(now) == []
    paths = [record.path for record in rig.writes()]
    last_copy = max(index for index, path in enumerate(paths) if path.endswith("/copy"))
    first_licence = min(i for i, path in enumerate(paths) if path.endswith(("assignLicense", "$ref")))
    assert last_copy < first_licence
    # Without the licence the OneDrive can still be looked at for a while; what was copied stays with the manager.
    target = drive_of_user(rig.server.tenant, manager["id"]).drive
    assert target.named(target.root_id, user["displayName"])


def test_licences_stay_until_the_files_are_safe(rig: ActionsRig) -> None:
    user, _ = leaver_of(rig)
    plan = plan_for(rig, user)
    rig.server.faults.add(Rule(COPY, method="POST", status=423, code="resourceLocked", times=None))
    first = rig.apply(plan)
    hand_over = next(i for i, result in enumerate(first.results) if result.step.action == "hand_over_onedrive")
    assert fates(first)[hand_over] is Fate.FAILED
    assert set(fates(first)[hand_over + 1 :]) == {Fate.WAITING}
    assert first.exit_code == 1
    assert sorted(direct(rig.user(user["id"]))) == sorted(direct(user))
    rig.server.faults.clear()
    assert set(fates(rig.apply(plan))) == {Fate.DONE}
    assert direct(rig.user(user["id"])) == []


def test_a_failure_with_one_person_stops_nobody_else(rig: ActionsRig) -> None:
    first, second = rig.users(only_direct, synced=None)[:2]
    plan = rig.plan(
        step("remove_license", first, sku_id=only_direct(first)[0]),
        step("remove_license", second, sku_id=only_direct(second)[0]),
    )
    rig.server.faults.add(Rule(f"{first['id']}/assignLicense", status=400, code="Request_BadRequest", message="No."))
    assert fates(rig.apply(plan)) == [Fate.FAILED, Fate.DONE]


def test_without_a_manager_the_licence_of_the_files_stays(rig: ActionsRig) -> None:
    user = rig.users(lambda one: has_plan(rig, one) and only_direct(one))[0]
    rig.do(step("set_manager", user, manager_id=None))
    plan = plan_for(rig, user)
    assert "hand_over_onedrive" not in [one.action for one in plan.steps]
    assert plan.by_hand[0].what == "The OneDrive"
    assert any("It carries the OneDrive" in item.why for item in plan.by_hand)
    kept = plan_for(rig, user, LeaverWishes(onedrive="none", keep_licenses=True))
    assert {one.action for one in kept.steps} <= {"disable_account", "revoke_sessions"}
    assert not kept.by_hand


def test_somebody_without_a_onedrive_or_mailbox_is_no_obstacle(rig: ActionsRig) -> None:
    user = next(
        one for one in rig.users(lambda one: one.get("manager") and not has_plan(rig, one), synced=None)
        if direct(one) or inherited(one)
    )  # fmt: skip
    manager = with_drive(rig)[0]
    wishes = LeaverWishes(reply="Gone.", onedrive_to=manager["userPrincipalName"])
    done = rig.apply(plan_for(rig, user, wishes))
    by_action = {result.step.action: result.fate for result in done.results}
    assert by_action["hand_over_onedrive"] is Fate.ALREADY
    assert not {Fate.WAITING, Fate.FAILED} & set(fates(done)), [result.detail for result in done.results]


# --- cut off ------------------------------------------------------------------------------------------------


def test_a_hand_over_killed_in_the_middle_goes_on_where_it_was(tmp_path: Path) -> None:
    with open_rig(tmp_path / "slow", pace=Pace(copy=0.3, copied_item=0.0)) as rig:
        leaver, manager, *_ = with_drive(rig)
        plan = rig.plan(step("hand_over_onedrive", leaver, manager_id=manager["id"]), by="writer")
        kill_when(rig, plan, lambda: len(rig.server.requests.to("/copy")) >= 3)
        assert not rig.records(), "no outcome"
        assert rig.records("intent")
        before = len(rig.server.requests.to("/copy"))
        (result,) = rig.apply(plan, sleep=lambda seconds: time.sleep(seconds / 5)).results
        assert result.fate is Fate.DONE, result.detail
        source, target = both_trees(rig, leaver, manager)
        assert source == target, "nothing twice, nothing missing"
        assert len(rig.server.requests.to("/copy")) - before <= len(source) - 2, "what was there was not copied again"
        names = drive_of_user(rig.server.tenant, manager["id"]).drive
        folders = [node.name for node in names.children(names.root_id) if node.name.startswith(leaver["displayName"])]
        assert folders == [leaver["displayName"]]


def test_a_licence_step_killed_before_its_outcome_is_looked_at_afresh(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    rig.server.faults.add(Rule("assignLicense", delay_seconds=2.0, times=1))
    kill_when(rig, plan, lambda: any(record["kind"] == "intent" for record in rig.log.records()))
    assert not rig.records()
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.DONE
    assert not only_direct(rig.user(user["id"])) or only_direct(user)[0] not in direct(rig.user(user["id"]))
    assert [record["outcome"] for record in rig.records()] == ["done"]


def test_a_change_made_before_the_kill_is_known_to_be_ours(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    # Every look after the change takes long: it is made, and not yet on record.
    rig.server.faults.add(Rule(f"/v1.0/users/{user['id']}", method="GET", delay_seconds=4.0, skip=1, times=1))
    kill_when(rig, plan, lambda: bool(rig.writes()))
    writes = len(rig.writes())
    (result,) = rig.apply(plan).results
    assert (result.fate, result.detail) == (Fate.DONE, "Done by an apply that was cut off.")
    assert len(rig.writes()) == writes


def test_a_line_cut_off_by_a_crash_spoils_no_other(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    rig.do(step("disable_account", user), step("enable_account", user))
    (path,) = (rig.data_dir / "actions" / "log").glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"schema_version":1,"kind":"inte')
    assert fates(rig.apply(plan)) == [Fate.DONE]
    assert [record["action"] for record in rig.records()] == ["disable_account", "enable_account", "remove_license"]


def test_two_applies_of_one_tenant_do_not_run_at_once(rig: ActionsRig) -> None:
    from pipelines.actions.apply import ApplyBusyError

    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    seen: list[str] = []

    def confirm(_: object) -> bool:
        try:
            rig.apply(plan)
        except ApplyBusyError as error:
            seen.append(str(error))
        return True

    assert fates(rig.apply(plan, confirm=confirm)) == [Fate.DONE]
    assert len(seen) == 1
    assert "Another apply works on tenant" in seen[0]
    assert len(rig.writes()) == 1


def test_no_is_an_answer(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    done = rig.apply(rig.plan(step("remove_license", user, sku_id=only_direct(user)[0])), confirm=lambda _: False)
    assert done.is_cancelled
    assert fates(done) == [Fate.WOULD_CHANGE]
    assert not rig.writes()


def test_a_company_without_an_app_for_actions_is_told_so(tmp_path: Path) -> None:
    from pipelines.settings import ActionsNotAllowedError

    with open_rig(tmp_path / "none", company(actions_app=None)) as rig, pytest.raises(
        ActionsNotAllowedError, match="has no app for actions"
    ), rig.writer():  # fmt: skip
        pass


def test_a_new_plan_goes_on_with_a_hand_over_that_another_began(rig: ActionsRig) -> None:
    user, manager = leaver_of(rig)
    rig.server.faults.add(Rule(COPY, method="POST", status=423, code="resourceLocked", times=None, skip=2))
    assert Fate.FAILED in fates(rig.apply(plan_for(rig, user)))
    rig.server.faults.clear()
    copies = len(rig.server.requests.to("/copy"))
    again = plan_for(rig, user)
    assert again.steps[0].action == "revoke_sessions", "the account is disabled already"
    done = rig.apply(again)
    assert set(fates(done)) == {Fate.DONE}, [result.detail for result in done.results]
    source, target = both_trees(rig, user, manager)
    assert source == target
    assert len(rig.server.requests.to("/copy")) - copies == len(source) - 2
