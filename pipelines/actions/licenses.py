"""Assigning a licence, and taking a direct one back. Neither touches the account itself.

Source: Graph v1.0 ``user: assignLicense``; an inherited licence cannot be removed from the person directly, and no
licence can be assigned to somebody without a usage location.
"""

from __future__ import annotations

from typing import ClassVar

from pipelines.actions.base import Action, Help, State
from pipelines.actions.people import person_of
from pipelines.actions.plan import Step
from pipelines.actions.skus import read_skus
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError
from pipelines.graph.objects import segment
from pipelines.graph.write import GraphWriter

WRITE = "LicenseAssignment.ReadWrite.All"
PERMISSIONS = (WRITE, "User.Read.All")
# How long the data of most services are kept after the licence went.
KEPT_DAYS = 30


class _Licence(Action):
    permissions = PERMISSIONS

    def read(self, client: GraphClient, step: Step) -> State:
        """How the person holds the product."""
        person = person_of(client, step)
        if person is None:
            return {"exists": False}
        holding = person.holdings().get(str(step.parameters["sku_id"]))
        return {
            "exists": True,
            "account_enabled": person.is_enabled,
            "usage_location": person.raw.get("usageLocation"),
            "is_direct": bool(holding and holding.is_direct),
            "groups": holding.groups if holding else [],
            "direct_since": holding.direct_since if holding else None,
            "disabled_plans": holding.disabled_plans if holding else [],
        }

    def _assign(self, writer: GraphWriter, step: Step, add: list[State], remove: list[str]) -> None:
        context = writer.context("changing licences", permission=WRITE)
        body = {"addLicenses": add, "removeLicenses": remove}
        writer.write("POST", f"users/{segment(step.target.key)}/assignLicense", context, body)

    def describe(self, step: Step) -> str:
        """The step with the product's name."""
        return f"{self.words}: {_product(step)}"


class RemoveLicense(_Licence):
    """Take a direct licence back. The account stays as it is; what comes through a group stays."""

    name = "remove_license"
    words = "remove direct licence"
    watched: ClassVar = {"account_enabled": "whether the account is enabled", "direct_since": "the assignment's date"}

    def is_done(self, state: State, step: Step) -> bool:
        """Whether no direct assignment is left."""
        return bool(state["exists"]) and not state["is_direct"]

    def refusal(self, state: State, step: Step) -> str | None:
        """What no longer fits; for a duplicate, that the group still gives the licence."""
        found = super().refusal(state, step)
        if found is None and step.parameters.get("is_duplicate") and not state["groups"]:
            return "No group gives this licence any more, so the direct one is no duplicate now."
        return found

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Remove the direct assignment."""
        self._assign(writer, step, [], [str(step.parameters["sku_id"])])
        return "Still held through a group." if state["groups"] else None

    def after(self, step: Step) -> State:
        """No direct assignment."""
        return {"is_direct": False}

    def undo(self, step: Step) -> str:
        """Assigning it again."""
        plans = (step.before or {}).get("disabled_plans")
        options = "".join(f" --off {plan}" for plan in plans or [])
        name, sku = step.target.user_principal_name, step.parameters.get("sku_part_number") or step.parameters["sku_id"]
        return (
            f"m365-usage actions plan --user {name} --assign {sku}{options} "
            f"(most services keep the data {KEPT_DAYS} days)"
        )


class AssignLicense(_Licence):
    """Give a direct licence."""

    name = "assign_license"
    words = "assign licence"

    def read(self, client: GraphClient, step: Step) -> State:
        """How the person holds the product, and how many units are left where that may be read."""
        state = super().read(client, step)
        try:
            sku = next((sku for sku in read_skus(client) if sku.sku_id == step.parameters["sku_id"]), None)
        except GraphError as error:
            if not error.is_permission:
                raise
            return state
        return {**state, "units_left": sku.units_left if sku else 0}

    def is_done(self, state: State, step: Step) -> bool:
        """Whether the direct assignment is there, with the same service plans off."""
        wanted = sorted(step.parameters.get("disabled_plans") or [])
        return bool(state["exists"] and state["is_direct"] and state["disabled_plans"] == wanted)

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and state["groups"] and not state["is_direct"]:
            return "The person has this licence through a group already; a direct one would add nothing."
        if state["exists"] and not state["usage_location"]:
            return "The person has no usage location, without which no licence can be assigned. Set one first."
        if state["exists"] and not state["is_direct"] and state.get("units_left") == 0:
            return "No unit of this product is left. Buy one, or take one back first."
        return super().refusal(state, step)

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Add the direct assignment."""
        plans = sorted(step.parameters.get("disabled_plans") or [])
        self._assign(writer, step, [{"skuId": step.parameters["sku_id"], "disabledPlans": plans}], [])
        return None

    def after(self, step: Step) -> State:
        """A direct assignment."""
        return {"is_direct": True, "disabled_plans": sorted(step.parameters.get("disabled_plans") or [])}

    def undo(self, step: Step) -> str:
        """Taking it back."""
        return f"m365-usage actions plan --user {step.target.user_principal_name} --remove {step.parameters['sku_id']}"


def _product(step: Step) -> str:
    return str(
        step.parameters.get("product_name") or step.parameters.get("sku_part_number") or step.parameters["sku_id"]
    )
