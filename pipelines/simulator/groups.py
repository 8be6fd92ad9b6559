"""Groups as objects with members: those that give licences, and some that give none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.simulator.overlay import UserState, states_of

Json = dict[str, Any]

DYNAMIC = "DynamicMembership"
UNIFIED = "Unified"


@dataclass(frozen=True)
class PlainGroup:
    """A group without licences, whose members are the employees of a department."""

    name: str
    description: str
    department: str
    kind: str
    """`security`, `unified` (a Microsoft 365 group), `dynamic` (by rule) or `synced` (from on premises)."""

    @property
    def properties(self) -> Json:
        """What its kind adds to a group."""
        mail_enabled = self.kind == "unified"
        return {
            "description": self.description,
            "mailEnabled": mail_enabled,
            "mailNickname": self.name.lower(),
            "securityEnabled": not mail_enabled,
            "groupTypes": {"unified": [UNIFIED], "dynamic": [DYNAMIC]}.get(self.kind, []),
            "membershipRule": f'(user.department -eq "{self.department}")' if self.kind == "dynamic" else None,
            "onPremisesSyncEnabled": True if self.kind == "synced" else None,
        }


PLAIN_GROUPS = (
    PlainGroup("SEC-Finance-Files", "Access to the files of Finance", "Finance", "security"),
    PlainGroup("Team-Engineering", "The team of Engineering", "Engineering", "unified"),
    PlainGroup("DYN-Sales", "Everybody in Sales, by rule", "Sales", "dynamic"),
    PlainGroup("ADS-Operations", "Operations, kept on premises", "Operations", "synced"),
)
SYNCED_LICENSE_GROUPS = frozenset({"LIC-Visio"})
"""Licensing groups that are kept on premises: their members cannot be changed in the cloud."""


def is_dynamic(group: Json) -> bool:
    """Whether a rule decides who is a member."""
    return DYNAMIC in (group.get("groupTypes") or ())


def is_synced(group: Json) -> bool:
    """Whether the group is kept on premises."""
    return bool(group.get("onPremisesSyncEnabled"))


class Membership:
    """Who belongs to which group: the directory's own members, and what was written since."""

    def __init__(self, groups: list[Json]) -> None:
        self._groups = {str(group["id"]): group for group in groups}
        self._rules = {group_id: rule for group_id, group in self._groups.items() if (rule := _rule_of(group))}

    def of(self, base: Json | None, now: Json | None, state: UserState) -> frozenset[str]:
        """The ids of a user's groups.

        `base` is the user before any write, `now` the user as it is (None: deleted, a member of nothing).
        """
        if now is None:
            return frozenset()
        found = set() if base is None or state.is_new else self._of_base(base)
        found = (found - state.left) | state.joined
        for group_id, rule in self._rules.items():
            if is_dynamic(self._groups[group_id]):
                found.discard(group_id)
                if rule(now):
                    found.add(group_id)
        return frozenset(found & self._groups.keys())

    def _of_base(self, base: Json) -> set[str]:
        found = {str(state["assignedByGroup"]) for state in states_of(base) if state.get("assignedByGroup")}
        return found | {group_id for group_id, rule in self._rules.items() if rule(base)}


def _rule_of(group: Mapping[str, Any]) -> Callable[[Json], bool] | None:
    plain = next((item for item in PLAIN_GROUPS if item.name == group.get("displayName")), None)
    if plain is None:
        return None
    department = plain.department
    return lambda user: user.get("userType") == "Member" and user.get("department") == department
