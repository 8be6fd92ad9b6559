"""A person as an action sees them, read anew each time.

Source: Graph v1.0 ``user: get``; ``licenseAssignmentStates`` tells direct licences (``assignedByGroup`` is null) from
inherited ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipelines.actions.plan import Step, Target
from pipelines.graph.client import GraphClient
from pipelines.graph.objects import find_object, segment

READ = "User.Read.All"
# Entra keeps a deleted person so many days.
BIN_DAYS = 30
_PROPERTIES = (
    "id",
    "userPrincipalName",
    "displayName",
    "mail",
    "accountEnabled",
    "userType",
    "usageLocation",
    "department",
    "jobTitle",
    "officeLocation",
    "companyName",
    "employeeType",
    "createdDateTime",
    "onPremisesSyncEnabled",
    "assignedLicenses",
    "licenseAssignmentStates",
)
SELECT = {"$select": ",".join(_PROPERTIES)}
# States in which an assignment gives what it promises.
_WORKING = ("Active", "ActiveWithError")


@dataclass
class Holding:
    """How a person holds one product. disabled_plans: of the direct assignment. errors: by group, where it is not
    given what the group promises."""

    is_direct: bool = False
    groups: list[str] = field(default_factory=list)
    disabled_plans: list[str] = field(default_factory=list)
    direct_since: str | None = None
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """One account of the directory."""

    raw: dict[str, Any]

    @property
    def user_id(self) -> str:
        """The object id."""
        return str(self.raw["id"])

    @property
    def name(self) -> str:
        """The user principal name."""
        return str(self.raw["userPrincipalName"])

    @property
    def is_enabled(self) -> bool:
        """Whether the account may sign in."""
        return bool(self.raw.get("accountEnabled"))

    @property
    def is_synced(self) -> bool:
        """Whether a directory on premises is the master of the account."""
        return self.raw.get("onPremisesSyncEnabled") is True

    @property
    def target(self) -> Target:
        """The person as the target of a step."""
        return Target(
            user_id=self.user_id, user_principal_name=self.name, display_name=self.raw.get("displayName") or None
        )

    def holdings(self) -> dict[str, Holding]:
        """What licences the person holds, by SKU id in lower case, and how."""
        found: dict[str, Holding] = {}
        disabled = {
            str(item["skuId"]).lower(): sorted(map(str, item.get("disabledPlans") or []))
            for item in self.raw.get("assignedLicenses") or []
        }
        for state in self.raw.get("licenseAssignmentStates") or []:
            holding = found.setdefault(str(state["skuId"]).lower(), Holding())
            group = state.get("assignedByGroup")
            if group is None:
                holding.is_direct = True
                holding.direct_since = state.get("lastUpdatedDateTime")
                holding.disabled_plans = sorted(map(str, state.get("disabledPlans") or []))
            elif state.get("state") in _WORKING:
                holding.groups = sorted({*holding.groups, str(group)})
            else:
                holding.errors[str(group)] = str(state.get("error") or state.get("state"))
        # An answer without states still tells what is held, if not how.
        for sku_id, plans in disabled.items():
            if sku_id not in found:
                found[sku_id] = Holding(is_direct=True, disabled_plans=plans)
        return found


def find_person(client: GraphClient, key: str) -> Person | None:
    """The account with this object id or user principal name; None when there is none. Raises GraphError."""
    raw = find_object(client, f"users/{segment(key)}", "reading a person", params=SELECT, permission=READ)
    return Person(raw) if raw else None


def person_of(client: GraphClient, step: Step) -> Person | None:
    """The target of a step as it is now."""
    return find_person(client, step.target.key)
