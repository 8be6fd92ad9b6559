"""Single wishes for one person: what the command line's options say, each as a step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipelines.actions.groups import find_group
from pipelines.actions.people import Person
from pipelines.actions.plan import Plan, Step, in_order
from pipelines.actions.planning.making import make_plan, make_step, seen_before, the_person
from pipelines.actions.planning.reclaimable import group_notes
from pipelines.actions.skus import Sku, choose_sku, read_skus
from pipelines.graph.client import GraphClient
from pipelines.sign_in import SettingsError


@dataclass(frozen=True)
class Wishes:
    """What is to be done with one person. SKUs by part number or id, groups by id, manager by name or id.

    manager: an empty text removes the manager. off_plans: service plans left out of what is assigned.
    """

    assign: tuple[str, ...] = ()
    off_plans: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    add_groups: tuple[str, ...] = ()
    remove_groups: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(value not in ((), None, False) for value in vars(self).values())


def plan_user(name: str, wishes: Wishes, client: GraphClient, *, reason: str = "asked for by hand") -> Plan:
    """The plan of single steps for one person. Raises SettingsError for a wish that cannot be, and GraphError."""
    if not wishes:
        raise SettingsError("Say what is to be done with the person; m365-usage actions plan --help tells the options.")
    return make_plan(client.tenant.tenant_id, {"kind": "user", "user": name}, _steps(name, wishes, client, reason))


def _steps(name: str, wishes: Wishes, client: GraphClient, reason: str) -> tuple[Step, ...]:
    person = the_person(client, name)
    steps = [*_licences(person, wishes, client, reason), *_groups(person, wishes, client, reason)]
    return in_order(seen_before(client, step) for step in steps)


def _licences(person: Person, wishes: Wishes, client: GraphClient, reason: str) -> Iterable[Step]:
    skus = read_skus(client) if wishes.assign or wishes.remove else []
    for wanted in wishes.remove:
        yield make_step("remove_license", person.target, sku_parameters(choose_sku(skus, wanted)), reason=reason)
    for wanted in wishes.assign:
        parameters = sku_parameters(choose_sku(skus, wanted))
        if wishes.off_plans:
            parameters["disabled_plans"] = sorted(wishes.off_plans)
        yield make_step("assign_license", person.target, parameters, reason=reason)


def sku_parameters(sku: Sku) -> dict[str, Any]:
    """What a step about a licence is told."""
    return {"sku_id": sku.sku_id, "sku_part_number": sku.part_number}


def _groups(person: Person, wishes: Wishes, client: GraphClient, reason: str) -> Iterable[Step]:
    for action, wanted in (
        ("remove_group_membership", wishes.remove_groups),
        ("add_group_membership", wishes.add_groups),
    ):
        for group_id in wanted:
            group = find_group(client, group_id)
            if group is None:
                raise SettingsError(
                    f"There is no group {group_id} in tenant {client.tenant.label}; give its object id."
                )
            parameters = {"group_id": group.group_id, "group_name": group.name}
            notes = group_notes(group) if action.startswith("remove") else []
            if group.sku_ids and action.startswith("remove"):
                notes.append(f"These licences go with it: {', '.join(group.sku_ids)}.")
            yield make_step(action, person.target, parameters, reason=reason, notes=notes)
