"""What each action leaves alone: people who are gone, targets that somebody else changed, what Graph would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.actions.apply import Limits, apply_plan
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.groups import Group
from pipelines.actions.plan import Plan
from pipelines.actions.planning.reclaimable import Reclaimable, plan_reclaimable
from pipelines.actions.preview import dry_run
from pipelines.actions.results import Fate, StepResult
from pipelines.simulator import Rule
from tests.integration.actions_rig import (
    ActionsRig,
    Json,
    direct,
    fates,
    inherited,
    only_direct,
    open_rig,
    step,
    without,
)
from tests.integration.test_actions_onedrive import COPY, hand_over, with_drive

NOBODY: Json = {"id": "99999999-9999-4999-8999-999999999999", "userPrincipalName": "nobody@fabrikam.example"}
PARAMETERS = {
    "sku_id": "05e9a617-0261-4cee-bb44-138d3ef5d965", "user_type": "Guest", "department": "Elsewhere",
    "message": "Gone.", "address": "a@b.example",
}  # fmt: skip


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ActionsRig]:
    with open_rig(tmp_path) as opened:
        yield opened


def left(rig: ActionsRig, plan: Plan) -> StepResult:
    """The only step of a plan, applied: nothing may be written."""
    before = len(rig.writes())
    (result,) = rig.apply(plan).results
    assert len(rig.writes()) == before
    assert rig.records()[-1]["outcome"] == result.fate.value
    return result


def skipped(rig: ActionsRig, plan: Plan) -> str:
    """Why the only step of a plan is skipped."""
    result = left(rig, plan)
    assert result.fate is Fate.SKIPPED, result.detail
    return str(result.detail)


def test_somebody_deleted_since_the_plan_was_made_is_left_alone_by_every_action(rig: ActionsRig) -> None:
    user, other = with_drive(rig)[:2]
    group = next(one for one in rig.server.tenant.groups() if one["displayName"] == "SEC-Finance-Files")
    names = [name for name in ACTIONS if name not in ("create_user", "delete_user", "restore_user")]
    parameters = {**PARAMETERS, "manager_id": other["id"], "group_id": group["id"]}
    plan = rig.plan(*(step(name, user, **parameters) for name in names), by="writer")
    assert fates(rig.do(step("delete_user", user))) == [Fate.DONE]
    before = len(rig.writes())
    done = rig.apply(plan)
    assert {result.step.action: result.detail for result in done.results} == dict.fromkeys(
        names, "The person is not in the directory any more."
    )
    assert set(fates(done)) == {Fate.SKIPPED}
    assert len(rig.writes()) == before


def test_who_is_not_in_the_bin_any_more_cannot_be_restored(rig: ActionsRig) -> None:
    assert "not in the bin any more" in skipped(rig, rig.plan(step("restore_user", NOBODY)))


def test_a_synchronised_account_is_deleted_on_premises(rig: ActionsRig) -> None:
    user = rig.users(synced=True)[0]
    assert "delete it there" in skipped(rig, rig.plan(step("delete_user", user)))


def test_somebody_enabled_meanwhile_is_not_deleted(rig: ActionsRig) -> None:
    user = rig.users()[0]
    rig.do(step("disable_account", user))
    plan = rig.plan(step("delete_user", user))
    rig.do(step("enable_account", user))
    assert "whether the account is enabled was no, now yes" in skipped(rig, plan)


def test_an_attribute_that_somebody_else_changed_meanwhile_stays(rig: ActionsRig) -> None:
    user = rig.users()[0]
    plan = rig.plan(step("set_attributes", user, department="Elsewhere"))
    rig.do(step("set_attributes", user, department="Legal"))
    assert f"department was {user['department']}, now Legal" in skipped(rig, plan)
    assert rig.user(user["id"])["department"] == "Legal"


def test_a_new_manager_who_is_gone_is_nobody_s_manager(rig: ActionsRig) -> None:
    user, manager = rig.users(lambda one: one.get("manager"))[0], rig.users()[-1]
    plan = rig.plan(step("set_manager", user, manager_id=manager["id"]))
    rig.do(step("delete_user", manager))
    assert skipped(rig, plan) == "The new manager is not in the directory any more."


def test_a_group_that_is_gone_is_left(rig: ActionsRig) -> None:
    user = rig.users()[0]
    for action in ("add_group_membership", "remove_group_membership"):
        plan = rig.plan(step(action, user, group_id=NOBODY["id"]))
        assert skipped(rig, plan) == "The group is not in the directory any more."


def test_somebody_enabled_meanwhile_stays_in_the_group(rig: ActionsRig) -> None:
    user = rig.users(lambda one: one["department"] == "Finance" and one["accountEnabled"])[0]
    group = next(one for one in rig.server.tenant.groups() if one["displayName"] == "SEC-Finance-Files")
    rig.do(step("disable_account", user))
    plan = rig.plan(step("remove_group_membership", user, group_id=group["id"]))
    assert plan.steps[0].before
    assert plan.steps[0].before["is_member"]
    rig.do(step("enable_account", user))
    assert "whether the account is enabled was no, now yes" in skipped(rig, plan)


def test_a_duplicate_that_is_none_any_more_stays(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0], is_duplicate=True))
    assert "so the direct one is no duplicate now" in skipped(rig, plan)


def test_who_has_a_licence_through_a_group_needs_no_other(rig: ActionsRig) -> None:
    user = rig.users(lambda one: set(inherited(one)) - set(direct(one)), synced=None)[0]
    sku_id = next(iter(set(inherited(user)) - set(direct(user))))
    assert "through a group already" in skipped(rig, rig.plan(step("assign_license", user, sku_id=sku_id)))


def test_a_reply_that_somebody_set_meanwhile_is_not_overwritten(rig: ActionsRig) -> None:
    user = with_drive(rig)[0]
    plan = rig.plan(step("set_automatic_reply", user, message="Nora has left."), by="writer")
    assert fates(rig.do(step("set_automatic_reply", user, message="Back on Monday."))) == [Fate.DONE]
    assert "whether there is an automatic reply was disabled, now alwaysEnabled" in skipped(rig, plan)


def test_sessions_that_microsoft_did_not_end_are_said_to_be_so(rig: ActionsRig) -> None:
    user = rig.users()[0]
    rig.server.faults.add(Rule("revokeSignInSessions", status=200, content={"value": False}))
    (result,) = rig.do(step("revoke_sessions", user))
    assert (result.fate, result.detail) == (
        Fate.FAILED, "Microsoft says that it did not end the sessions. Try again.",
    )  # fmt: skip


def test_a_manager_who_cannot_sign_in_gets_no_files(rig: ActionsRig) -> None:
    leaver, manager = with_drive(rig)[:2]
    for action in ("hand_over_onedrive", "grant_onedrive_access"):
        plan = rig.plan(step(action, leaver, manager_id=manager["id"]), by="writer")
        rig.do(step("disable_account", manager))
        assert skipped(rig, plan) == "The manager's account is disabled or gone: name somebody else."


def test_a_copy_that_is_said_to_be_made_and_is_not_there_is_no_success(rig: ActionsRig) -> None:
    """Counts and bytes are compared afterwards, whatever the service said."""
    leaver, manager = with_drive(rig)[:2]
    plan = rig.plan(hand_over(leaver, manager), by="writer")
    rig.server.faults.add(Rule(COPY, method="POST", status=202, content={}, times=1))
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.FAILED
    assert "files are not in the manager's OneDrive yet" in str(result.detail)
    assert rig.records()[-1]["after"]["missing_files"] >= 1
    rig.server.faults.clear()
    assert fates(rig.apply(plan)) == [Fate.DONE]


def test_what_the_app_that_reads_may_not_see_keeps_nothing_waiting_in_a_dry_run(rig: ActionsRig) -> None:
    """Where actions are off the preview is made with the app that reads; it goes on beyond mailboxes."""
    user = with_drive(rig)[0]
    plan = rig.plan(step("set_automatic_reply", user, message="Gone."), step("revoke_sessions", user))
    second = plan.steps[1].model_copy(update={"depends_on": ("001",)})
    plan = plan.model_copy(update={"steps": (plan.steps[0], second)}).signed()
    with rig.reader() as client:
        done = apply_plan(plan, client, rig.log, Limits(25))
    assert fates(done) == [Fate.WOULD_CHANGE, Fate.WOULD_CHANGE]
    assert "the app that reads may not see this state" in str(done.results[0].detail)


def test_what_the_app_for_actions_may_not_do_is_told_in_a_dry_run(tmp_path: Path) -> None:
    with open_rig(tmp_path / "other", without("MailboxSettings.ReadWrite")) as rig:
        plan = rig.plan(step("set_automatic_reply", with_drive(rig)[0], message="Gone."))
        with rig.writer() as client:
            (result,) = dry_run(plan, client, rig.log, 25).results
    assert result.fate is Fate.FAILED
    assert "The app for actions needs MailboxSettings.ReadWrite, with admin consent." in str(result.detail)


# --- a licence that another one contains ----------------------------------------------------------------------


def row_of(user: Json, sku_id: str, reason: str, evidence: dict[str, Any]) -> Reclaimable:
    return Reclaimable(
        user["id"], user["userPrincipalName"], None, sku_id, "SMALL", "Small", reason, evidence, Decimal("10.00"), "EUR"
    )


def overlapping(user: Json, sku_id: str, containing: str) -> Reclaimable:
    evidence: dict[str, Any] = {"contained_in_sku_id": containing.upper()}
    return row_of(user, sku_id, "overlapping_sku", evidence)


def test_a_licence_goes_only_while_the_one_that_contains_it_is_held(rig: ActionsRig) -> None:
    user = rig.users(lambda one: len(only_direct(one)) >= 2, synced=None)[0]
    small, large = only_direct(user)[:2]
    row = overlapping(user, small, large)
    with rig.reader() as client:
        plan, again = (plan_reclaimable([row], client, source={}) for _ in range(2))
    assert plan.steps[0].only_while == {"holds": [large]}
    assert fates(rig.do(step("remove_license", user, sku_id=large))) == [Fate.DONE]
    assert f"does not hold {large} any more, which made this superfluous" in skipped(rig, plan)
    with rig.reader() as client:
        assert plan_reclaimable([row], client, source={}).steps == (), "nor is it planned"
    assert fates(rig.do(step("assign_license", user, sku_id=large))) == [Fate.DONE]
    assert fates(rig.apply(again)) == [Fate.DONE]
    assert direct(rig.user(user["id"])) == [sku for sku in direct(user) if sku != small]


# --- through a group ------------------------------------------------------------------------------------------


def test_a_group_is_left_only_where_nothing_that_is_used_goes_with_it(
    rig: ActionsRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {group["id"]: group for group in rig.server.tenant.groups() if not group.get("onPremisesSyncEnabled")}
    user, sku_id, group_id = next(
        (user, state["skuId"], state["assignedByGroup"])
        for user in rig.users(inherited)
        for state in user["licenseAssignmentStates"]
        if state["assignedByGroup"] in found and state["skuId"] not in direct(user)
    )
    row = row_of(user, sku_id, "idle", {})
    with rig.reader() as client:
        (taken,) = plan_reclaimable([row], client, source={}).steps
        raw = {**found[group_id], "assignedLicenses": [{"skuId": sku_id}, {"skuId": "another-one"}]}
        monkeypatch.setattr("pipelines.actions.planning.reclaimable.find_group", lambda *_: Group(raw))
        kept = plan_reclaimable([row], client, source={})
    assert taken.action == "remove_group_membership"
    assert "touches nobody but this person" in taken.notes[0]
    assert kept.steps == ()
    assert "would take other licences, too, which are in use: another-one" in kept.by_hand[0].why
