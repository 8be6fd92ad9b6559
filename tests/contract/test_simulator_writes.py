"""Accounts, licences and groups of the simulated tenant can be changed as Graph lets them be changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.simulator import ACTION_PERMISSIONS, ACTIONS_APP, Limits, Pace, SimulatorServer, Tenant, TenantSpec
from pipelines.simulator import skus as catalog
from tests.contract.writing import Json, Writer, refusal

TODAY = date(2026, 9, 14)
SPEC = TenantSpec(users=120, today=TODAY)
DENIED = (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
SYNCED = (
    400,
    "Request_BadRequest",
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently "
    "undergoing migration.",
)
PASSWORD = {"forceChangePasswordNextSignIn": True, "password": "Correct-Horse-7"}


@pytest.fixture(scope="module")
def content() -> Tenant:
    return Tenant(SPEC)


def direct(user: Json) -> set[str]:
    return {s["skuId"] for s in user["licenseAssignmentStates"] if s["assignedByGroup"] is None}


def inherited(user: Json) -> set[str]:
    return {s["skuId"] for s in user["licenseAssignmentStates"] if s["assignedByGroup"] is not None}


def one(tenant: Tenant, wanted: Any) -> Json:
    """The first employee for whom it is true, nobody's administrator."""
    admins = tenant.admins()
    return next(u for u in tenant.users() if u["employeeId"] and u["id"] not in admins and wanted(u))


def missing(key: str) -> tuple[int, str, str]:
    text = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    return 404, "Request_ResourceNotFound", text


def bad(message: str) -> tuple[int, str, str]:
    return 400, "Request_BadRequest", message


# Accounts


def test_an_account_is_disabled_and_enabled_again(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: u["accountEnabled"] and u["onPremisesSyncEnabled"])
    before = writer.user(person["id"])
    assert writer.ask("PATCH", f"/users/{person['userPrincipalName']}", {"accountEnabled": False}).status_code == 204
    assert writer.user(person["id"]) == before | {"accountEnabled": False}
    listed = {u["id"]: u["accountEnabled"] for u in writer.items("/users?$select=id,accountEnabled&$top=999")}
    assert listed[person["id"]] is False
    assert writer.ask("PATCH", f"/users/{person['id']}", {"accountEnabled": True}).status_code == 204
    assert writer.user(person["id"]) == before


def test_what_comes_from_on_premises_is_refused(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: u["onPremisesSyncEnabled"] and u.get("manager"))
    for body in ({"department": "Sales"}, {"displayName": "Somebody Else"}, {"accountEnabled": True, "jobTitle": "x"}):
        assert refusal(writer.ask("PATCH", f"/users/{person['id']}", body)) == SYNCED
    link = {"@odata.id": f"{server.graph_url}/v1.0/users/{person['manager']['id']}"}
    assert refusal(writer.ask("PUT", f"/users/{person['id']}/manager/$ref", link)) == SYNCED
    assert refusal(writer.ask("DELETE", f"/users/{person['id']}/manager/$ref")) == SYNCED
    body = {"usageLocation": "FR", "userType": "Guest"}
    assert writer.ask("PATCH", f"/users/{person['id']}", body).status_code == 204
    assert writer.user(person["id"]).items() >= body.items()


def test_a_user_is_created_without_licences_groups_or_use(server: SimulatorServer, writer: Writer) -> None:
    body = {
        "accountEnabled": True,
        "displayName": "Nora Newcomer",
        "mailNickname": "nora.newcomer",
        "userPrincipalName": f"Nora.Newcomer@{SPEC.domain}",
        "usageLocation": "DE",
        "department": "Finance",
        "passwordProfile": PASSWORD,
    }
    answer = writer.ask("POST", "/users", body)
    assert answer.status_code == 201
    assert "Correct-Horse" not in answer.text
    made = writer.user(f"nora.newcomer@{SPEC.domain}")
    assert made["id"] == answer.json()["id"]
    assert (made["displayName"], made["department"], made["usageLocation"]) == ("Nora Newcomer", "Finance", "DE")
    assert made["assignedLicenses"] == made["licenseAssignmentStates"] == []
    assert made["onPremisesSyncEnabled"] is None
    assert writer.items(f"/users/{made['id']}/memberOf/microsoft.graph.group?$select=id") == []
    assert writer.ask("GET", f"/users/{made['id']}/manager").status_code == 404
    assert refusal(writer.ask("POST", "/users", body)) == bad(
        "Another object with the same value for property userPrincipalName already exists."
    )
    assert len(server.tenant.users()) == len(Tenant(SPEC).users()) + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"displayName": None}, "A value is required for property 'displayName' of resource 'User'."),
        ({"passwordProfile": None}, "A value is required for property 'passwordProfile' of resource 'User'."),
        (
            {"passwordProfile": {"password": "weak"}},
            "The specified password does not comply with password complexity requirements. Please provide a different "
            "password.",
        ),
        (
            {"userPrincipalName": "n.n@elsewhere.example"},
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain "
            "names in your organization.",
        ),
        (
            {"userPrincipalName": "no address"},
            "Invalid value specified for property 'userPrincipalName' of resource 'User'.",
        ),
        ({"mailNickname": "a b@c"}, "Invalid value specified for property 'mailNickname' of resource 'User'."),
        ({"usageLocation": "Germany"}, "Invalid value specified for property 'usageLocation' of resource 'User'."),
        ({"accountEnabled": "yes"}, "Invalid value specified for property 'accountEnabled' of resource 'User'."),
        ({"nonsense": 1}, "Could not find a property named 'nonsense' on type 'microsoft.graph.user'."),
    ],
)
def test_a_user_that_cannot_be_created(server: SimulatorServer, writer: Writer, changes: Json, message: str) -> None:
    body = {
        "accountEnabled": True,
        "displayName": "N N",
        "mailNickname": "n.n",
        "userPrincipalName": f"n.n@{SPEC.domain}",
        "passwordProfile": PASSWORD,
    }
    assert refusal(writer.ask("POST", "/users", body | changes)) == bad(message)
    assert server.tenant.user(f"n.n@{SPEC.domain}") is None


def test_an_address_that_is_somebodys_alias_is_taken(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: len(u["proxyAddresses"]) > 1)
    alias = next(a.split(":")[1] for a in person["proxyAddresses"] if a.startswith("smtp:"))
    body = {
        "accountEnabled": True,
        "displayName": "N N",
        "mailNickname": "n.n",
        "userPrincipalName": alias,
        "passwordProfile": PASSWORD,
    }
    assert refusal(writer.ask("POST", "/users", body)) == bad(
        "Another object with the same value for property proxyAddresses already exists."
    )


def test_a_name_of_ones_own_is_not_taken(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: not u["onPremisesSyncEnabled"])
    other = one(server.tenant, lambda u: u["id"] != person["id"])
    name = person["userPrincipalName"].capitalize()
    assert writer.ask("PATCH", f"/users/{person['id']}", {"userPrincipalName": name}).status_code == 204
    assert writer.user(name.lower())["userPrincipalName"] == name
    taken = writer.ask("PATCH", f"/users/{person['id']}", {"userPrincipalName": other["userPrincipalName"].upper()})
    assert refusal(taken) == bad("Another object with the same value for property userPrincipalName already exists.")


def test_administrators_are_out_of_reach(server: SimulatorServer, writer: Writer) -> None:
    admin, role = next(iter(server.tenant.admins().items()))
    assert [r["displayName"] for r in writer.items(f"/users/{admin}/memberOf/microsoft.graph.directoryRole")] == [role]
    assert refusal(writer.ask("PATCH", f"/users/{admin}", {"accountEnabled": False})) == DENIED
    assert refusal(writer.ask("DELETE", f"/users/{admin}")) == DENIED
    assert server.tenant.user(admin) == Tenant(SPEC).user(admin)


def test_a_deleted_user_can_be_restored_for_thirty_days(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: catalog.E5.sku_id in inherited(u) and u.get("manager"))
    before, manager = writer.user(person["id"]), writer.get(f"/users/{person['id']}/manager")["id"]
    groups = writer.items(f"/users/{person['id']}/memberOf/microsoft.graph.group?$select=id")
    units = writer.consumed(catalog.E5.sku_id)
    assert writer.ask("DELETE", f"/users/{person['id']}").status_code == 204
    assert refusal(writer.ask("GET", f"/users/{person['id']}")) == missing(person["id"])
    assert refusal(writer.ask("DELETE", f"/users/{person['id']}")) == missing(person["id"])
    assert person["id"] not in {u["id"] for u in writer.items("/users?$select=id&$top=999")}
    item = writer.get(f"/directory/deletedItems/{person['id']}?$select=id,userPrincipalName,deletedDateTime")
    assert item["userPrincipalName"] == person["id"].replace("-", "") + person["userPrincipalName"]
    assert item["deletedDateTime"].startswith(TODAY.isoformat())
    assert person["id"] in {i["id"] for i in writer.items("/directory/deletedItems/microsoft.graph.user")}
    assert writer.consumed(catalog.E5.sku_id) == units - 1
    members = f"/groups/{groups[0]['id']}/members?$select=id"
    assert person["id"] not in {m["id"] for m in writer.items(members)}
    assert writer.ask("POST", f"/directory/deletedItems/{person['id']}/restore").status_code == 200
    assert writer.user(person["id"]) == before
    assert writer.get(f"/users/{person['id']}/manager")["id"] == manager
    assert person["id"] in {m["id"] for m in writer.items(members)}
    assert writer.consumed(catalog.E5.sku_id) == units
    assert writer.ask("POST", f"/directory/deletedItems/{person['id']}/restore").status_code == 404

    assert writer.ask("DELETE", f"/users/{person['id']}").status_code == 204
    server.tenant = server.tenant.with_today(TODAY + timedelta(days=29))
    assert writer.ask("GET", f"/directory/deletedItems/{person['id']}").status_code == 200
    server.tenant = server.tenant.with_today(TODAY + timedelta(days=30))
    assert writer.ask("POST", f"/directory/deletedItems/{person['id']}/restore").status_code == 404
    assert person["id"] not in {u["id"] for u in writer.items("/users?$select=id&$top=999")}


def test_a_name_given_to_somebody_else_hinders_the_return(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: True)
    assert writer.ask("DELETE", f"/users/{person['id']}").status_code == 204
    body = {
        "accountEnabled": True,
        "displayName": "Same Name",
        "mailNickname": "same.name",
        "userPrincipalName": person["userPrincipalName"],
        "passwordProfile": PASSWORD,
    }
    assert writer.ask("POST", "/users", body).status_code == 201
    assert refusal(writer.ask("POST", f"/directory/deletedItems/{person['id']}/restore")) == bad(
        "Another object with the same value for property userPrincipalName already exists."
    )


def test_somebody_who_left_before_comes_back(server: SimulatorServer, writer: Writer) -> None:
    gone = server.tenant.deleted_users()[0]
    assert writer.ask("POST", f"/directory/deletedItems/{gone['id']}/restore").status_code == 200
    back = writer.user(gone["id"])
    assert back["assignedLicenses"]
    assert gone["userPrincipalName"].endswith(back["userPrincipalName"])
    assert gone["id"] not in {i["id"] for i in writer.items("/directory/deletedItems/microsoft.graph.user")}


def test_managers_are_set_and_taken(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: not u["onPremisesSyncEnabled"] and u.get("manager"))
    manager = one(server.tenant, lambda u: u["id"] not in (person["id"], person["manager"]["id"]))
    path = f"/users/{person['id']}/manager"
    link = {"@odata.id": f"{server.graph_url}/v1.0/users/{manager['id']}"}
    assert writer.ask("PUT", f"{path}/$ref", link).status_code == 204
    assert writer.get(path)["userPrincipalName"] == manager["userPrincipalName"]
    shown = {u["id"]: u for u in writer.items("/users?$select=id&$expand=manager($select=id,displayName)&$top=999")}
    assert shown[person["id"]]["manager"]["displayName"] == manager["displayName"]
    assert writer.ask("DELETE", f"/users/{manager['id']}").status_code == 204
    assert refusal(writer.ask("GET", path)) == missing("manager")
    assert writer.ask("POST", f"/directory/deletedItems/{manager['id']}/restore").status_code == 200
    assert writer.ask("DELETE", f"{path}/$ref").status_code == 204
    assert refusal(writer.ask("DELETE", f"{path}/$ref")) == missing("manager")
    assert refusal(writer.ask("PUT", f"{path}/$ref", {"@odata.id": "https://x/v1.0/users/nobody"})) == missing("nobody")


def test_sessions_are_revoked_and_counted(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: True)
    path = f"/users/{person['id']}?$select=signInSessionsValidFromDateTime"
    assert writer.get(path)["signInSessionsValidFromDateTime"] is None
    for _ in range(2):
        answer = writer.ask("POST", f"/users/{person['id']}/revokeSignInSessions")
        assert (answer.status_code, answer.json()["value"]) == (200, True)
    assert writer.get(path)["signInSessionsValidFromDateTime"].startswith(TODAY.isoformat())
    assert server.tenant.writes.sessions_revoked == {person["id"]: 2}


# Licences


def test_a_direct_licence_is_removed_and_given_again(server: SimulatorServer, writer: Writer) -> None:
    sku = catalog.E3.sku_id
    person = one(server.tenant, lambda u: direct(u) == {sku} and not inherited(u))
    before, units = writer.user(person["id"]), writer.consumed(sku)
    assert writer.assign(person["id"], remove=(sku,)).status_code == 200
    after = writer.user(person["id"])
    assert after["assignedLicenses"] == after["licenseAssignmentStates"] == after["assignedPlans"] == []
    assert after["accountEnabled"] == before["accountEnabled"]
    assert writer.consumed(sku) == units - 1
    assert refusal(writer.assign(person["id"], remove=(sku,))) == bad("User does not have a corresponding license.")
    assert writer.assign(person["userPrincipalName"], add=(sku,)).status_code == 200
    again = writer.user(person["id"])
    assert direct(again) == {sku}
    assert [plan["servicePlanId"] for plan in again["assignedPlans"]]
    assert again["licenseAssignmentStates"][0]["lastUpdatedDateTime"].startswith(TODAY.isoformat())
    assert writer.consumed(sku) == units


def test_an_inherited_licence_cannot_be_removed_directly(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: catalog.E5.sku_id in inherited(u) and not direct(u))
    assert refusal(writer.assign(person["id"], remove=(catalog.E5.sku_id,))) == bad(
        "User license is inherited from a group membership and it cannot be removed directly from the user."
    )


def test_the_direct_licence_of_two_goes_alone(server: SimulatorServer, writer: Writer) -> None:
    sku = catalog.E3.sku_id
    person = one(server.tenant, lambda u: sku in direct(u) & inherited(u))
    units = writer.consumed(sku)
    assert writer.assign(person["id"], remove=(sku,)).status_code == 200
    after = writer.user(person["id"])
    assert sku in inherited(after) - direct(after)
    assert sku in {item["skuId"] for item in after["assignedLicenses"]}
    assert writer.consumed(sku) == units


def test_no_more_units_than_were_bought(server: SimulatorServer, writer: Writer) -> None:
    sku = catalog.COPILOT.sku_id
    item = next(i for i in writer.get("/subscribedSkus")["value"] if i["skuId"] == sku)
    free = item["prepaidUnits"]["enabled"] + item["prepaidUnits"]["warning"] - item["consumedUnits"]
    without = [u for u in server.tenant.users() if u["usageLocation"] and u["employeeId"]]
    without = [u for u in without if sku not in direct(u) | inherited(u)]
    for person in without[:free]:
        assert writer.assign(person["id"], add=(sku,)).status_code == 200
    assert refusal(writer.assign(without[free]["id"], add=(sku,))) == bad(
        f"Subscription with SKU {sku} does not have any available licenses."
    )
    holder = one(server.tenant, lambda u: sku in direct(u) | inherited(u) and u["id"] not in {w["id"] for w in without})
    assert writer.ask("DELETE", f"/users/{holder['id']}").status_code == 204
    assert writer.assign(without[free]["id"], add=(sku,)).status_code == 200


def test_who_has_a_unit_needs_no_other(server: SimulatorServer, writer: Writer) -> None:
    sku = catalog.COPILOT.sku_id
    while True:
        item = next(i for i in writer.get("/subscribedSkus")["value"] if i["skuId"] == sku)
        if item["consumedUnits"] >= item["prepaidUnits"]["enabled"]:
            break
        person = one(server.tenant, lambda u: sku not in direct(u) | inherited(u) and u["usageLocation"])
        assert writer.assign(person["id"], add=(sku,)).status_code == 200
    holder = one(server.tenant, lambda u: sku in inherited(u) & {a["skuId"] for a in u["assignedLicenses"]})
    assert writer.assign(holder["id"], add=(sku,)).status_code == 200
    assert writer.consumed(sku) == item["consumedUnits"]
    plan = catalog.PLAN_IDS["M365_COPILOT_TEAMS"]
    assert writer.assign(holder["id"], add=(sku,), off=(plan,)).status_code == 200
    states = [s for s in writer.user(holder["id"])["licenseAssignmentStates"] if s["skuId"] == sku]
    assert [(s["assignedByGroup"] is None, s["disabledPlans"]) for s in states] == [(False, []), (True, [plan])]
    shown = next(a for a in writer.user(holder["id"])["assignedLicenses"] if a["skuId"] == sku)
    assert shown["disabledPlans"] == []


def test_the_last_unit_goes_to_one_of_many(server: SimulatorServer, writer: Writer) -> None:
    sku = catalog.COPILOT.sku_id
    item = next(i for i in writer.get("/subscribedSkus")["value"] if i["skuId"] == sku)
    free = item["prepaidUnits"]["enabled"] - item["consumedUnits"]
    people = [u for u in server.tenant.users() if u["usageLocation"] and sku not in direct(u) | inherited(u)]
    before = max(free - 1, 0)
    for person in people[:before]:
        assert writer.assign(person["id"], add=(sku,)).status_code == 200
    if not free:
        holder = one(server.tenant, lambda u: sku in {a["skuId"] for a in u["assignedLicenses"]})
        assert writer.ask("DELETE", f"/users/{holder['id']}").status_code == 204
    wanting = [u["id"] for u in people[before : before + 6]]
    writers = [Writer(server) for _ in wanting]
    with ThreadPoolExecutor(len(wanting)) as pool:
        answers = list(pool.map(lambda pair: pair[0].assign(pair[1], add=(sku,)), zip(writers, wanting, strict=True)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400, 400]
    assert writer.consumed(sku) == item["prepaidUnits"]["enabled"]


def test_what_cannot_be_assigned(server: SimulatorServer, writer: Writer) -> None:
    nowhere = next(u for u in server.tenant.users() if u["usageLocation"] is None)
    person = one(server.tenant, lambda u: not direct(u) and inherited(u) == {catalog.F3.sku_id})
    e3, storage = catalog.E3.sku_id, catalog.EXTRA_STORAGE.sku_id
    unknown = "11111111-2222-4333-8444-555555555555"
    assert refusal(writer.assign(nowhere["id"], add=(e3,))) == bad(
        "License assignment cannot be done for user with invalid usage location."
    )
    for sku in (storage, unknown):
        assert refusal(writer.assign(person["id"], add=(sku,))) == bad(
            f"License {sku} does not correspond to a valid company License."
        )
    suspended = catalog.PROJECT_PLAN_3.sku_id
    assert refusal(writer.assign(person["id"], add=(suspended,))) == bad(
        f"Subscription with SKU {suspended} does not have any available licenses."
    )
    assert "does not belong to the license" in refusal(writer.assign(person["id"], add=(e3,), off=(unknown,)))[2]
    assert writer.assign("nobody", add=(e3,)).status_code == 404
    one_array = writer.ask("POST", f"/users/{person['id']}/assignLicense", {"removeLicenses": [e3]})
    assert refusal(one_array)[:2] == (400, "BadRequest")
    assert writer.user(person["id"])["licenseAssignmentStates"] == person["licenseAssignmentStates"]


def test_plans_that_depend_on_each_other_or_exclude_each_other(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: not direct(u) and inherited(u) == {catalog.E5.sku_id})
    assert writer.assign(person["id"], add=(catalog.E3.sku_id,)).status_code == 200
    plain = one(server.tenant, lambda u: direct(u) == {catalog.E3.sku_id} and not inherited(u))
    sharepoint = catalog.PLAN_IDS["SHAREPOINTENTERPRISE"]
    code, _, message = refusal(writer.assign(plain["id"], add=(catalog.E3.sku_id,), off=(sharepoint,)))
    web = catalog.PLAN_IDS["SHAREPOINTWAC"]
    assert (code, message[:79]) == (400, f"License assignment failed because service plan {web}"[:79])
    assert "depends on the service plan(s)" in message
    assert writer.assign(plain["id"], add=(catalog.E3.sku_id,), off=(sharepoint, web)).status_code == 200
    assert {sharepoint, web} == set(writer.user(plain["id"])["assignedLicenses"][0]["disabledPlans"])
    small = catalog.TEAMS_EXPLORATORY.sku_id
    contractor = one(server.tenant, lambda u: small in direct(u))
    assert "are mutually exclusive" in refusal(writer.assign(contractor["id"], add=(catalog.E3.sku_id,)))[2]
    assert writer.assign(contractor["id"], add=(catalog.E3.sku_id,), remove=(small,)).status_code == 200
    assert catalog.E3.sku_id in direct(writer.user(contractor["id"])) - {small}


# Groups


def group_named(writer: Writer, name: str) -> Json:
    return next(g for g in writer.items("/groups?$select=id,displayName,assignedLicenses") if g["displayName"] == name)


def test_groups_have_members_and_give_licences(server: SimulatorServer, writer: Writer) -> None:
    group = group_named(writer, "LIC-M365-E5")
    members = {m["id"] for m in writer.items(f"/groups/{group['id']}/members?$select=id&$top=5")}
    assert members == {m["id"] for m in writer.items(f"/groups/{group['id']}/members/microsoft.graph.user")}
    assert members == {u["id"] for u in server.tenant.users() if catalog.E5.sku_id in inherited(u)}
    whole = writer.get(
        f"/groups/{group['id']}?$select=id,displayName,assignedLicenses,groupTypes,membershipRule,onPremisesSyncEnabled"
    )
    assert whole["assignedLicenses"] == [{"skuId": catalog.E5.sku_id, "disabledPlans": []}]
    assert (whole["groupTypes"], whole["membershipRule"], whole["onPremisesSyncEnabled"]) == ([], None, None)
    person = one(server.tenant, lambda u: u["id"] in members)
    mine = writer.items(f"/users/{person['id']}/memberOf/microsoft.graph.group?$select=id,displayName")
    assert group["id"] in {g["id"] for g in mine}
    assert refusal(writer.ask("GET", "/groups/nothing")) == missing("nothing")


def test_leaving_and_joining_take_and_give_the_licence_after_a_while() -> None:
    now = [1000.0]
    with SimulatorServer(Tenant(SPEC), Limits.generous(), clock=lambda: now[0], pace=Pace(group_licenses=30)) as server:
        writer = Writer(server)
        sku, group = catalog.E5.sku_id, group_named(writer, "LIC-M365-E5")["id"]
        person = one(server.tenant, lambda u: inherited(u) == {sku} and not direct(u))
        units = writer.consumed(sku)
        assert writer.leave(group, person["id"]).status_code == 204
        assert refusal(writer.leave(group, person["id"])) == missing(person["id"])
        assert person["id"] not in {m["id"] for m in writer.items(f"/groups/{group}/members?$select=id")}
        assert inherited(writer.user(person["id"])) == {sku}
        now[0] += 29.9
        assert writer.consumed(sku) == units
        now[0] += 0.1
        assert writer.user(person["id"])["licenseAssignmentStates"] == []
        assert writer.consumed(sku) == units - 1
        assert writer.join(group, person["id"]).status_code == 204
        assert refusal(writer.join(group, person["id"])) == bad(
            "One or more added object references already exist for the following modified properties: 'members'."
        )
        assert writer.user(person["id"])["assignedLicenses"] == []
        now[0] += 30
        assert inherited(writer.user(person["id"])) == {sku}
        assert writer.consumed(sku) == units


def test_joining_a_group_without_units_left_is_an_error_of_the_person(server: SimulatorServer, writer: Writer) -> None:
    sku, group = catalog.COPILOT.sku_id, group_named(writer, "LIC-Copilot")["id"]
    item = next(i for i in writer.get("/subscribedSkus")["value"] if i["skuId"] == sku)
    free = item["prepaidUnits"]["enabled"] + item["prepaidUnits"]["warning"] - item["consumedUnits"]
    people = [u for u in server.tenant.users() if u["usageLocation"] and sku not in direct(u) | inherited(u)]
    for person in people[: free + 1]:
        assert writer.join(group, person["id"]).status_code == 204
        writer.user(person["id"])
    refused = writer.user(people[free]["id"])
    state = next(s for s in refused["licenseAssignmentStates"] if s["assignedByGroup"] == group)
    assert (state["state"], state["error"]) == ("Error", "CountViolation")
    assert sku not in {item["skuId"] for item in refused["assignedLicenses"]}
    holder = people[0] if free else one(server.tenant, lambda u: sku in {a["skuId"] for a in u["assignedLicenses"]})
    assert writer.leave(group, holder["id"]).status_code == 204
    writer.user(holder["id"])
    assert writer.ask("POST", f"/users/{refused['id']}/reprocessLicenseAssignment").status_code == 200
    again = writer.user(refused["id"])["licenseAssignmentStates"]
    assert [s["state"] for s in again if s["assignedByGroup"] == group] == ["Active"]


def test_groups_that_others_keep(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: u["department"] == "Human Resources")
    assert refusal(writer.join(group_named(writer, "DYN-Sales")["id"], person["id"])) == DENIED
    assert refusal(writer.join(group_named(writer, "ADS-Operations")["id"], person["id"])) == SYNCED
    seller = one(server.tenant, lambda u: u["department"] == "Sales")
    assert refusal(writer.leave(group_named(writer, "DYN-Sales")["id"], seller["id"])) == DENIED
    visio = group_named(writer, "LIC-Visio")["id"]
    member = writer.items(f"/groups/{visio}/members?$select=id")[0]
    assert refusal(writer.leave(visio, member["id"])) == SYNCED


def test_a_rule_moves_people_by_itself(server: SimulatorServer, writer: Writer) -> None:
    group = group_named(writer, "DYN-Sales")["id"]
    person = one(server.tenant, lambda u: u["department"] == "Customer Service" and not u["onPremisesSyncEnabled"])
    assert writer.ask("PATCH", f"/users/{person['id']}", {"department": "Sales"}).status_code == 204
    assert person["id"] in {m["id"] for m in writer.items(f"/groups/{group}/members?$select=id")}


def test_without_ref_the_member_itself_is_deleted(server: SimulatorServer, writer: Writer) -> None:
    group = group_named(writer, "SEC-Finance-Files")["id"]
    member = next(m for m in writer.items(f"/groups/{group}/members?$select=id"))
    assert writer.ask("DELETE", f"/groups/{group}/members/{member['id']}").status_code == 204
    assert writer.ask("GET", f"/users/{member['id']}").status_code == 404


# Permissions


def test_the_reading_app_can_change_nothing(server: SimulatorServer) -> None:
    reader = Writer(server, server.tenant.spec.apps[0])
    person = one(server.tenant, lambda u: True)
    group = server.tenant.groups()[0]["id"]
    link = {"@odata.id": f"{server.graph_url}/v1.0/users/{person['id']}"}
    licences = {"addLicenses": [], "removeLicenses": [catalog.E3.sku_id]}
    for method, path, body in (
        ("POST", "/users", {}),
        ("PATCH", f"/users/{person['id']}", {"accountEnabled": False}),
        ("DELETE", f"/users/{person['id']}", None),
        ("POST", f"/directory/deletedItems/{person['id']}/restore", None),
        ("PUT", f"/users/{person['id']}/manager/$ref", link),
        ("DELETE", f"/users/{person['id']}/manager/$ref", None),
        ("POST", f"/users/{person['id']}/revokeSignInSessions", None),
        ("POST", f"/users/{person['id']}/assignLicense", licences),
        ("POST", f"/groups/{group}/members/$ref", link),
        ("DELETE", f"/groups/{group}/members/{person['id']}/$ref", None),
    ):
        assert refusal(reader.ask(method, path, body)) == DENIED, (method, path)
    assert server.tenant.users() == Tenant(SPEC).users()


@pytest.mark.parametrize(
    ("left", "method", "path", "body"),
    [
        ({"User.EnableDisableAccount.All", "User.Read.All"}, "PATCH", "/users/{id}", {"accountEnabled": False}),
        ({"User.DeleteRestore.All"}, "DELETE", "/users/{id}", None),
        ({"User.RevokeSessions.All"}, "POST", "/users/{id}/revokeSignInSessions", None),
        ({"GroupMember.ReadWrite.All"}, "DELETE", "/groups/{group}/members/{id}/$ref", None),
        (
            {"LicenseAssignment.ReadWrite.All"},
            "POST",
            "/users/{id}/assignLicense",
            {"addLicenses": [{"skuId": catalog.POWER_BI_FREE.sku_id}], "removeLicenses": []},
        ),
    ],
)
def test_the_least_permission_is_enough_and_needed(
    content: Tenant, left: set[str], method: str, path: str, body: Json | None
) -> None:
    person = one(content, lambda u: inherited(u) == {catalog.E5.sku_id} and not direct(u))
    group = next(s["assignedByGroup"] for s in person["licenseAssignmentStates"])
    where = path.format(id=person["id"], group=group)
    rest = ACTION_PERMISSIONS - {"User.ReadWrite.All"}
    for permissions, status in ((frozenset(left), 2), (rest - left, 4)):
        app = replace(ACTIONS_APP, permissions=permissions)
        with SimulatorServer(Tenant(replace(SPEC, actions_app=app)), Limits.generous()) as server:
            answer = Writer(server).ask(method, where, body)
            assert answer.status_code // 100 == status, answer.text
            if status == 4:
                assert refusal(answer) == DENIED


def test_settings_name_both_applications(server: SimulatorServer) -> None:
    assert not any("ACTIONS" in name for name in server.settings())
    assert server.action_settings() == {
        "M365_ACTIONS_CLIENT_ID": ACTIONS_APP.client_id,
        "M365_ACTIONS_CLIENT_SECRET": ACTIONS_APP.client_secret,
    }
    with SimulatorServer(Tenant(replace(SPEC, actions_app=None))) as other:
        assert other.action_settings() == {}


def test_bodies_that_do_not_parse(server: SimulatorServer, writer: Writer) -> None:
    person = one(server.tenant, lambda u: True)
    url = f"{server.graph_url}/v1.0/users/{person['id']}"
    headers = {"Authorization": f"Bearer {writer.token}"}
    untyped = writer.session.patch(url, data=b'{"accountEnabled":false}', headers=headers)
    assert refusal(untyped)[2].startswith("Write requests (excluding DELETE) must contain the Content-Type")
    headers["Content-Type"] = "application/json"
    for data in (b"{", b"[]"):
        assert refusal(writer.session.patch(url, data=data, headers=headers))[:2] == (400, "BadRequest")
    assert server.tenant.user(person["id"])["accountEnabled"] == person["accountEnabled"]  # type: ignore[index]
