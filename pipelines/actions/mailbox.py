"""A leaver's mailbox: the automatic reply, and the rule that forwards what comes in.

Source: Graph v1.0 ``user: update mailboxSettings`` and ``mailFolder: create rule``. Both live in the mailbox: they end
when it does, which is some time after the licence that carries it is gone.
"""

from __future__ import annotations

import html
import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from pipelines.actions.base import Action, ActionError, Help, State
from pipelines.actions.people import person_of
from pipelines.actions.plan import Step
from pipelines.graph.client import GraphClient
from pipelines.graph.objects import find_object, read_collection, segment
from pipelines.graph.write import GraphWriter

WRITE = "MailboxSettings.ReadWrite"
NO_MAILBOX = "The person has no mailbox in Exchange Online."
_TAG = re.compile(r"<[^>]*>")


class _Mailbox(Action):
    permissions = (WRITE, "User.Read.All")

    def read(self, client: GraphClient, step: Step) -> State:
        """What of the mailbox the action is about."""
        person = person_of(client, step)
        if person is None:
            return {"exists": False}
        path = f"users/{segment(person.user_id)}/mailboxSettings"
        found = find_object(client, path, "reading mailbox settings", permission=WRITE)
        if found is None:
            return {"exists": True, "has_mailbox": False}
        return {"exists": True, "has_mailbox": True, **self.seen(client, person.user_id, found)}

    @abstractmethod
    def seen(self, client: GraphClient, user_id: str, settings: dict[str, Any]) -> State:
        """What else the action looks at."""

    def refusal(self, state: State, step: Step) -> str | None:
        """What stands in the way."""
        if state["exists"] and not state["has_mailbox"]:
            return NO_MAILBOX
        return super().refusal(state, step)


class SetAutomaticReply(_Mailbox):
    """Answer every message with a text, inside and outside of the organisation; an empty text turns it off."""

    name = "set_automatic_reply"
    words = "automatic reply"
    # Somebody who set a reply of their own since is not to lose it.
    watched: ClassVar = {
        "status": "whether there is an automatic reply",
        "internal": "the reply inside of the organisation",
        "external": "the reply outside of it",
    }

    def seen(self, client: GraphClient, user_id: str, settings: dict[str, Any]) -> State:
        """The reply that is set."""
        reply = settings.get("automaticRepliesSetting") or {}
        return {
            "status": reply.get("status"),
            "internal": _plain(reply.get("internalReplyMessage")),
            "external": _plain(reply.get("externalReplyMessage")),
        }

    def is_done(self, state: State, step: Step) -> bool:
        """Whether this text is sent, or none where none is wanted."""
        text = _words(step.parameters["message"])
        if not state["exists"] or not state["has_mailbox"]:
            return False
        if not text:
            return bool(state["status"] == "disabled")
        return bool(state["status"] == "alwaysEnabled" and state["internal"] == text == state["external"])

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Set it."""
        text = str(step.parameters["message"])
        reply = {"status": "disabled"}
        if _words(text):
            reply = {
                "status": "alwaysEnabled",
                "externalAudience": "all",
                "internalReplyMessage": html.escape(text).replace("\n", "<br>"),
                "externalReplyMessage": html.escape(text).replace("\n", "<br>"),
            }
        path = f"users/{segment(step.target.key)}/mailboxSettings"
        context = writer.context("setting an automatic reply", permission=WRITE)
        writer.write("PATCH", path, context, {"automaticRepliesSetting": reply})
        return None

    def after(self, step: Step) -> State:
        """The reply."""
        text = _words(step.parameters["message"])
        return {"status": "alwaysEnabled", "internal": text, "external": text} if text else {"status": "disabled"}

    def undo(self, step: Step) -> str:
        """Turning it off."""
        return f'm365-usage actions plan --user {step.target.user_principal_name} --reply ""'

    def describe(self, step: Step) -> str:
        """The step with the text."""
        text = _words(step.parameters["message"])
        return f"{self.words}: {text}" if text else "no automatic reply any more"


class AddForwardingRule(_Mailbox):
    """Forward every message to somebody; a copy stays in the mailbox."""

    name = "add_forwarding_rule"
    words = "forward mail"

    def seen(self, client: GraphClient, user_id: str, settings: dict[str, Any]) -> State:
        """To whom everything is forwarded, in lower case."""
        return {"forwards_to": sorted({address for _, address in forwarding(client, user_id)})}

    def is_done(self, state: State, step: Step) -> bool:
        """Whether everything is forwarded there."""
        return bool(state["exists"] and state["has_mailbox"]) and _address(step) in state["forwards_to"]

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Add the rule."""
        address = str(step.parameters["address"])
        recipient = {"address": address, "name": str(step.parameters.get("name") or address)}
        body = {
            "displayName": f"Forward to {address}",
            "sequence": 1,
            "isEnabled": True,
            "actions": {"forwardTo": [{"emailAddress": recipient}], "stopProcessingRules": False},
        }
        context = writer.context("adding a mailbox rule", permission=WRITE)
        writer.write("POST", _rules_path(step.target.key), context, body)
        return None

    def after(self, step: Step) -> State:
        """The address among them."""
        return {"forwards_to": [_address(step)]}

    def undo(self, step: Step) -> str:
        """Removing the rule."""
        name, address = step.target.user_principal_name, step.parameters["address"]
        return f"m365-usage actions plan --user {name} --stop-forwarding-to {address}"

    def describe(self, step: Step) -> str:
        """The step with the address."""
        return f"{self.words} to {step.parameters['address']}"


class RemoveForwardingRule(AddForwardingRule):
    """Forward no longer to somebody."""

    name = "remove_forwarding_rule"
    words = "stop forwarding mail"

    def is_done(self, state: State, step: Step) -> bool:
        """Whether nothing forwards everything there."""
        return bool(state["exists"] and state["has_mailbox"]) and _address(step) not in state["forwards_to"]

    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Remove every rule that forwards everything there, and nothing but."""
        found = [rule_id for rule_id, address in forwarding(writer, step.target.key) if address == _address(step)]
        if not found:
            raise ActionError("The rule is not there any more.")
        for rule_id in found:
            context = writer.context("removing a mailbox rule", permission=WRITE)
            writer.write("DELETE", f"{_rules_path(step.target.key)}/{segment(rule_id)}", context)
        return None

    def after(self, step: Step) -> State:
        """The address not among them."""
        return {"does_not_forward_to": _address(step)}

    def undo(self, step: Step) -> str:
        """Adding the rule."""
        name, address = step.target.user_principal_name, step.parameters["address"]
        return f"m365-usage actions plan --user {name} --forward-to {address}"


def forwarding(client: GraphClient, user_key: str) -> list[tuple[str, str]]:
    """The rules that are on, have no condition and forward: their ids, each with an address in lower case."""
    rules = read_collection(client, _rules_path(user_key), "reading mailbox rules", permission=WRITE)
    found = []
    for rule in rules:
        if not rule.get("isEnabled") or any((rule.get("conditions") or {}).values()):
            continue
        for recipient in (rule.get("actions") or {}).get("forwardTo") or []:
            address = str((recipient.get("emailAddress") or {}).get("address") or "").lower()
            found.append((str(rule.get("id")), address))
    return found


def _rules_path(user_key: str) -> str:
    return f"users/{segment(user_key)}/mailFolders/inbox/messageRules"


def _address(step: Step) -> str:
    return str(step.parameters["address"]).strip().lower()


def _plain(text: object) -> str:
    """The words of a reply: Exchange wraps what it is given in HTML of its own."""
    return _words(html.unescape(_TAG.sub(" ", str(text or ""))))


def _words(text: object) -> str:
    return " ".join(str(text or "").split())


ALL: Sequence[Action] = (SetAutomaticReply(), AddForwardingRule(), RemoveForwardingRule())
