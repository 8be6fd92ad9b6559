"""Membership of groups: the way in which a licence that comes through a group is given and taken back.

Source: Graph v1.0 ``group: add member``, ``group: remove member``; members of a dynamic group are chosen by its
rule, those of a group from on premises are kept there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pipelines.actions.base import Action, Help, State
from pipelines.actions.people import person_of
from pipelines.actions.plan import Step
from pipelines.graph.client import GraphClient
from pipelines.graph.objects import find_object, read_collection, segment
from pipelines.graph.write import GraphWriter

READ = "GroupMember.Read.All"
WRITE = "GroupMember.ReadWrite.All"
_SELECT = {
    "$select": "id,displayName,assignedLicenses,groupTypes,membershipRule,onPremisesSyncEnabled",
}


@dataclass(frozen=True)
class Group:
    """A group of the directory."""

    raw: dict[str, Any]

    @property
    def group_id(self) -> str:
        """The object id."""
        return str(self.raw["id"])

    @property
    def name(self) -> str:
        """The name shown."""
        return str(self.raw.get("displayName") or self.group_id)

    @property
    def sku_ids(self) -> tuple[str, ...]:
        """The products that its members get, in lower case."""
        return tuple(sorted(str(item["skuId"]).lower() for item in self.raw.get("assignedLicenses") or []))

    @property
    def is_team(self) -> bool:
        """Whether it is a Microsoft 365 group, with a mailbox, files and perhaps a team of its own."""
        return "Unified" in (self.raw.get("groupTypes") or [])

    @property
    def fixed(self) -> str | None:
        """Why nobody can be put in or taken out of it; None when somebody can."""
        if "DynamicMembership" in (self.raw.get("groupTypes") or []) or self.raw.get("membershipRule"):
            return "its members are chosen by a rule: change the rule, or what it looks at"
        if self.raw.get("onPremisesSyncEnabled") is True:
            return "it is synchronised from on premises: change it there"
        return None


def find_group(client: GraphClient, group_id: str) -> Group | None:
    """The group with this id; None when there is none. Raises GraphError."""
    path = f"groups/{segment(group_id)}"
    raw = find_object(client, path, "reading a group", params=_SELECT, permission=READ)
    return Group(raw) if raw else None


def groups_of(client: GraphClient, user_key: str) -> list[Group]:
    """The groups that a person is a direct member of, without their licences. Raises GraphError."""
    found = read_collection(
        client,
        f"users/{segment(user_key)}/memberOf/microsoft.graph.group",
        "reading a person's groups",
        params={"$select": "id,displayName,groupTypes,onPremisesSyncEnabled,membershipRule"},
        permission=READ,
    )
    return [Group(raw) for raw in found]


class _Membership(Action):
    permissions = (WRITE, "User.Read.All")

    def read(self, client: GraphClient, step: Step) -> State:
        """The group, and whether the person is in it."""
        person = person_of(client, step)
        if person is None:
            return {"exists": False}
        group = find_group(client, str(step.parameters["group_id"]))
        state: State = {"exists": True, "account_enabled": person.is_enabled, "group_exists": group is not None}
        if group is None:
            return {**state, "is_member": False, "fixed": None, "group_licenses": []}
        is_member = any(one.group_id == group.group_id for one in groups_of(client, person.user_id))
        return {**state, "is_member": is_member, "fixed": group.fixed, "group_licenses": list(group.sku_ids)}

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and not state["group_exists"]:
            return "The group is not in the directory any more."
        if state["exists"] and state["fixed"]:
            return f"Nobody can be put in or taken out of this group here: {state['fixed']}."
        return super().refusal(state, step)

    def describe(self, step: Step) -> str:
        """The step with the group's name."""
        return f"{self.words}: {step.parameters.get('group_name') or step.parameters['group_id']}"


class RemoveGroupMembership(_Membership):
    """Take one person out of a group; the group and everybody else in it stay as they are."""

    name = "remove_group_membership"
    words = "take out of group"
    watched: ClassVar = {
        "account_enabled": "whether the account is enabled",
        "group_licenses": "what the group gives",
    }

    def is_done(self, state: State, step: Step) -> bool:
        """Whether the person is not in the group."""
        return bool(state["exists"] and state["group_exists"] and not state["is_member"])

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Take the person out."""
        person = person_of(writer, step)
        user_id = person.user_id if person else step.target.key
        path = f"groups/{segment(step.parameters['group_id'])}/members/{segment(user_id)}/$ref"
        writer.write("DELETE", path, writer.context("taking somebody out of a group", permission=WRITE))
        return "Licences that came through it go in the background." if state["group_licenses"] else None

    def after(self, step: Step) -> State:
        """Not a member."""
        return {"is_member": False}

    def undo(self, step: Step) -> str:
        """Putting the person back."""
        name, group = step.target.user_principal_name, step.parameters["group_id"]
        return f"m365-usage actions plan --user {name} --add-group {group}"


class AddGroupMembership(_Membership):
    """Put one person into a group."""

    name = "add_group_membership"
    words = "put into group"

    def is_done(self, state: State, step: Step) -> bool:
        """Whether the person is in the group."""
        return bool(state["exists"] and state["is_member"])

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Put the person in."""
        person = person_of(writer, step)
        body = writer.reference(f"directoryObjects/{segment(person.user_id if person else step.target.key)}")
        path = f"groups/{segment(step.parameters['group_id'])}/members/$ref"
        writer.write("POST", path, writer.context("putting somebody into a group", permission=WRITE), body)
        return "Licences of the group follow in the background." if state["group_licenses"] else None

    def after(self, step: Step) -> State:
        """A member."""
        return {"is_member": True}

    def undo(self, step: Step) -> str:
        """Taking the person out."""
        name, group = step.target.user_principal_name, step.parameters["group_id"]
        return f"m365-usage actions plan --user {name} --remove-group {group}"
