"""A tenant made of files takes writes too: the files stay, what is served changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.simulator import Limits, Pace, SimulatorServer, Tenant, TenantSpec
from tests.contract.writing import Writer, refusal

SPEC = TenantSpec(today=date(2026, 9, 14))
SKU, PLAN, GROUP = (f"{n}1111111-2222-4333-8444-555555555555" for n in "abc")
FILES: dict[str, Any] = {
    "users": [
        {"id": "u1", "userPrincipalName": "a@fabrikam.example", "usageLocation": "DE", "accountEnabled": True},
        {
            "id": "u2",
            "userPrincipalName": "b@fabrikam.example",
            "usageLocation": "DE",
            "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}],
        },
        {
            "id": "u3",
            "userPrincipalName": "c@fabrikam.example",
            "userType": "Member",
            "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}],
            "licenseAssignmentStates": [
                {"skuId": SKU, "disabledPlans": [], "assignedByGroup": GROUP, "state": "Active", "error": "None"}
            ],
        },
    ],
    "subscribedSkus": [
        {
            "id": f"t_{SKU}",
            "skuId": SKU,
            "skuPartNumber": "ONE",
            "appliesTo": "User",
            "consumedUnits": 2,
            "prepaidUnits": {"enabled": 3, "warning": 0, "suspended": 0, "lockedOut": 0},
            "servicePlans": [
                {"servicePlanId": PLAN, "servicePlanName": "EXCHANGE_S_STANDARD", "appliesTo": "User"},
                {"servicePlanId": PLAN[::-1], "servicePlanName": "SHAREPOINTSTANDARD", "appliesTo": "User"},
            ],
        }
    ],
    "groups": [{"id": GROUP, "displayName": "LIC-ONE", "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}]}],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SimulatorServer]:
    for name, content in FILES.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    with SimulatorServer(Tenant.from_fixtures(tmp_path, SPEC), Limits.generous(), pace=Pace.instant()) as running:
        yield running
    assert {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in FILES} == FILES


def test_licences_units_and_groups(writer: Writer) -> None:
    assert writer.consumed(SKU) == 2
    assert writer.assign("u1", add=(SKU,)).status_code == 200
    assert writer.consumed(SKU) == 3
    assert [state["assignedByGroup"] for state in writer.user("u1")["licenseAssignmentStates"]] == [None]
    assert writer.assign("b@fabrikam.example", remove=(SKU,)).status_code == 200
    assert writer.user("u2")["assignedLicenses"] == []
    assert refusal(writer.assign("u3", remove=(SKU,)))[2].startswith("User license is inherited")
    assert [member["id"] for member in writer.items(f"/groups/{GROUP}/members")] == ["u3"]
    assert writer.leave(GROUP, "u3").status_code == 204
    assert writer.join(GROUP, "u2").status_code == 204
    assert (writer.user("u3")["assignedLicenses"], writer.consumed(SKU)) == ([], 2)
    assert [state["assignedByGroup"] for state in writer.user("u2")["licenseAssignmentStates"]] == [GROUP]


def test_accounts(server: SimulatorServer, writer: Writer) -> None:
    assert writer.ask("PATCH", "/users/u1", {"accountEnabled": False}).status_code == 204
    assert writer.user("u1")["accountEnabled"] is False
    assert writer.ask("DELETE", "/users/u2").status_code == 204
    assert [item["id"] for item in writer.items("/directory/deletedItems/microsoft.graph.user")] == ["u2"]
    assert writer.consumed(SKU) == 1
    body = {
        "accountEnabled": True,
        "displayName": "New",
        "mailNickname": "b",
        "userPrincipalName": "B@fabrikam.example",
        "passwordProfile": {"password": "Correct-Horse-7"},
    }
    assert writer.ask("POST", "/users", body).status_code == 201
    assert writer.ask("POST", "/directory/deletedItems/u2/restore").status_code == 400
    assert len(server.tenant.users()) == 3
    assert writer.ask("GET", "/users/u3/mailboxSettings").status_code == 200
    assert refusal(writer.ask("GET", "/users/u1/mailboxSettings"))[1] == "MailboxNotEnabledForRESTAPI"
    assert refusal(writer.ask("GET", "/users/u3/drive"))[:2] == (404, "ResourceNotFound")
