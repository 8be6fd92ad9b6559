"""Making, deleting and restoring accounts.

Source: Graph v1.0 ``user: create``, ``user: delete`` (to the bin, for 30 days), ``directory: restore deleted item``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pipelines.actions.accounts import READ, WRITE
from pipelines.actions.base import Action, ActionError, Help, State
from pipelines.actions.passwords import make_password
from pipelines.actions.people import BIN_DAYS, find_person, person_of
from pipelines.actions.plan import Step
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError
from pipelines.graph.objects import find_object, segment
from pipelines.graph.write import GraphWriter, OutcomeUnknownError

DELETE = "User.DeleteRestore.All"
# Besides the name: what a new person may be given at once.
PROPERTIES = ("displayName", "givenName", "surname", "department", "jobTitle", "officeLocation", "companyName",
              "usageLocation", "employeeId")  # fmt: skip


class CreateUser(Action):
    """Make an account with a password of its own, to be changed at the first sign-in."""

    name = "create_user"
    words = "create account"
    permissions = (WRITE,)

    def read(self, client: GraphClient, step: Step) -> State:
        """Whether somebody has the name already."""
        person = find_person(client, step.target.user_principal_name)
        if person is None:
            return {"exists": False}
        return {
            "exists": True,
            "user_id": person.user_id,
            "display_name": person.raw.get("displayName"),
            "created_at": person.raw.get("createdDateTime"),
        }

    def is_done(self, state: State, step: Step) -> bool:
        """Whether an account has the name; whose it is, not_ours tells."""
        return bool(state["exists"])

    def not_ours(self, state: State, step: Step, begun_at: str | None) -> str | None:
        """That the name is taken, unless an attempt of this very step made the account and was cut off."""
        # Nobody had the name when that attempt began; its clock and the directory's are not compared.
        if begun_at is not None and state["display_name"] == step.parameters.get("displayName"):
            return None
        return f"Somebody has this name already ({state['display_name']}, since {state['created_at'] or 'long ago'})."

    def cut_off(self, step: Step) -> str:
        """That the account is there, and what of its password."""
        return (
            "Made by an apply that was cut off. Its password is in the file that was named then; if there was none, "
            "reset it in the Entra admin centre."
        )

    def refusal(self, state: State, step: Step) -> str | None:
        """Nothing stands in the way of a name that nobody has."""
        return None

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Make the account; its password goes where it belongs before the account is there."""
        sink, name = help_.passwords, step.target.user_principal_name
        if sink is None:
            raise ActionError("Nobody said where the password is to go: --password-file FILE or --show-password.")
        # The same at every try: an earlier one may have made the account although its answer was lost.
        password = help_.memory.setdefault("password", make_password())
        body: dict[str, Any] = {key: step.parameters[key] for key in PROPERTIES if step.parameters.get(key)}
        body |= {
            "accountEnabled": True,
            "userPrincipalName": name,
            "mailNickname": name.partition("@")[0],
            "passwordProfile": {"forceChangePasswordNextSignIn": True, "password": password},
        }
        sink.keep(name, password)
        try:
            writer.write("POST", "users", writer.context("making an account", permission=WRITE), body)
        except OutcomeUnknownError:
            raise
        except GraphError:
            if not (help_.was_begun and self.read(writer, step)["exists"]):
                sink.drop(name)
                raise
        self.was_seen(step, help_)
        return "The password is to be changed at the first sign-in."

    def was_seen(self, step: Step, help_: Help) -> None:
        """The password is good for something now."""
        if help_.passwords is not None:
            help_.passwords.made(step.target.user_principal_name)

    def after(self, step: Step) -> State:
        """The account."""
        return {"exists": True}

    def undo(self, step: Step) -> str:
        """Deleting it."""
        return f"m365-usage actions plan --user {step.target.user_principal_name} --delete"

    def describe(self, step: Step) -> str:
        """The step with the name shown."""
        return f"{self.words} for {step.parameters.get('displayName')}"


class _Deleted(Action):
    permissions = (DELETE, READ)

    def read(self, client: GraphClient, step: Step) -> State:
        """Whether the account is in the directory, or in its bin."""
        person = person_of(client, step)
        if person is not None:
            return {"exists": True, "account_enabled": person.is_enabled, "is_synced": person.is_synced,
                    "is_deleted": False}  # fmt: skip
        gone = find_deleted(client, step.target.key)
        return {"exists": False, "is_deleted": gone is not None}


class DeleteUser(_Deleted):
    """Delete somebody: the account and what it holds go to the bin, for 30 days."""

    name = "delete_user"
    words = "delete account"
    watched: ClassVar = {"account_enabled": "whether the account is enabled"}

    def is_done(self, state: State, step: Step) -> bool:
        """Whether the account is in the bin."""
        return bool(state["is_deleted"])

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and state["is_synced"]:
            return "The account is synchronised from on premises: delete it there."
        return super().refusal(state, step)

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Delete it."""
        path = f"users/{segment(step.target.key)}"
        writer.write("DELETE", path, writer.context("deleting an account", permission=DELETE))
        return f"It can be restored for {BIN_DAYS} days."

    def after(self, step: Step) -> State:
        """In the bin."""
        return {"is_deleted": True}

    def undo(self, step: Step) -> str:
        """Restoring it."""
        return f"Within {BIN_DAYS} days: m365-usage actions plan --user {step.target.key} --restore"


class RestoreUser(_Deleted):
    """Take somebody out of the bin, with the licences that the person had as far as units are left."""

    name = "restore_user"
    words = "restore account"

    def is_done(self, state: State, step: Step) -> bool:
        """Whether the account is in the directory."""
        return bool(state["exists"])

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if not state["is_deleted"]:
            return f"The account is not in the bin any more: it is kept for {BIN_DAYS} days, and then gone for good."
        return None

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Restore it."""
        path = f"directory/deletedItems/{segment(step.target.key)}/restore"
        writer.write("POST", path, writer.context("restoring an account", permission=DELETE), {})
        return None

    def after(self, step: Step) -> State:
        """Back in the directory."""
        return {"exists": True}

    def undo(self, step: Step) -> str:
        """Deleting it again."""
        return f"m365-usage actions plan --user {step.target.key} --delete"


def find_deleted(client: GraphClient, user_id: str) -> dict[str, Any] | None:
    """The person in the bin with this object id; None when there is none. Raises GraphError."""
    params = {"$select": "id,userPrincipalName,displayName,deletedDateTime"}
    return find_object(
        client, f"directory/deletedItems/{segment(user_id)}", "reading the bin", params=params, permission=READ
    )


ALL: Sequence[Action] = (CreateUser(), DeleteUser(), RestoreUser())
