"""Every action, killed (SIGKILL) when its change was made and before it heard so: the next apply knows it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.passwords import PasswordFile
from pipelines.actions.plan import Step, Target
from pipelines.actions.planning.making import make_step
from pipelines.actions.results import Fate
from pipelines.simulator import Rule
from pipelines.simulator.drives import drive_of_user
from tests.integration.actions_rig import WRITES, ActionsRig, Json, direct, fates, kill_when, open_rig, step
from tests.integration.conftest import tenant


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActionsRig]:
    with open_rig(tmp_path_factory.mktemp("killed"), tenant(users=150)) as opened:
        yield opened


class People:
    """A new person for each action, so that none finds the traces of another."""

    def __init__(self, rig: ActionsRig) -> None:
        self.rig = rig
        self.used: set[str] = set()

    def next(self, wanted: Callable[[Json], Any] = lambda _: True, *, synced: bool | None = None) -> Json:
        everybody = self.rig.users(lambda one: one["accountEnabled"] and one["usageLocation"], synced=synced)
        user = next(user for user in everybody if user["id"] not in self.used and wanted(user))
        self.used.add(user["id"])
        return user

    def with_drive(self, user: Json) -> bool:
        try:
            drive_of_user(self.rig.server.tenant, user["id"])
        except Exception:
            return False
        return True


@pytest.fixture(scope="module")
def people(rig: ActionsRig) -> People:
    return People(rig)


def group(rig: ActionsRig, name: str) -> str:
    return next(str(one["id"]) for one in rig.server.tenant.groups() if one["displayName"] == name)


def prepare(action: str, rig: ActionsRig, people: People) -> Step:
    """A step of the action that has something to do; what it needs is done before."""
    match action:
        case "create_user":
            name = f"Kim.Killed@{rig.server.tenant.spec.domain}"
            target = Target(user_principal_name=name, display_name="Kim Killed")
            return make_step(action, target, {"displayName": "Kim Killed"}, reason="a test")
        case "enable_account" | "restore_user":
            user = people.next(synced=False)
            before = {"enable_account": "disable_account", "restore_user": "delete_user"}[action]
            assert fates(rig.do(step(before, user))) == [Fate.DONE]
            return step(action, user)
        case "set_manager":
            return step(action, people.next(synced=False), manager_id=people.next()["id"])
        case "set_attributes":
            return step(action, people.next(synced=False), department="Elsewhere")
        case "set_user_type":
            return step(action, people.next(), user_type="Guest")
        case "assign_license":
            user = people.next(direct)
            assert fates(rig.do(step("remove_license", user, sku_id=direct(user)[0]))) == [Fate.DONE]
            return step(action, user, sku_id=direct(user)[0])
        case "remove_license":
            user = people.next(direct)
            return step(action, user, sku_id=direct(user)[0])
        case "add_group_membership":
            user = people.next(lambda one: one["department"] != "Finance")
            return step(action, user, group_id=group(rig, "SEC-Finance-Files"))
        case "remove_group_membership":
            user = people.next(lambda one: one["department"] == "Engineering")
            return step(action, user, group_id=group(rig, "Team-Engineering"))
        case "set_automatic_reply":
            return step(action, people.next(people.with_drive), message="Gone.")
        case "add_forwarding_rule":
            return step(action, people.next(people.with_drive), address="kim@fabrikam.example")
        case "remove_forwarding_rule":
            user = people.next(people.with_drive)
            assert fates(rig.do(step("add_forwarding_rule", user, address="kim@fabrikam.example"))) == [Fate.DONE]
            return step(action, user, address="kim@fabrikam.example")
        case "grant_onedrive_access" | "hand_over_onedrive":
            leaver, manager = people.next(people.with_drive), people.next(people.with_drive)
            return step(action, leaver, manager_id=manager["id"])
    return step(action, people.next(synced=False))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_change_made_before_the_kill_is_not_made_again(rig: ActionsRig, people: People, action: str) -> None:
    plan = rig.plan(prepare(action, rig, people), by="writer")
    before = len(rig.writes())
    # The change is made at once, and its answer takes longer than the one who asked lives.
    for method in WRITES:
        rig.server.faults.add(Rule("^/v1.0/", method=method, delay_seconds=1.5))
    passwords = kill_when(rig, plan, lambda: len(rig.writes()) > before)
    rig.server.faults.clear()
    assert not [record for record in rig.records() if record["plan_digest"] == plan.digest], "no outcome"
    made = len(rig.writes())
    assert made == before + 1
    done = rig.apply(plan, passwords=PasswordFile(rig.data_dir / f"{plan.plan_id}-again.csv"))
    assert fates(done) == [Fate.DONE], done.results[0].detail
    again = [record.path for record in rig.writes()[made:]]
    if action == "revoke_sessions":
        assert len(again) == 1, "ending sessions twice does no harm, and whether it was done cannot be seen"
    elif action == "hand_over_onedrive":
        assert not [path for path in again if path.endswith("/root/children")]
        assert len(again) >= 2, "only the folder was made before"
    else:
        assert again == []
    if action == "create_user":
        with passwords.open(newline="") as file:
            (row,) = csv.DictReader(file)
        assert row["user_principal_name"].startswith("Kim.Killed@"), "the password was kept before the account was made"
        assert "reset it" in str(done.results[0].detail)
    writes = len(rig.writes())
    assert fates(rig.apply(plan)) == [Fate.DONE]
    assert len(rig.writes()) == writes, "a third time changes nothing"
