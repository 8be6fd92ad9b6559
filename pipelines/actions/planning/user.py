"""Single wishes for one person: what the command line's options say, each as a step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipelines.actions.accounts import ATTRIBUTES, USER_TYPES
from pipelines.actions.groups import find_group
from pipelines.actions.people import Person
from pipelines.actions.plan import Plan, Step, Target, in_order
from pipelines.actions.planning.making import make_plan, make_step, seen_in_turn, the_person
from pipelines.actions.planning.reclaimable import group_notes
from pipelines.actions.skus import Sku, choose_sku, read_skus
from pipelines.graph.client import GraphClient
from pipelines.graph.objects import find_object, read_collection, segment
from pipelines.sign_in import SettingsError


@dataclass(frozen=True)
class Wishes:
    """What is to be done with one person. SKUs by part number or id, groups by id, people by name or id.

    off_plans: service plans left out of what is assigned. manager, reply: an empty text removes it; None leaves it.
    attributes: by Graph's names; an empty text removes one. restore stands alone, as the person is in the bin.
    """

    enable: bool = False
    disable: bool = False
    revoke_sessions: bool = False
    manager: str | None = None
    user_type: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    assign: tuple[str, ...] = ()
    off_plans: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    add_groups: tuple[str, ...] = ()
    remove_groups: tuple[str, ...] = ()
    reply: str | None = None
    forward_to: str | None = None
    stop_forwarding_to: str | None = None
    onedrive_to: str | None = None
    grant_onedrive_to: str | None = None
    delete: bool = False
    restore: bool = False

    @property
    def chosen(self) -> list[str]:
        """The names of those that were made."""
        return [name for name, value in vars(self).items() if value not in ((), None, False)]


def plan_user(name: str, wishes: Wishes, client: GraphClient, *, reason: str = "asked for by hand") -> Plan:
    """The plan of single steps for one person. Raises SettingsError for a wish that cannot be, and GraphError."""
    if not wishes.chosen:
        raise SettingsError("Say what is to be done with the person; m365-usage actions plan --help tells the options.")
    if wishes.enable and wishes.disable:
        raise SettingsError("--enable and --disable exclude one another.")
    if wishes.off_plans and not wishes.assign:
        raise SettingsError("--off says which service plans are left out of what --assign assigns.")
    if wishes.restore:
        if wishes.chosen != ["restore"]:
            raise SettingsError("--restore stands alone: make another plan when the person is back.")
        steps: Iterable[Step] = [make_step("restore_user", deleted_person(client, name), {}, reason=reason)]
    else:
        steps = _steps(the_person(client, name), wishes, client, reason)
    seen = in_order(seen_in_turn(client, steps))
    return make_plan(client.tenant.tenant_id, {"kind": "user", "user": name}, seen)


def sku_parameters(sku: Sku) -> dict[str, Any]:
    """What a step about a licence is told."""
    return {"sku_id": sku.sku_id, "sku_part_number": sku.part_number}


def person_parameters(prefix: str, person: Person) -> dict[str, Any]:
    """What a step is told of another person."""
    return {f"{prefix}_id": person.user_id, f"{prefix}_name": person.name}


def deleted_person(client: GraphClient, name: str) -> Target:
    """Somebody in the bin, by object id or former name. Raises SettingsError when there is none, or more than one."""
    wanted = name.strip().lower()
    select = {"$select": "id,userPrincipalName,displayName"}
    path, what = "directory/deletedItems", "reading the bin"
    found = find_object(client, f"{path}/{segment(wanted)}", what, params=select) if "@" not in wanted else None
    people = [found] if found else []
    if not people:
        everybody = read_collection(client, f"{path}/microsoft.graph.user", what, params={**select, "$top": "999"})
        people = [one for one in everybody if wanted in (str(one["id"]).lower(), _former_name(one))]
    if len(people) != 1:
        amount = "Nobody" if not people else f"{len(people)} people"
        raise SettingsError(
            f"{amount} in the bin of tenant {client.tenant.label} was called {name}; give the object id."
        )
    return Target(
        user_id=str(people[0]["id"]), user_principal_name=_former_name(people[0]) or name,
        display_name=people[0].get("displayName"),
    )  # fmt: skip


def _former_name(raw: dict[str, Any]) -> str:
    """The name from before: a deleted person's begins with the object id, without hyphens."""
    name = str(raw.get("userPrincipalName") or "").lower()
    return name.removeprefix(str(raw["id"]).replace("-", "").lower())


def _steps(person: Person, wishes: Wishes, client: GraphClient, reason: str) -> Iterable[Step]:
    def step(action: str, parameters: dict[str, Any] | None = None) -> Step:
        return make_step(action, person.target, parameters or {}, reason=reason)

    if wishes.enable:
        yield step("enable_account")
    if wishes.attributes:
        yield step("set_attributes", _attributes(wishes))
    if wishes.user_type is not None:
        if wishes.user_type not in USER_TYPES:
            raise SettingsError(f"The user type must be one of {', '.join(USER_TYPES)}.")
        yield step("set_user_type", {"user_type": wishes.user_type})
    if wishes.manager is not None:
        manager = the_person(client, wishes.manager) if wishes.manager else None
        yield step("set_manager", person_parameters("manager", manager) if manager else {"manager_id": None})
    if wishes.disable:
        yield step("disable_account")
    if wishes.revoke_sessions:
        yield step("revoke_sessions")
    if wishes.reply is not None:
        yield step("set_automatic_reply", {"message": wishes.reply})
    if wishes.forward_to is not None:
        yield step("add_forwarding_rule", {"address": wishes.forward_to})
    if wishes.stop_forwarding_to is not None:
        yield step("remove_forwarding_rule", {"address": wishes.stop_forwarding_to})
    if wishes.grant_onedrive_to is not None:
        to = the_person(client, wishes.grant_onedrive_to)
        yield step("grant_onedrive_access", person_parameters("manager", to))
    if wishes.onedrive_to is not None:
        yield step("hand_over_onedrive", person_parameters("manager", the_person(client, wishes.onedrive_to)))
    yield from _licences(person, wishes, client, reason)
    yield from _groups(person, wishes, client, reason)
    if wishes.delete:
        yield step("delete_user")


def _attributes(wishes: Wishes) -> dict[str, Any]:
    unknown = [name for name, _ in wishes.attributes if name not in ATTRIBUTES]
    if unknown:
        raise SettingsError(f"There is no attribute {unknown[0]} to set; there are: {', '.join(ATTRIBUTES)}.")
    return dict(wishes.attributes)


def _licences(person: Person, wishes: Wishes, client: GraphClient, reason: str) -> Iterable[Step]:
    skus = read_skus(client) if wishes.assign or wishes.remove else []
    for wanted in wishes.remove:
        yield make_step("remove_license", person.target, sku_parameters(choose_sku(skus, wanted)), reason=reason)
    for wanted in wishes.assign:
        parameters = sku_parameters(choose_sku(skus, wanted))
        if wishes.off_plans:
            parameters["disabled_plans"] = sorted(wishes.off_plans)
        yield make_step("assign_license", person.target, parameters, reason=reason)


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
