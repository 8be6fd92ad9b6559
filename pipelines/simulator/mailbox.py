"""Mailboxes on the wire: automatic replies and the rules of the inbox."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from pipelines.simulator import access, dice, odata
from pipelines.simulator.identity import Grant
from pipelines.simulator.overlay import has_mailbox_plan, states_of
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, GraphError, Reply, json_reply, method_not_allowed, unknown_segment
from pipelines.simulator.written import body_of, user_of

Json = dict[str, Any]

STATUSES = ("disabled", "alwaysEnabled", "scheduled")
AUDIENCES = ("none", "contactsOnly", "all")
REPLY = "automaticRepliesSetting"
_FORWARDS = ("forwardTo", "forwardAsAttachmentTo", "redirectTo")
_ACTIONS = frozenset(
    (*_FORWARDS, "assignCategories", "copyToFolder", "delete", "markAsRead", "markImportance", "moveToFolder")
) | {"permanentDelete", "stopProcessingRules"}
_SETTINGS = frozenset({REPLY, "timeZone", "language", "dateFormat", "timeFormat", "workingHours"}) | {
    "archiveFolder",
    "delegateMeetingMessageDeliveryOptions",
    "userPurpose",
}


@dataclass
class Mailbox:
    """What was set in a mailbox since it was first looked at."""

    settings: Json
    rules: dict[str, Json] = field(default_factory=dict)
    made: int = 0


class MailboxApi:
    """`/users/{id}/mailboxSettings` and `/users/{id}/mailFolders/inbox/messageRules`."""

    def serve(self, call: Call, grant: Grant, tenant: Tenant, path: tuple[str, ...]) -> Reply:
        """The answer to a call; `path` begins with `users` and the user's id."""
        access.require_mailbox(grant, access.MAILBOX if call.method == "GET" else access.MAILBOX_WRITE)
        lower = tuple(part.lower() for part in path[2:])
        with tenant.lock:
            box = _mailbox(tenant, path[1])
            match lower:
                case ("mailboxsettings",):
                    return _settings(call, box)
                case ("mailboxsettings", "automaticrepliessetting") if call.method == "GET":
                    return json_reply(200, {**_context("mailboxSettings"), **box.settings[REPLY]})
                case ("mailfolders", "inbox", "messagerules"):
                    return _rules(call, tenant, box, path[1])
                case ("mailfolders", "inbox", "messagerules", _):
                    return _rule(call, box, path[5])
        raise unknown_segment(path[-1])


def has_mailbox(tenant: Tenant, user: Json) -> bool:
    """Whether there is a mailbox: by a licence, or of a shared mailbox or room, which need none."""
    if user.get("userType") != "Member":
        return False
    if not user.get("employeeType") and user.get("mail") and not user.get("accountEnabled"):
        return True
    return has_mailbox_plan(states_of(user), tenant.plans())


def _mailbox(tenant: Tenant, key: str) -> Mailbox:
    try:
        user = user_of(tenant, key)
    except GraphError:
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{key}' is invalid.") from None
    if not has_mailbox(tenant, user):
        raise GraphError(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        )
    user_id = str(user["id"])
    found = tenant.writes.mailboxes.get(user_id)
    if not isinstance(found, Mailbox):
        found = tenant.writes.mailboxes[user_id] = Mailbox(_first_settings(user))
    return found


def _first_settings(user: Json) -> Json:
    moment = {"dateTime": "2026-01-05T08:00:00.0000000", "timeZone": "UTC"}
    return {
        "archiveFolder": dice.guid("archive", user["id"]),
        "timeZone": "W. Europe Standard Time",
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "dd.MM.yyyy",
        "timeFormat": "HH:mm",
        "userPurpose": "user" if user.get("employeeType") else "shared",
        REPLY: {
            "status": "disabled",
            "externalAudience": "all",
            "internalReplyMessage": "",
            "externalReplyMessage": "",
            "scheduledStartDateTime": moment,
            "scheduledEndDateTime": {**moment, "dateTime": "2026-01-06T08:00:00.0000000"},
        },
        "language": {"locale": user.get("preferredLanguage") or "en-US", "displayName": ""},
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": "W. Europe Standard Time"},
        },
    }


def _settings(call: Call, box: Mailbox) -> Reply:
    if call.method == "PATCH":
        content = {name: value for name, value in body_of(call).items() if not name.startswith("@odata.")}
        unknown = content.keys() - _SETTINGS
        if unknown:
            raise _invalid(f"The property '{min(unknown)}' does not exist on type 'microsoft.graph.mailboxSettings'.")
        settings = copy.deepcopy(box.settings) | {name: value for name, value in content.items() if name != REPLY}
        if REPLY in content:
            settings[REPLY] = _reply_setting(settings[REPLY], content[REPLY])
        box.settings = settings
    elif call.method != "GET":
        raise method_not_allowed(call)
    select = call.query.get("$select")
    wanted = None if select is None else {name.strip().lower() for name in select.split(",")}
    shown = {name: value for name, value in box.settings.items() if wanted is None or name.lower() in wanted}
    return json_reply(200, {**_context("mailboxSettings"), **shown})


def _reply_setting(before: Json, wanted: Any) -> Json:
    if not isinstance(wanted, dict) or wanted.keys() - before.keys():
        raise _invalid("The automaticRepliesSetting is not valid.")
    setting: Json = {**before, **wanted}
    if setting["status"] not in STATUSES or setting["externalAudience"] not in AUDIENCES:
        raise _invalid("The status or the externalAudience of the automaticRepliesSetting is not valid.")
    if setting["status"] == "scheduled":
        times = [setting[name] for name in ("scheduledStartDateTime", "scheduledEndDateTime")]
        first, last = (str(item.get("dateTime")) if isinstance(item, dict) else "" for item in times)
        if not first < last:
            raise _invalid("The scheduled end of automatic replies must lie after their start.")
    return setting


def _rules(call: Call, tenant: Tenant, box: Mailbox, key: str) -> Reply:
    context = _context(f"users('{key}')/mailFolders('inbox')/messageRules")
    if call.method == "GET":
        rules = sorted(box.rules.values(), key=lambda rule: int(rule["sequence"]))
        return json_reply(200, {**context, "value": rules})
    if call.method != "POST":
        raise method_not_allowed(call)
    content = body_of(call)
    _check_rule(content)
    box.made += 1
    rule_id = "AQAA" + dice.guid(tenant.spec.seed, "rule", key, box.made).replace("-", "")[:16]
    rule = {
        "id": rule_id,
        "displayName": content["displayName"],
        "sequence": content.get("sequence", len(box.rules) + 1),
        "isEnabled": content.get("isEnabled", True),
        "hasError": False,
        "isReadOnly": False,
        "conditions": content.get("conditions") or {},
        "actions": content["actions"],
        "exceptions": content.get("exceptions") or {},
    }
    box.rules[rule_id] = rule
    return json_reply(201, {**context, **rule})


def _rule(call: Call, box: Mailbox, rule_id: str) -> Reply:
    rule = box.rules.get(rule_id)
    if rule is None:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    if call.method == "DELETE":
        del box.rules[rule_id]
        return Reply(204)
    if call.method == "PATCH":
        changed = rule | {name: value for name, value in body_of(call).items() if name in rule.keys() - {"id"}}
        _check_rule(changed)
        rule = box.rules[rule_id] = changed
    elif call.method != "GET":
        raise method_not_allowed(call)
    return json_reply(200, {**_context("messageRules/$entity"), **rule})


def _check_rule(content: Json) -> None:
    name, actions = content.get("displayName"), content.get("actions")
    if not isinstance(name, str) or not name:
        raise _invalid("The display name of a rule is missing.")
    if not isinstance(actions, dict) or not actions or actions.keys() - _ACTIONS:
        raise _invalid("The actions of a rule are missing or not valid.")
    for action in _FORWARDS:
        for recipient in actions.get(action) or ():
            address = recipient.get("emailAddress") if isinstance(recipient, dict) else None
            if not isinstance(address, dict) or "@" not in str(address.get("address")):
                raise _invalid(f"A recipient of {action} has no valid mail address.")


def _context(what: str) -> Json:
    return {"@odata.context": f"{odata.METADATA}#{what}"}


def _invalid(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidArgument", message)
