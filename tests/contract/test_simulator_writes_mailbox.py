"""Mailboxes of the simulated tenant: automatic replies and rules, and the people who have none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pipelines.simulator import ACTIONS_APP, SimulatorServer, Tenant, TenantSpec
from pipelines.simulator import skus as catalog
from tests.contract.writing import Json, Writer, holder, refusal

SPEC = TenantSpec(users=60, today=date(2026, 9, 14))
NO_MAILBOX = (404, "MailboxNotEnabledForRESTAPI")


def rule(address: str) -> Json:
    return {
        "displayName": "Forward to the manager",
        "sequence": 1,
        "isEnabled": True,
        "actions": {"forwardTo": [{"emailAddress": {"name": "M", "address": address}}], "stopProcessingRules": False},
    }


def test_automatic_replies(server: SimulatorServer, writer: Writer) -> None:
    path = f"/users/{holder(server.tenant)['id']}/mailboxSettings"
    before = writer.get(path)
    assert before["automaticRepliesSetting"]["status"] == "disabled"
    wanted = {"status": "alwaysEnabled", "internalReplyMessage": "I have left.", "externalReplyMessage": "I have left."}
    assert writer.ask("PATCH", path, {"automaticRepliesSetting": wanted}).status_code == 200
    after = writer.get(path)
    assert after["automaticRepliesSetting"] == before["automaticRepliesSetting"] | wanted
    assert {n: v for n, v in after.items() if n != "automaticRepliesSetting"} == {
        n: v for n, v in before.items() if n != "automaticRepliesSetting"
    }
    only = writer.get(f"{path}/automaticRepliesSetting")
    assert only.items() >= wanted.items()
    assert set(writer.get(f"{path}?$select=automaticRepliesSetting")) == {"@odata.context", "automaticRepliesSetting"}
    for odd in ({"status": "maybe"}, {"externalAudience": "some"}, {"nonsense": 1}):
        answer = writer.ask("PATCH", path, {"automaticRepliesSetting": odd})
        assert refusal(answer)[:2] == (400, "ErrorInvalidArgument")
    turned = {
        "status": "scheduled",
        "scheduledStartDateTime": {"dateTime": "2026-10-02T00:00:00", "timeZone": "UTC"},
        "scheduledEndDateTime": {"dateTime": "2026-10-01T00:00:00", "timeZone": "UTC"},
    }
    assert refusal(writer.ask("PATCH", path, {"automaticRepliesSetting": turned}))[0] == 400
    assert writer.get(path) == after


def test_rules_are_made_changed_and_deleted(server: SimulatorServer, writer: Writer) -> None:
    path = f"/users/{holder(server.tenant)['userPrincipalName']}/mailFolders/inbox/messageRules"
    assert writer.items(path) == []
    made = writer.ask("POST", path, rule(f"manager@{SPEC.domain}"))
    assert made.status_code == 201
    (listed,) = writer.items(path)
    assert listed["id"] == made.json()["id"]
    assert listed["actions"]["forwardTo"][0]["emailAddress"]["address"] == f"manager@{SPEC.domain}"
    one = f"{path}/{listed['id']}"
    assert writer.ask("PATCH", one, {"isEnabled": False}).json()["isEnabled"] is False
    assert writer.get(one)["isEnabled"] is False
    assert writer.ask("DELETE", one).status_code == 204
    assert refusal(writer.ask("DELETE", one))[:2] == (404, "ErrorItemNotFound")
    for odd in (rule("nowhere"), rule("a@b") | {"actions": {}}, rule("a@b") | {"displayName": ""}):
        assert refusal(writer.ask("POST", path, odd))[:2] == (400, "ErrorInvalidArgument")
    assert writer.items(path) == []


def test_who_has_no_mailbox(server: SimulatorServer, writer: Writer) -> None:
    person = holder(server.tenant)
    path = f"/users/{person['id']}/mailboxSettings"
    writer.ask("PATCH", path, {"automaticRepliesSetting": {"status": "alwaysEnabled"}})
    assert writer.assign(person["id"], remove=(catalog.E3.sku_id,)).status_code == 200
    assert refusal(writer.ask("GET", path))[:2] == NO_MAILBOX
    assert (
        refusal(writer.ask("POST", f"/users/{person['id']}/mailFolders/inbox/messageRules", rule("a@b")))[:2]
        == NO_MAILBOX
    )
    assert writer.assign(person["id"], add=(catalog.E3.sku_id,)).status_code == 200
    assert writer.get(path)["automaticRepliesSetting"]["status"] == "alwaysEnabled"
    off = (catalog.PLAN_IDS["EXCHANGE_S_ENTERPRISE"],)
    assert writer.assign(person["id"], add=(catalog.E3.sku_id,), off=off).status_code == 200
    assert refusal(writer.ask("GET", path))[:2] == NO_MAILBOX
    guest = next(u for u in server.tenant.users() if u["userType"] == "Guest")
    assert refusal(writer.ask("GET", f"/users/{guest['id']}/mailboxSettings"))[:2] == NO_MAILBOX
    shared = next(u for u in server.tenant.users() if u["mail"] and not u["employeeType"] and u["userType"] == "Member")
    assert writer.get(f"/users/{shared['id']}/mailboxSettings")["userPurpose"] == "shared"
    assert refusal(writer.ask("GET", "/users/nobody/mailboxSettings"))[:2] == (404, "ErrorInvalidUser")


def test_permissions_of_mailboxes(server: SimulatorServer) -> None:
    denied = (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    person = holder(server.tenant)
    reader = Writer(server, server.tenant.spec.apps[0])
    assert refusal(reader.ask("GET", f"/users/{person['id']}/mailboxSettings")) == denied
    app = replace(ACTIONS_APP, permissions=frozenset({"MailboxSettings.Read"}))
    with SimulatorServer(Tenant(replace(SPEC, actions_app=app))) as other:
        writer = Writer(other)
        assert writer.ask("GET", f"/users/{person['id']}/mailboxSettings").status_code == 200
        assert refusal(writer.ask("PATCH", f"/users/{person['id']}/mailboxSettings", {})) == denied
        rules = f"/users/{person['id']}/mailFolders/inbox/messageRules"
        assert refusal(writer.ask("POST", rules, rule("a@b"))) == denied
