"""From the people whom a policy is about to plans, each person looked at once more as they are now. Only reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.actions.conditions import unmet_of
from pipelines.actions.groups import find_group, groups_of
from pipelines.actions.log import ActionLog, History, Outcome
from pipelines.actions.people import Person, find_person
from pipelines.actions.plan import ByHand, Plan, Step, in_order
from pipelines.actions.plan_file import PlanRefusedError, read_plan, require_fresh
from pipelines.actions.planning.leaver import LeaverWishes, plan_leaver
from pipelines.actions.planning.making import make_plan, make_step, seen_before
from pipelines.actions.planning.reclaimable import Reclaimable, group_notes, plan_reclaimable
from pipelines.actions.planning.user import sku_parameters
from pipelines.actions.policies.candidates import Candidate, Directory, candidates, left_on
from pipelines.actions.policies.file import DisabledLicensed, JoinerWithoutLicence, Leaver, LeftDepartment, Policy
from pipelines.actions.skus import choose_sku, read_skus
from pipelines.graph.client import GraphClient

Key = tuple[str, str, str]
# Names and notes that change nothing about what a step does.
_UNESSENTIAL = ("product_name", "sku_part_number", "group_name", "manager_name", "folder_id")


@dataclass(frozen=True)
class Known:
    """A plan that stands on disk. left: its steps that are not done; is_open: there are such, and it may be applied."""

    plan: Plan
    path: Path
    left: tuple[Step, ...]
    is_open: bool

    @property
    def keys(self) -> set[Key]:
        """What its steps do."""
        return {key_of(step) for step in self.plan.steps}


def key_of(step: Step) -> Key:
    """What a step does and to whom: two steps with the same key are the same."""
    parameters = {name: value for name, value in step.parameters.items() if name not in _UNESSENTIAL}
    return step.action, step.target.key.lower(), json.dumps(parameters, sort_keys=True)


def known_plans(folder: Path, log: ActionLog, tenant_id: str, days: int) -> list[Known]:
    """The plans of a tenant that stand in a folder, oldest first; what cannot be read is none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            plan = read_plan(path)
        except PlanRefusedError:
            continue
        if plan.tenant_id == tenant_id:
            left = left_of(plan, log)
            found.append(Known(plan, path, left, bool(left) and _is_fresh(plan, days)))
    return found


def plans_of(
    policy: Policy, directory: Directory, client: GraphClient, log: ActionLog, known: Iterable[Known]
) -> list[Plan]:
    """What the policy plans today and no open plan holds already; plans without steps are left out. Raises GraphError
    and SettingsError.
    """
    known = list(known)
    taken = {key for plan in known if plan.is_open for key in plan.keys}
    people = candidates(policy, directory)
    if isinstance(policy, Leaver):
        made = [
            _leaver(policy, person, directory, client, log)
            for person in people
            if not _is_over(policy, person, known) and _still(policy, person, client)
        ]
        # Steps of a leaver wait for one another: a plan is either new or known as a whole.
        return [plan for plan in made if plan.steps and not {key_of(step) for step in plan.steps} <= taken]
    if not people:
        return []
    if isinstance(policy, DisabledLicensed):
        plan = _disabled(policy, people, directory, client)
    elif isinstance(policy, LeftDepartment):
        plan = _left_department(policy, people, directory, client)
    else:
        plan = _joiners(policy, people, directory, client)
    new = [step for step in plan.steps if key_of(step) not in taken]
    return [_conditioned(plan, policy, in_order(new))] if new else []


def only_while(policy: Policy) -> dict[str, Any]:
    """What must still be so of a person for the policy to be about them, when it plans and when its steps are done."""
    if isinstance(policy, DisabledLicensed):
        return {"account_enabled": False}
    if isinstance(policy, LeftDepartment):
        return {"not_department": policy.department}
    if isinstance(policy, JoinerWithoutLicence):
        return {"account_enabled": True}
    marks: dict[str, dict[str, Any]] = {
        "disabled": {"account_enabled": False},
        "manager_gone": {"has_manager": False},
        "department": {"department": policy.value},
        "employee_type": {"employee_type": policy.value},
    }
    return marks[policy.mark]


def _still(policy: Policy, person: Candidate, client: GraphClient) -> Person | None:
    """The person as they are now; None where they are gone, or the policy is not about them any more."""
    now = find_person(client, person.user_id)
    return now if now is not None and unmet_of(client, now, only_while(policy)) is None else None


def _conditioned(plan: Plan, policy: Policy, steps: Iterable[Step]) -> Plan:
    """The plan with these steps, each of them done only while the policy is still about the person."""
    every = only_while(policy)
    told = tuple(step.model_copy(update={"only_while": {**every, **step.only_while}}) for step in steps)
    return plan.model_copy(update={"steps": told}).signed()


def left_of(plan: Plan, log: ActionLog) -> tuple[Step, ...]:
    """The steps of a plan that are not done, by the log; one that may be skipped and was is as good as done."""
    histories = log.histories(plan)
    return tuple(step for step in plan.steps if not _is_settled(step, histories.get(step.id, History())))


def _is_settled(step: Step, history: History) -> bool:
    if history.outcome is None or history.is_open:
        return False
    return history.outcome.is_settled or (step.may_be_skipped and history.outcome is Outcome.SKIPPED)


def _is_fresh(plan: Plan, days: int) -> bool:
    try:
        require_fresh(plan, days)
    except PlanRefusedError:
        return False
    return True


def _is_over(policy: Leaver, person: Candidate, known: Iterable[Known]) -> bool:
    """Whether a plan of this policy was carried out for the person since they bear its mark."""
    since = left_on(policy, person)
    return any(
        not one.left
        and one.plan.source.get("policy") == policy.name
        and (since is None or one.plan.created_at.date() >= since)
        and any(step.target.user_id == person.user_id for step in one.plan.steps)
        for one in known
    )


def _rows(
    people: Iterable[Candidate], directory: Directory, sku_ids: set[str], reason: str, since: str
) -> list[Reclaimable]:
    """The licences of these people among sku_ids, but for those that the allow list keeps."""
    rows = []
    for person in people:
        for sku_id in person.sku_ids:
            product = directory.products.get(sku_id)
            if sku_id not in sku_ids or product is None or directory.is_kept(person, sku_id):
                continue
            price, currency = directory.prices.get(sku_id, (None, None))
            rows.append(
                Reclaimable(
                    person.user_id, person.user_principal_name, person.department, sku_id, product.part_number,
                    product.name, reason, {since: str(getattr(person, since))}, price, currency,
                )
            )  # fmt: skip
    return rows


def _disabled(policy: DisabledLicensed, people: list[Candidate], directory: Directory, client: GraphClient) -> Plan:
    every = {sku_id for sku_id, product in directory.products.items() if not product.is_free}
    wanted = directory.sku_ids(policy.skus) if policy.skus else every
    rows = _rows(people, directory, wanted, "disabled", "disabled_since")
    return plan_reclaimable(rows, client, source=policy.source)


def _left_department(
    policy: LeftDepartment, people: list[Candidate], directory: Directory, client: GraphClient
) -> Plan:
    reason = f"left department {policy.department}"
    # Back since the last read: nothing is taken from them.
    still = [person for person in people if _still(policy, person, client)]
    plan = plan_reclaimable(
        _rows(still, directory, directory.sku_ids(policy.skus), reason, "moved_on"), client, source=policy.source
    )
    steps, by_hand = list(plan.steps), list(plan.by_hand)
    keys = {key_of(step) for step in steps}
    groups = {group_id: find_group(client, group_id) for group_id in policy.groups}
    for person in still if groups else []:
        now = find_person(client, person.user_id)
        mine = {group.group_id for group in groups_of(client, person.user_id)} if now else set()
        for group_id, group in groups.items():
            if now is None or group is None or group_id not in mine:
                continue
            if group.fixed:
                by_hand.append(ByHand(target=now.target, what=f"Group {group.name}",
                                      why=f"Nobody can be taken out of it here: {group.fixed}."))  # fmt: skip
                continue
            step = make_step(
                "remove_group_membership", now.target, {"group_id": group.group_id, "group_name": group.name},
                reason=reason, evidence={"moved_on": str(person.moved_on)}, notes=group_notes(group),
            )  # fmt: skip
            if key_of(step) not in keys:
                steps.append(seen_before(client, step))
    return make_plan(client.tenant.tenant_id, plan.source, in_order(steps), by_hand=by_hand, notes=plan.notes)


def _joiners(policy: JoinerWithoutLicence, people: list[Candidate], directory: Directory, client: GraphClient) -> Plan:
    steps: list[Step] = []
    by_hand: list[ByHand] = []
    products = read_skus(client)
    skus = [choose_sku(products, name) for name in policy.skus]
    left = {sku.sku_id: sku.units_left for sku in skus}
    for person in people:
        now = _still(policy, person, client)
        if now is None or now.holdings():
            continue
        if not now.raw.get("usageLocation"):
            why = "The account has no usage location, without which none can be assigned."
            by_hand.append(ByHand(target=now.target, what="The licences of a joiner", why=why))
            continue
        for sku in skus:
            if directory.is_kept(person, sku.sku_id):
                continue
            left[sku.sku_id] -= 1
            note = [] if left[sku.sku_id] >= 0 else [f"No unit of {sku.part_number} is left for this one by now."]
            step = make_step(
                "assign_license", now.target, sku_parameters(sku), reason="joined, and holds no licence",
                evidence={"created_on": str(person.created_on)}, notes=note,
                only_while={"holds_only": [sku.sku_id for sku in skus]},
            )  # fmt: skip
            steps.append(seen_before(client, step))
    return make_plan(client.tenant.tenant_id, dict(policy.source), in_order(steps), by_hand=by_hand)


def _leaver(policy: Leaver, person: Candidate, directory: Directory, client: GraphClient, log: ActionLog) -> Plan:
    wishes = LeaverWishes(policy.reply, policy.forward_to, policy.onedrive)
    words: dict[str, Any] = {
        "disabled": "the account is disabled",
        "manager_gone": "has no manager any more",
        "department": f"is in department {policy.value}",
        "employee_type": f"is of employee type {policy.value}",
    }
    reason = f"leaves: {words[policy.mark]} since {left_on(policy, person)}"
    plan = plan_leaver(
        person.user_id, client, wishes, prices=directory.prices, log=log, reason=reason, source=policy.source
    )
    return _conditioned(plan, policy, plan.steps)
