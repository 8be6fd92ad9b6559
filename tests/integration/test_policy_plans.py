"""What each kind of policy plans and does in a simulated company, given the directory as the last sync read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.actions.log import Outcome, Who
from pipelines.actions.plan import Plan, in_order
from pipelines.actions.plan_file import write_plan
from pipelines.actions.planning.making import make_plan, make_step
from pipelines.actions.policies import run
from pipelines.actions.policies.candidates import Candidate, Directory, Product
from pipelines.actions.policies.file import (
    DisabledLicensed,
    JoinerWithoutLicence,
    Leaver,
    LeftDepartment,
    Policy,
)
from pipelines.actions.policies.plans import known_plans, plans_of
from pipelines.actions.policies.run import PolicyResult, State, run_policies
from pipelines.actions.preview import dry_run
from pipelines.actions.results import Fate
from pipelines.settings import SettingsError
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
    target,
)
from tests.integration.test_actions_leaver import leaver_of

TODAY, BEFORE = date(2026, 10, 30), date(2026, 10, 20)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ActionsRig]:
    with open_rig(tmp_path) as opened:
        yield opened


def person(user: Json, **facts: object) -> Candidate:
    """Somebody as the last sync read them."""
    values = {
        "user_id": user["id"], "user_principal_name": user["userPrincipalName"], "user_type": "Member",
        "is_enabled": user["accountEnabled"], "department": user.get("department"), "employee_type": None,
        "created_on": date(2020, 1, 1), "disabled_since": None, "manager_gone_since": None, "moved_on": BEFORE,
        "typed_on": BEFORE, "previous_department": None,
        "account_kind": "member", "sku_ids": tuple(sorted({*direct(user), *inherited(user)})),
    }  # fmt: skip
    return Candidate(**{**values, **facts})  # type: ignore[arg-type]


def directory(rig: ActionsRig, *people: Candidate, kept: frozenset[tuple[str, str | None]] = frozenset()) -> Directory:
    skus = {sku["skuId"]: sku for sku in _skus(rig)}
    products = {key: Product(key, sku["skuPartNumber"], sku["skuPartNumber"], False) for key, sku in skus.items()}
    return Directory(TODAY, people, products, dict.fromkeys(products, (Decimal("10.00"), "EUR")), kept)


def _skus(rig: ActionsRig) -> list[Json]:
    with rig.reader() as client:
        from pipelines.graph.objects import read_collection

        return read_collection(client, "subscribedSkus", "reading products")


def plans(rig: ActionsRig, policy: Policy, seen: Directory) -> list[Plan]:
    folder = rig.data_dir / "actions" / "plans"
    with rig.reader() as client:
        return plans_of(policy, seen, client, rig.log, known_plans(folder, rig.log, rig.tenant.tenant_id, 7))


def disable(rig: ActionsRig, user: Json) -> Candidate:
    assert fates(rig.do(step("disable_account", user))) == [Fate.DONE]
    return person(rig.user(user["id"]), disabled_since=BEFORE)


# --- disabled and still licensed ----------------------------------------------------------------------------


def test_licences_of_disabled_people_are_planned_once(rig: ActionsRig) -> None:
    first, second = rig.users(lambda user: only_direct(user) and user["accountEnabled"])[:2]
    policy = DisabledLicensed(name="d", kind="disabled_licensed", days=3)
    seen = directory(rig, disable(rig, first))
    (plan,) = plans(rig, policy, seen)
    assert {one.action for one in plan.steps} <= {"remove_license", "remove_group_membership"}
    assert {one.target.user_id for one in plan.steps} == {first["id"]}
    assert plan.source == {"kind": "policy-d", "policy": "d"}
    write_plan(rig.data_dir / "actions" / "plans", plan)
    assert plans(rig, policy, seen) == []
    # Another person is a plan of their own, without the steps that stand in the first.
    both = directory(rig, *seen.people, disable(rig, second))
    (more,) = plans(rig, policy, both)
    assert {one.target.user_id for one in more.steps} == {second["id"]}


def test_somebody_enabled_since_the_sync_is_left_alone(rig: ActionsRig) -> None:
    user = rig.users(lambda one: only_direct(one) and one["accountEnabled"])[0]
    policy = DisabledLicensed(name="d", kind="disabled_licensed", days=3)
    assert plans(rig, policy, directory(rig, person(user, disabled_since=BEFORE))) == []


def test_a_licence_on_the_allow_list_stays(rig: ActionsRig) -> None:
    user = rig.users(lambda one: len(only_direct(one)) >= 1 and one["accountEnabled"])[0]
    disabled = disable(rig, user)
    sku_id = only_direct(user)[0]
    kept = frozenset({(user["userPrincipalName"].lower(), sku_id)})
    made = plans(rig, DisabledLicensed(name="d", kind="disabled_licensed"), directory(rig, disabled, kept=kept))
    assert sku_id not in [one.parameters.get("sku_id") for plan in made for one in plan.steps]


# --- left a department --------------------------------------------------------------------------------------


def test_who_left_a_department_gives_back_what_belongs_to_it(rig: ActionsRig) -> None:
    user = rig.users(lambda one: only_direct(one))[0]
    sku_id = only_direct(user)[0]
    policy = LeftDepartment(name="l", kind="left_department", department="Gone", skus=(sku_id,))
    left = person(user, previous_department="gone")
    (plan,) = plans(rig, policy, directory(rig, left))
    assert [(one.action, one.parameters["sku_id"]) for one in plan.steps] == [("remove_license", sku_id)]
    assert plan.steps[0].reason == "left department Gone"
    # Back in it since the sync: nothing is taken.
    back = LeftDepartment(name="l", kind="left_department", department=str(user["department"]), skus=(sku_id,))
    old = person(user, department="Elsewhere", previous_department=user["department"])
    assert plans(rig, back, directory(rig, old)) == []


def test_and_leaves_its_groups(rig: ActionsRig) -> None:
    user = rig.users(lambda one: inherited(one))[0]
    group_id = next(state["assignedByGroup"] for state in user["licenseAssignmentStates"] if state["assignedByGroup"])
    policy = LeftDepartment(name="l", kind="left_department", department="Gone", groups=(group_id,))
    found = plans(rig, policy, directory(rig, person(user, previous_department="Gone")))
    steps = [(one.action, one.parameters["group_id"]) for plan in found for one in plan.steps]
    if steps:
        assert steps == [("remove_group_membership", group_id)]
    else:
        with rig.reader() as client:
            from pipelines.actions.groups import find_group

            group = find_group(client, group_id)
        assert group
        assert group.fixed, "only a group that nobody can be taken out of is left out"


# --- joiners ------------------------------------------------------------------------------------------------


def test_a_joiner_without_licence_is_given_one(rig: ActionsRig) -> None:
    other = rig.users(only_direct)[0]
    sku_id = only_direct(other)[0]
    # A unit gets free first.
    rig.do(step("remove_license", other, sku_id=sku_id))
    body = {
        "accountEnabled": True, "displayName": "New Person", "mailNickname": "new.person", "usageLocation": "DE",
        "userPrincipalName": f"new.person@{other['userPrincipalName'].rpartition('@')[2]}",
        "passwordProfile": {"password": "Long-and-Strange-7431"}, "department": "Sales",
    }  # fmt: skip
    with rig.writer() as client:
        made = client.write("POST", "users", client.context("making somebody"), body).body
    policy = JoinerWithoutLicence(name="j", kind="joiner_without_licence", skus=(sku_id,), department="Sales")
    joined = person(rig.user(made["id"]), sku_ids=(), created_on=BEFORE, department="Sales")
    (plan,) = plans(rig, policy, directory(rig, joined))
    assert [(one.action, one.parameters["sku_id"]) for one in plan.steps] == [("assign_license", sku_id)]
    # Given another one by hand before anybody applied the plan: the step is not wanted any more, until it is gone.
    another = next(sku["skuId"] for sku in _skus(rig) if sku["appliesTo"] == "User" and sku["skuId"] != sku_id
                   and sku["prepaidUnits"]["enabled"] > sku["consumedUnits"])  # fmt: skip
    assert fates(rig.do(step("assign_license", made, sku_id=another))) == [Fate.DONE]
    (result,) = rig.apply(plan).results
    assert (result.fate, "holds a licence by now" in str(result.detail)) == (Fate.SKIPPED, True)
    assert fates(rig.do(step("remove_license", made, sku_id=another))) == [Fate.DONE]
    assert set(fates(rig.apply(plan))) == {Fate.DONE}
    assert plans(rig, policy, directory(rig, joined)) == [], "holds one by now, whatever the last sync saw"


# --- leavers ------------------------------------------------------------------------------------------------


def test_a_leaver_is_dealt_with_once_in_order(rig: ActionsRig) -> None:
    user, _ = leaver_of(rig)
    policy = Leaver(name="gone", kind="leaver", mark="department", value=str(user["department"]))
    seen = directory(rig, person(user))
    (plan,) = plans(rig, policy, seen)
    actions = [one.action for one in plan.steps]
    assert actions[:3] == ["disable_account", "revoke_sessions", "hand_over_onedrive"]
    assert set(actions[3:]) <= {"remove_license", "remove_group_membership"}
    assert [one.depends_on for one in plan.steps] == [(), *((before.id,) for before in plan.steps[:-1])]
    write_plan(rig.data_dir / "actions" / "plans", plan)
    assert plans(rig, policy, seen) == [], "the plan is open"
    assert set(fates(rig.apply(plan))) == {Fate.DONE}
    assert plans(rig, policy, seen) == [], "the plan is carried out, and the mark is still there"


def came_back(rig: ActionsRig, user: Json, mark: str) -> None:
    """What the mark tells is not so any more."""
    if mark == "disabled":
        assert fates(rig.do(step("enable_account", user))) == [Fate.DONE]
    elif mark == "department":
        assert fates(rig.do(step("set_attributes", user, department="Elsewhere"))) == [Fate.DONE]
    elif mark == "employee_type":
        with rig.writer() as client:
            client.write("PATCH", f"users/{user['id']}", client.context("a test"), {"employeeType": "Contractor"})
    else:
        assert fates(rig.do(step("set_manager", user, manager_id=rig.users()[-1]["id"]))) == [Fate.DONE]


@pytest.mark.parametrize("mark", ["disabled", "department", "employee_type", "manager_gone"])
def test_a_leaver_who_came_back_is_left_alone_in_every_plan(rig: ActionsRig, mark: str) -> None:
    """Before planning, and again before each step of a plan that stands already."""
    user = rig.users(lambda one: only_direct(one) and one["accountEnabled"] and one["department"])[0]
    if mark == "disabled":
        disable(rig, user)
    if mark == "manager_gone":
        assert fates(rig.do(step("set_manager", user, manager_id=None))) == [Fate.DONE]
    value = {"department": str(user["department"]), "employee_type": "employee"}.get(mark)
    policy = Leaver(name="gone", kind="leaver", mark=mark, value=value, onedrive="none")  # type: ignore[arg-type]
    seen = directory(rig, person(rig.user(user["id"]), employee_type="Employee", disabled_since=BEFORE,
                                 manager_gone_since=BEFORE))  # fmt: skip
    (plan,) = plans(rig, policy, seen)
    came_back(rig, user, mark)
    assert plans(rig, policy, seen) == []
    before = len(rig.writes())
    with rig.writer() as client:
        assert fates(dry_run(plan, client, rig.log, 25))[0] is Fate.SKIPPED, "and a preview says so"
    done = rig.apply(plan)
    assert fates(done)[0] is Fate.SKIPPED, done.results[0].detail
    assert "Changed since the plan was made" in str(done.results[0].detail)
    assert set(fates(done)[1:]) <= {Fate.WAITING}
    assert len(rig.writes()) == before


def test_a_leaver_deleted_since_the_sync_keeps_no_other_from_being_planned(rig: ActionsRig) -> None:
    first, second = rig.users(lambda one: only_direct(one) and one["accountEnabled"])[:2]
    policy = Leaver(name="gone", kind="leaver", mark="disabled", onedrive="none")
    seen = directory(rig, disable(rig, first), disable(rig, second))
    rig.do(step("delete_user", first))
    assert [plan.steps[0].target.user_id for plan in plans(rig, policy, seen)] == [second["id"]]


def test_who_is_back_in_the_department_keeps_what_a_plan_would_take(rig: ActionsRig) -> None:
    user = rig.users(only_direct)[0]
    policy = LeftDepartment(name="l", kind="left_department", department="Gone", skus=(only_direct(user)[0],))
    (plan,) = plans(rig, policy, directory(rig, person(user, previous_department="Gone")))
    assert fates(rig.do(step("set_attributes", user, department=" gone"))) == [Fate.DONE]
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.SKIPPED
    assert result.detail == "Changed since the plan was made: the person is in department Gone again."
    assert only_direct(rig.user(user["id"])) == only_direct(user)


# --- limits -------------------------------------------------------------------------------------------------


@pytest.fixture
def seen(rig: ActionsRig, monkeypatch: pytest.MonkeyPatch) -> Directory:
    """Two disabled people with one licence step each, as the warehouse would tell it."""
    people = rig.users(lambda one: only_direct(one) and one["accountEnabled"])[:2]
    found = directory(rig, *(replace(disable(rig, user), sku_ids=(only_direct(user)[0],)) for user in people))
    rig.data_dir.mkdir(exist_ok=True)
    (rig.data_dir / "warehouse.duckdb").touch()

    from contextlib import nullcontext

    monkeypatch.setattr(run, "reading_warehouse", lambda _: nullcontext())
    monkeypatch.setattr(run, "read_directory", lambda *_: found)
    return found


def policies(limit: int | None = None, most: int = 1) -> list[Policy]:
    return [
        DisabledLicensed(name=f"p{n}", kind="disabled_licensed", days=3, apply="auto", max_changes=limit)
        for n in range(most)
    ]


def go(rig: ActionsRig, chosen: list[Policy], *, applies: bool = True, **overrides: object) -> list[PolicyResult]:
    return run_policies(rig.settings(**overrides), chosen, applies=applies, sleep=rig.naps.append)


def test_all_or_nothing_under_the_limit(rig: ActionsRig, seen: Directory) -> None:
    before = len(rig.writes())
    (result,) = go(rig, policies(limit=1))
    assert (result.state, result.steps_left, result.changes) == (State.OVER_LIMIT, 2, 0)
    assert len(rig.writes()) == before
    # The limit of the installation holds whatever a policy says.
    (result,) = go(rig, policies(limit=100), actions_max_changes=1)
    assert (result.state, result.limit) == (State.OVER_LIMIT, 1)
    assert len(rig.writes()) == before
    (result,) = go(rig, policies(limit=2))
    assert (result.state, result.changes) == (State.APPLIED, 2)
    assert len(rig.writes()) == before + 2


def test_all_policies_of_a_run_share_one_limit(rig: ActionsRig, seen: Directory) -> None:
    before = len(rig.writes())
    # One policy for each of the two people, told apart by the product that they hold.
    skus = [one.sku_ids for one in seen.people]
    first, second = (
        policy.model_copy(update={"skus": sku}) for policy, sku in zip(policies(most=2), skus, strict=True)
    )
    found = go(rig, [first], applies=False)
    assert [(result.state, result.changes) for result in found] == [(State.PREVIEWED, 0)]
    assert len(rig.writes()) == before
    steps = found[0].steps_left
    found = go(rig, [first, second], actions_max_changes=steps)
    # Where both hold the same product, the first policy is about both and nothing is left for the second.
    rest = State.NOTHING if steps == 2 else State.OVER_LIMIT
    assert [(result.state, result.changes) for result in found] == [(State.APPLIED, steps), (rest, 0)]


def test_what_was_tried_counts_against_the_limit_of_the_policy(rig: ActionsRig, seen: Directory) -> None:
    """A step that was skipped before and can be tried now was in nobody's count: the limit holds all the same."""
    first, second = (rig.user(one.user_id) for one in seen.people)
    sku_ids = [one.sku_ids[0] for one in seen.people]
    plans_by_hand = [
        [make_step("set_automatic_reply", target(first), {"message": "Gone."}, reason="x", may_be_skipped=True),
         step("remove_license", first, sku_id=sku_ids[0])],
        [step("remove_license", second, sku_id=sku_ids[1])],
    ]  # fmt: skip
    source = {"kind": "policy-p0", "policy": "p0"}
    made = [make_plan(rig.tenant.tenant_id, source, in_order(steps)) for steps in plans_by_hand]
    for plan in made:
        write_plan(rig.data_dir / "actions" / "plans", plan)
    rig.log.outcome(made[0], made[0].steps[0], Who("app"), Outcome.SKIPPED, after=None, detail="no mailbox then")
    rig.server.faults.add(Rule("mailboxSettings", method="PATCH", status=400, code="ErrorInvalidRequest", times=None))
    before = len(rig.writes())
    (result,) = go(rig, policies(limit=2))
    assert (result.steps_left, result.limit) == (2, 2)
    assert (result.tried, result.changes) == (2, 1), "one failed, one was done, and the third has to wait"
    assert len(rig.writes()) == before + 2
    assert sorted(fate for done in result.applied for fate in fates(done)) == [Fate.DONE, Fate.FAILED, Fate.LEFT]


def test_what_one_policy_tried_is_no_more_there_for_the_next(rig: ActionsRig, seen: Directory) -> None:
    held = {sku_id for one in seen.people for sku_id in one.sku_ids}
    unheld = next(sku_id for sku_id in seen.products if sku_id not in held)
    for number, user in enumerate(rig.users(lambda one: one["accountEnabled"])[:2]):
        source = {"kind": f"policy-p{number}", "policy": f"p{number}"}
        made = make_plan(rig.tenant.tenant_id, source, in_order([step("disable_account", user)]))
        write_plan(rig.data_dir / "actions" / "plans", made)
    before = len(rig.writes())
    # The first fails, and counts all the same; neither policy plans anything new.
    rig.server.faults.add(Rule("/v1.0/users/", method="PATCH", status=400, code="Request_BadRequest", times=1))
    both = [policy.model_copy(update={"skus": (unheld,)}) for policy in policies(most=2)]
    first, second = go(rig, both, actions_max_changes=1)
    assert (first.state, first.tried, first.changes) == (State.APPLIED, 1, 0)
    assert (second.state, second.limit, second.tried) == (State.OVER_LIMIT, 0, 0)
    assert len(rig.writes()) == before + 1


def test_a_policy_that_only_plans_never_applies(rig: ActionsRig, seen: Directory) -> None:
    before = len(rig.writes())
    (waits,) = (policy.model_copy(update={"apply": "plan"}) for policy in policies())
    (result,) = go(rig, [waits])
    assert (result.state, result.steps_left, result.applied) == (State.WAITING, 2, [])
    assert len(rig.writes()) == before


@pytest.mark.parametrize("case", ["changed", "old"])
def test_a_plan_that_was_changed_or_is_old_is_not_applied(rig: ActionsRig, seen: Directory, case: str) -> None:
    bystander = rig.users(lambda one: one["accountEnabled"])[-1]
    old = datetime.now(timezone.utc) - timedelta(days=8)
    victim = step("disable_account", bystander)
    plan = make_plan(rig.tenant.tenant_id, {"kind": "policy-p0", "policy": "p0"}, in_order([victim]),
                     now=old if case == "old" else None)  # fmt: skip
    path = write_plan(rig.data_dir / "actions" / "plans", plan)
    if case == "changed":
        path.write_text(path.read_text().replace('"reason": "a test"', '"reason": "another"'))
    (result,) = go(rig, policies())
    assert (result.state, result.changes, len(result.open)) == (State.APPLIED, 2, 0), "its own new plan was applied"
    assert rig.user(bystander["id"])["accountEnabled"]


def test_with_actions_off_nothing_is_changed(rig: ActionsRig, seen: Directory) -> None:
    before = len(rig.writes())
    (result,) = go(rig, policies(), allow_actions=False)
    assert (result.state, result.changes, len(result.paths)) == (State.ACTIONS_OFF, 0, 1)
    assert len(rig.writes()) == before


def test_a_policy_for_an_unknown_tenant_is_refused(rig: ActionsRig, seen: Directory) -> None:
    strange = DisabledLicensed(name="p", kind="disabled_licensed", tenant="elsewhere")
    with pytest.raises(SettingsError, match="There is no tenant elsewhere"):
        go(rig, [strange])


def test_a_policy_that_fails_keeps_no_other_from_running(rig: ActionsRig, seen: Directory) -> None:
    broken = DisabledLicensed(name="broken", kind="disabled_licensed", days=3, skus=("NO_SUCH",))
    first, second = go(rig, [broken, *policies()])
    assert first.state is State.FAILED
    assert "The tenant has no product NO_SUCH" in str(first.problem)
    assert (second.state, second.changes) == (State.APPLIED, 2)
