"""What must still be so of a person when a step is about to be done: why somebody, or a policy, wanted it at all.

An action watches what it changes itself; this is about the reason. Somebody who is back in the department, or lost the
licence that made another one superfluous, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.actions.people import READ, Person, find_person
from pipelines.actions.plan import Step
from pipelines.graph.client import GraphClient
from pipelines.graph.objects import find_object, segment

# By their names in ``only_while`` of a step. holds: all of these products; holds_only: no others.
CONDITIONS = ("account_enabled", "department", "not_department", "employee_type", "has_manager", "holds", "holds_only")


def unmet(client: GraphClient, step: Step) -> str | None:
    """Why the reason for a step is gone; None where it holds, and where the person is gone. Raises GraphError."""
    person = find_person(client, step.target.key) if step.only_while else None
    return unmet_of(client, person, step.only_while) if person else None


def unmet_of(client: GraphClient, person: Person, only_while: Mapping[str, Any]) -> str | None:
    """The first condition that a person does not meet, in words. Raises GraphError; ValueError for a strange one."""
    for name, wanted in only_while.items():
        words = _has_manager(client, person, wanted) if name == "has_manager" else _told(person, name, wanted)
        if words:
            return f"Changed since the plan was made: the {words}."
    return None


def strange_conditions(only_while: Iterable[str]) -> list[str]:
    """Names of conditions that this program does not know."""
    return sorted(set(only_while).difference(CONDITIONS))


def _told(person: Person, name: str, wanted: Any) -> str | None:
    """What of the person's own properties and licences is not as wanted."""
    department, kind = _folded(person.raw.get("department")), _folded(person.raw.get("employeeType"))
    match name:
        case "account_enabled" if person.is_enabled is not wanted:
            return f"account is {'enabled' if person.is_enabled else 'disabled'} now"
        case "department" if department != _folded(wanted):
            return f"person is not in department {wanted} any more"
        case "not_department" if department == _folded(wanted):
            return f"person is in department {wanted} again"
        case "employee_type" if kind != _folded(wanted):
            return f"person is not of employee type {wanted} any more"
        case "holds":
            holdings = person.holdings().items()
            held = {sku_id for sku_id, holding in holdings if holding.is_direct or holding.groups}
            lost = sorted({str(sku_id).lower() for sku_id in wanted} - held)
            return f"person does not hold {', '.join(lost)} any more, which made this superfluous" if lost else None
        case "holds_only":
            others = sorted(person.holdings().keys() - {str(sku_id).lower() for sku_id in wanted})
            return f"person holds a licence by now ({', '.join(others)})" if others else None
    if name not in CONDITIONS:
        raise ValueError(f"There is no condition {name}.")
    return None


def _has_manager(client: GraphClient, person: Person, wanted: bool) -> str | None:
    path = f"users/{segment(person.user_id)}/manager"
    found = find_object(client, path, "reading a manager", params={"$select": "id"}, permission=READ)
    if (found is not None) is wanted:
        return None
    return "person has a manager again" if found else "person has no manager any more"


def _folded(name: object) -> str:
    return str(name or "").strip().lower()
