"""Licences are assigned and taken back, directly and by group: plan, apply, refusals, twice, and changed meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.actions.results import Fate
from pipelines.simulator import Rule
from tests.integration.actions_rig import (
    ActionsRig,
    direct,
    fates,
    inherited,
    only_direct,
    open_rig,
    step,
    without,
)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ActionsRig]:
    with open_rig(tmp_path) as opened:
        yield opened


def consumed(rig: ActionsRig, sku_id: str) -> int:
    return next(int(sku["consumedUnits"]) for sku in rig.server.tenant.subscribed_skus() if sku["skuId"] == sku_id)


def test_a_direct_licence_is_taken_back_and_given_again(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    sku_id = only_direct(user)[0]
    units = consumed(rig, sku_id)
    (result,) = rig.do(step("remove_license", user, sku_id=sku_id))
    assert result.fate is Fate.DONE
    now = rig.user(user["id"])
    assert sku_id not in direct(now)
    assert now["accountEnabled"] == user["accountEnabled"], "removing a licence does not disable the account"
    assert consumed(rig, sku_id) == units - 1
    record = rig.records()[-1]
    assert (record["outcome"], record["action"], record["user_id"]) == ("done", "remove_license", user["id"])
    assert record["after"]["is_direct"] is False
    assert record["request_id"] == rig.writes()[-1].request_id, "Microsoft's id of the write, not of a look after it"
    assert record["client_request_id"] == rig.records("intent")[-1]["client_request_id"]
    assert rig.records("intent")[-1]["before"]["is_direct"] is True
    assert f"--user {user['userPrincipalName']} --assign " in record["undo"]
    (result,) = rig.do(step("assign_license", user, sku_id=sku_id))
    assert result.fate is Fate.DONE
    assert sku_id in direct(rig.user(user["id"]))
    assert consumed(rig, sku_id) == units


def test_a_plan_applied_twice_changes_nothing_the_second_time(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    assert fates(rig.apply(plan)) == [Fate.DONE]
    writes, records = len(rig.writes()), len(list(rig.log.records()))
    again = rig.apply(plan)
    assert (fates(again), again.changes) == ([Fate.DONE], 0)
    assert again.results[0].is_earlier
    assert (len(rig.writes()), len(list(rig.log.records()))) == (writes, records)


def test_a_dry_run_changes_and_logs_nothing(rig: ActionsRig) -> None:
    from pipelines.actions.apply import Limits, apply_plan

    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    with rig.reader() as client:
        assert fates(apply_plan(plan, client, rig.log, Limits(25))) == [Fate.WOULD_CHANGE]
    assert not rig.writes()
    assert not list(rig.log.records())


def test_what_was_done_by_somebody_else_is_not_done_again(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    sku_id = only_direct(user)[0]
    plan = rig.plan(step("remove_license", user, sku_id=sku_id))
    rig.do(step("remove_license", user, sku_id=sku_id))
    writes = len(rig.writes())
    assert fates(rig.apply(plan)) == [Fate.ALREADY]
    assert len(rig.writes()) == writes


def test_somebody_enabled_meanwhile_is_skipped_and_it_is_said(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    rig.do(step("disable_account", user))
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    rig.do(step("enable_account", user))
    writes = len(rig.writes())
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.SKIPPED
    assert result.detail == "Changed since the plan was made: whether the account is enabled was no, now yes."
    assert len(rig.writes()) == writes
    assert rig.records()[-1]["outcome"] == "skipped"


def test_a_licence_assigned_anew_meanwhile_is_left_alone(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    sku_id = only_direct(user)[0]
    plan = rig.plan(step("remove_license", user, sku_id=sku_id))
    rig.do(step("remove_license", user, sku_id=sku_id))
    rig.do(step("assign_license", user, sku_id=sku_id))
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.SKIPPED
    assert "the assignment's date was" in str(result.detail)
    assert sku_id in direct(rig.user(user["id"]))


def test_somebody_deleted_meanwhile_is_skipped(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    rig.do(step("delete_user", user))
    (result,) = rig.apply(plan).results
    assert (result.fate, result.detail) == (Fate.SKIPPED, "The person is not in the directory any more.")


def test_without_a_usage_location_nothing_is_assigned(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    sku_id = only_direct(user)[0]
    rig.do(step("remove_license", user, sku_id=sku_id), step("set_attributes", user, usageLocation=""))
    assert not rig.user(user["id"])["usageLocation"]
    (result,) = rig.do(step("assign_license", user, sku_id=sku_id))
    assert result.fate is Fate.SKIPPED
    assert "no usage location" in str(result.detail)


def test_without_a_unit_left_nothing_is_assigned(rig: ActionsRig) -> None:
    full = next(
        sku
        for sku in rig.server.tenant.subscribed_skus()
        if sku["appliesTo"] == "User"
        and sku["consumedUnits"] >= sku["prepaidUnits"]["enabled"] + sku["prepaidUnits"]["warning"]
    )
    user = rig.users(lambda one: full["skuId"] not in direct(one) + inherited(one) and one["usageLocation"])[0]
    (result,) = rig.do(step("assign_license", user, sku_id=full["skuId"]))
    assert result.fate is Fate.SKIPPED
    assert "No unit of this product is left" in str(result.detail)


def test_a_licence_through_a_group_goes_with_the_membership(rig: ActionsRig) -> None:
    groups = {group["id"]: group for group in rig.server.tenant.groups()}
    user, group_id = next(
        (user, state["assignedByGroup"])
        for user in rig.users(inherited)
        for state in user["licenseAssignmentStates"]
        if state["assignedByGroup"] and not groups[state["assignedByGroup"]].get("onPremisesSyncEnabled")
        and state["skuId"] not in direct(user)
    )  # fmt: skip
    sku_id = next(s["skuId"] for s in user["licenseAssignmentStates"] if s["assignedByGroup"] == group_id)
    others = [one["id"] for one in rig.server.tenant.users() if sku_id in inherited(one) and one["id"] != user["id"]]
    assert rig.do(step("remove_license", user, sku_id=sku_id))[0].fate is Fate.ALREADY, "nothing direct to remove"
    (result,) = rig.do(step("remove_group_membership", user, group_id=group_id))
    assert result.fate is Fate.DONE
    assert sku_id not in inherited(rig.user(user["id"]))
    still = [one["id"] for one in rig.server.tenant.users() if sku_id in inherited(one)]
    assert still == others, "nobody else is touched"
    (result,) = rig.do(step("add_group_membership", user, group_id=group_id))
    assert result.fate is Fate.DONE
    assert sku_id in inherited(rig.user(user["id"]))


@pytest.mark.parametrize(("name", "why"), [("DYN-Sales", "chosen by a rule"), ("ADS-Operations", "on premises")])
def test_members_of_some_groups_cannot_be_changed(rig: ActionsRig, name: str, why: str) -> None:
    group_id = next(group["id"] for group in rig.server.tenant.groups() if group["displayName"] == name)
    department = name.partition("-")[2]
    user = rig.users(lambda one: one["department"] == department, synced=None)[0]
    (result,) = rig.do(step("remove_group_membership", user, group_id=group_id))
    assert result.fate is Fate.SKIPPED
    assert why in str(result.detail)


def test_no_more_is_changed_than_allowed_and_the_rest_follows(rig: ActionsRig) -> None:
    users = rig.users(only_direct, synced=None)[:3]
    plan = rig.plan(*(step("remove_license", user, sku_id=only_direct(user)[0]) for user in users))
    first = rig.apply(plan, max_changes=2)
    assert fates(first) == [Fate.DONE, Fate.DONE, Fate.LEFT]
    assert (first.changes, first.exit_code) == (2, 0)
    assert fates(rig.apply(plan, max_changes=2)) == [Fate.DONE, Fate.DONE, Fate.DONE]


def test_a_change_that_failed_was_tried_and_counts(rig: ActionsRig) -> None:
    users = rig.users(only_direct, synced=None)[:3]
    plan = rig.plan(*(step("remove_license", user, sku_id=only_direct(user)[0]) for user in users))
    rig.server.faults.add(Rule(f"{users[0]['id']}/assignLicense", status=400, code="Request_BadRequest", message="No."))
    done = rig.apply(plan, max_changes=2)
    assert fates(done) == [Fate.FAILED, Fate.DONE, Fate.LEFT]
    assert (done.tried, done.changes, len(rig.writes())) == (2, 1, 2)


def test_a_missing_permission_is_named(tmp_path: Path) -> None:
    lacking = without("LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
    with open_rig(tmp_path / "other", lacking) as rig:
        user = rig.users(only_direct)[0]
        (result,) = rig.do(step("remove_license", user, sku_id=only_direct(user)[0]))
        assert result.fate is Fate.FAILED
        assert "The app for actions needs LicenseAssignment.ReadWrite.All, with admin consent." in str(result.detail)
        assert rig.records()[-1]["outcome"] == "failed"


def test_an_administrator_is_protected_and_the_reason_is_said(rig: ActionsRig) -> None:
    admin = rig.user(next(iter(rig.server.tenant.admins())))
    (result,) = rig.do(step("disable_account", admin))
    assert result.fate is Fate.FAILED
    assert "administrator's role" in str(result.detail)


def test_a_change_that_cannot_be_looked_at_is_unknown_until_it_can(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    rig.server.faults.add(Rule(f"/users/{user['id']}", method="GET", status=503, skip=1, times=None))
    first = rig.apply(plan)
    assert (fates(first), first.exit_code) == ([Fate.UNKNOWN], 1)
    assert "could not be looked at" in str(first.results[0].detail)
    rig.server.faults.clear()
    (result,) = rig.apply(plan).results
    assert (result.fate, result.detail) == (Fate.DONE, "Done by an apply that was cut off.")
    assert len(rig.writes()) == 1


def test_a_change_that_is_seen_late_is_waited_for(rig: ActionsRig) -> None:
    """The directory's copies do not agree at once."""
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    stale = json.dumps({key: value for key, value in user.items() if key != "manager"}).encode()
    rig.server.faults.add(Rule(f"/users/{user['id']}", method="GET", transform=lambda _: stale, skip=1, times=3))
    assert fates(rig.apply(plan)) == [Fate.DONE]
    assert rig.naps == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_5xx_is_looked_into_before_anything_is_sent_again(rig: ActionsRig, status: int) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    rig.server.faults.add(Rule("assignLicense", status=status, times=1))
    assert fates(rig.apply(plan)) == [Fate.DONE]
    between = [
        record.method for record in rig.server.requests
        if record.path.endswith(("assignLicense", user["id"])) and record.path.startswith("/v1.0/users/")
    ][-4:]  # fmt: skip
    assert between == ["POST", "GET", "POST", "GET"]


def test_an_answer_that_never_comes_is_unknown_and_nothing_is_guessed(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    rig.server.faults.add(Rule("assignLicense", status=500, times=None))
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.UNKNOWN
    assert len(rig.writes()) == 3


def test_limits_are_waited_for(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    plan = rig.plan(step("remove_license", user, sku_id=only_direct(user)[0]))
    rig.server.faults.add(Rule("assignLicense", status=429, headers={"Retry-After": "7"}, times=2))
    assert fates(rig.apply(plan)) == [Fate.DONE]
    assert rig.naps.count(7.0) == 2
