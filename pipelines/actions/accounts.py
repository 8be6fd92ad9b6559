"""Changes of one account: enable and disable it, end its sessions, its manager, kind and attributes.

Source: Graph v1.0 ``user: update``, ``user: revokeSignInSessions``, ``user: assign manager``. Attributes of an account
that is synchronised from on premises are kept there. An app cannot change people who hold an administrator's role
unless it holds a higher one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pipelines.actions.base import Action, ActionError, Help, State
from pipelines.actions.people import find_person, person_of
from pipelines.actions.plan import Step
from pipelines.graph.client import GraphClient
from pipelines.graph.objects import find_object, segment
from pipelines.graph.write import GraphWriter

WRITE = "User.ReadWrite.All"
ENABLE = "User.EnableDisableAccount.All"
REVOKE = "User.RevokeSessions.All"
READ = "User.Read.All"
ATTRIBUTES = ("department", "jobTitle", "officeLocation", "companyName", "usageLocation")
USER_TYPES = ("Member", "Guest")
_ON_PREMISES = "The account is synchronised from on premises: change it there."
_ALSO_THERE = (
    "The account is synchronised from on premises: change it there, too, or the next synchronisation undoes this."
)


def patch(writer: GraphWriter, step: Step, body: dict[str, Any], permission: str) -> None:
    """Change properties of the target. Raises GraphError."""
    writer.write(
        "PATCH", f"users/{segment(step.target.key)}", writer.context("changing an account", permission=permission), body
    )


class _Account(Action):
    def read(self, client: GraphClient, step: Step) -> State:
        """The account."""
        person = person_of(client, step)
        if person is None:
            return {"exists": False}
        return {
            "exists": True,
            "account_enabled": person.is_enabled,
            "is_synced": person.is_synced,
            **self.seen(client, person.raw, step),
        }

    def seen(self, client: GraphClient, raw: dict[str, Any], step: Step) -> State:
        """What else of the account the action looks at."""
        return {}

    def mastered_on_premises(self, step: Step) -> bool:
        """Whether what is to change is kept on premises where the account is; whether one may sign in is not."""
        return False

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and state["is_synced"] and self.mastered_on_premises(step):
            return _ON_PREMISES
        return super().refusal(state, step)


class DisableAccount(_Account):
    """Keep somebody from signing in. Licences, mail and files stay."""

    name = "disable_account"
    words = "disable account"
    permissions = (ENABLE, READ)

    def is_done(self, state: State, step: Step) -> bool:
        """Whether the account is disabled."""
        return bool(state["exists"] and not state["account_enabled"])

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Disable it."""
        patch(writer, step, {"accountEnabled": False}, ENABLE)
        return _ALSO_THERE if state["is_synced"] else None

    def after(self, step: Step) -> State:
        """A disabled account."""
        return {"account_enabled": False}

    def undo(self, step: Step) -> str:
        """Enabling it."""
        return f"m365-usage actions plan --user {step.target.user_principal_name} --enable"


class EnableAccount(_Account):
    """Let somebody sign in again."""

    name = "enable_account"
    words = "enable account"
    permissions = (ENABLE, READ)

    def is_done(self, state: State, step: Step) -> bool:
        """Whether the account is enabled."""
        return bool(state["exists"] and state["account_enabled"])

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Enable it."""
        patch(writer, step, {"accountEnabled": True}, ENABLE)
        return _ALSO_THERE if state["is_synced"] else None

    def after(self, step: Step) -> State:
        """An enabled account."""
        return {"account_enabled": True}

    def undo(self, step: Step) -> str:
        """Disabling it."""
        return f"m365-usage actions plan --user {step.target.user_principal_name} --disable"


class RevokeSessions(Action):
    """End every session: apps have to sign in again, within some minutes and for tokens in use up to an hour."""

    name = "revoke_sessions"
    words = "end all sessions"
    permissions = (REVOKE, READ)
    # Ending them twice does no harm, and that they were ended is not to be seen.
    is_verified = False

    def read(self, client: GraphClient, step: Step) -> State:
        """Whether the person is there."""
        person = person_of(client, step)
        return {"exists": person is not None, **({"account_enabled": person.is_enabled} if person else {})}

    def is_done(self, state: State, step: Step) -> bool:
        """Never: sessions may have begun since."""
        return False

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """End them."""
        context = writer.context("ending sessions", permission=REVOKE)
        answer = writer.write("POST", f"users/{segment(step.target.key)}/revokeSignInSessions", context)
        # 204 by the documentation, 200 with a value in practice.
        if answer.body.get("value") is False:
            raise ActionError("Microsoft says that it did not end the sessions. Try again.")
        return "Takes effect within minutes."

    def after(self, step: Step) -> State:
        """Nobody signed in."""
        return {"sessions": "ended"}

    def undo(self, step: Step) -> str:
        """There is nothing to undo."""
        return "Not needed: the person signs in again."


class SetManager(_Account):
    """Give somebody a manager, or take the manager away (no manager_id)."""

    name = "set_manager"
    words = "set manager"
    permissions = (WRITE,)
    watched: ClassVar = {"manager_id": "the manager"}

    def mastered_on_premises(self, step: Step) -> bool:
        """The manager is."""
        return True

    def seen(self, client: GraphClient, raw: dict[str, Any], step: Step) -> State:
        """Who the manager is, and whether the new one exists."""
        path = f"users/{segment(str(raw['id']))}/manager"
        current = find_object(client, path, "reading a manager", params={"$select": "id"}, permission=READ)
        wanted = step.parameters.get("manager_id")
        is_known = wanted is None or find_person(client, str(wanted)) is not None
        return {"manager_id": str(current["id"]) if current else None, "new_manager_exists": is_known}

    def is_done(self, state: State, step: Step) -> bool:
        """Whether it is the manager."""
        return bool(state["exists"]) and state["manager_id"] == step.parameters.get("manager_id")

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and not state["new_manager_exists"]:
            return "The new manager is not in the directory any more."
        return super().refusal(state, step)

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Set or remove the manager."""
        path = f"users/{segment(step.target.key)}/manager/$ref"
        context = writer.context("changing a manager", permission=WRITE)
        wanted = step.parameters.get("manager_id")
        if wanted is None:
            writer.write("DELETE", path, context)
        else:
            writer.write("PUT", path, context, writer.reference(f"users/{segment(str(wanted))}"))
        return None

    def after(self, step: Step) -> State:
        """The new manager."""
        return {"manager_id": step.parameters.get("manager_id")}

    def undo(self, step: Step) -> str:
        """Setting the former manager."""
        former = (step.before or {}).get("manager_id") or '""'
        return f"m365-usage actions plan --user {step.target.user_principal_name} --manager {former}"

    def describe(self, step: Step) -> str:
        """The step with the manager's name."""
        name = step.parameters.get("manager_name") or step.parameters.get("manager_id")
        return f"{self.words}: {name}" if name else "remove manager"


class SetAttributes(_Account):
    """Set department, job title, office, company or usage location."""

    name = "set_attributes"
    words = "set attributes"
    permissions = (WRITE,)

    def mastered_on_premises(self, step: Step) -> bool:
        """All of them but the usage location are."""
        return self._wanted(step).keys() != {"usageLocation"}

    def seen(self, client: GraphClient, raw: dict[str, Any], step: Step) -> State:
        """The attributes that are to change."""
        return {name: raw.get(name) or None for name in self._wanted(step)}

    def is_done(self, state: State, step: Step) -> bool:
        """Whether they are so."""
        return bool(state["exists"]) and all(state[name] == value for name, value in self._wanted(step).items())

    def changed(self, state: State, step: Step) -> str | None:
        """Whether somebody else changed one of them since."""
        before = step.before or {}
        for name in self._wanted(step):
            if name in before and before[name] != state[name]:
                return f"Changed since the plan was made: {name} was {before[name]}, now {state[name]}."
        return None

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Set them."""
        patch(writer, step, self._wanted(step), WRITE)
        return None

    def after(self, step: Step) -> State:
        """The new values."""
        wanted: State = dict(self._wanted(step))
        # The steps about licences call it so.
        return {**wanted, "usage_location": wanted["usageLocation"]} if "usageLocation" in wanted else wanted

    def undo(self, step: Step) -> str:
        """Setting the former values."""
        former = [f"{name}={(step.before or {}).get(name) or ''}" for name in self._wanted(step)]
        options = " ".join(f'--set "{item}"' for item in former)
        return f"m365-usage actions plan --user {step.target.user_principal_name} {options}"

    @staticmethod
    def _wanted(step: Step) -> dict[str, str | None]:
        found = {name: step.parameters[name] or None for name in ATTRIBUTES if name in step.parameters}
        if not found:
            raise ActionError("The step names no attribute to set.")
        return found


class SetUserType(_Account):
    """Make a guest a member, or a member a guest."""

    name = "set_user_type"
    words = "set user type"
    permissions = (WRITE,)
    watched: ClassVar = {"user_type": "the user type"}

    def seen(self, client: GraphClient, raw: dict[str, Any], step: Step) -> State:
        """The type."""
        return {"user_type": raw.get("userType")}

    def is_done(self, state: State, step: Step) -> bool:
        """Whether it is so."""
        return bool(state["exists"]) and state["user_type"] == step.parameters["user_type"]

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Set it."""
        patch(writer, step, {"userType": step.parameters["user_type"]}, WRITE)
        return None

    def after(self, step: Step) -> State:
        """The new type."""
        return {"user_type": step.parameters["user_type"]}

    def undo(self, step: Step) -> str:
        """Setting the former type."""
        former = (step.before or {}).get("user_type") or "Member"
        return f"m365-usage actions plan --user {step.target.user_principal_name} --user-type {former}"


ALL: Sequence[Action] = (
    DisableAccount(),
    EnableAccount(),
    RevokeSessions(),
    SetManager(),
    SetAttributes(),
    SetUserType(),
)
