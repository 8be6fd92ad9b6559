"""A client that writes to the simulated tenant, knowing nothing of it: a token by MSAL, requests by requests.

Fixtures on top of it stand in conftest.py.
"""

from __future__ import annotations

from typing import Any

import msal
import requests

from pipelines.simulator import AppRegistration, SimulatorServer, Tenant
from pipelines.simulator import skus as catalog

Answer = requests.Response
Json = dict[str, Any]


class Writer:
    """One application over the TLS socket; redirects are left alone."""

    def __init__(self, server: SimulatorServer, app: AppRegistration | None = None) -> None:
        self.server = server
        spec = server.tenant.spec
        self.app = app or spec.actions_app or spec.apps[0]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(server.ca_bundle)
        application = msal.ConfidentialClientApplication(
            self.app.client_id,
            client_credential=self.app.client_secret,
            authority=f"{server.authority_url}/{spec.tenant_id}",
            instance_discovery=False,
            http_client=self.session,
        )
        answer = application.acquire_token_for_client([f"{server.graph_url}/.default"])
        self.token = str(answer["access_token"])

    def ask(self, method: str, path: str, json: Any = None, **headers: str) -> Answer:
        url = path if path.startswith("https://") else f"{self.server.graph_url}/v1.0{path}"
        sent = {"Authorization": f"Bearer {self.token}", **{n.replace("_", "-"): v for n, v in headers.items()}}
        return self.session.request(method, url, json=json, headers=sent, allow_redirects=False, timeout=20)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        url: str | None = path
        while url is not None:
            page = self.get(url)
            found += page["value"]
            url = page.get("@odata.nextLink")
        return found

    def user(self, key: str) -> dict[str, Any]:
        names = (
            "id,userPrincipalName,displayName,department,accountEnabled,userType,usageLocation,assignedLicenses,"
            "assignedPlans,licenseAssignmentStates,onPremisesSyncEnabled"
        )
        return dict(self.get(f"/users/{key}?$select={names}"))

    def assign(
        self, key: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), off: tuple[str, ...] = ()
    ) -> Answer:
        body = {
            "addLicenses": [{"skuId": sku, "disabledPlans": list(off)} for sku in add],
            "removeLicenses": list(remove),
        }
        return self.ask("POST", f"/users/{key}/assignLicense", body)

    def join(self, group: str, user: str) -> Answer:
        link = {"@odata.id": f"{self.server.graph_url}/v1.0/directoryObjects/{user}"}
        return self.ask("POST", f"/groups/{group}/members/$ref", link)

    def leave(self, group: str, user: str) -> Answer:
        return self.ask("DELETE", f"/groups/{group}/members/{user}/$ref")

    def consumed(self, sku: str) -> int:
        return next(int(i["consumedUnits"]) for i in self.get("/subscribedSkus")["value"] if i["skuId"] == sku)


def refusal(answer: Answer) -> tuple[int, str, str]:
    """Status, code and message of an error."""
    error = answer.json()["error"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    return answer.status_code, error["code"], error["message"]


def holders(tenant: Tenant, sku: str = catalog.E3.sku_id) -> list[Json]:
    """Employees who hold this product directly, and nothing else."""
    return [
        user
        for user in tenant.users()
        if user["employeeId"]
        and [(s["skuId"], s["assignedByGroup"]) for s in user["licenseAssignmentStates"]] == [(sku, None)]
    ]


def holder(tenant: Tenant) -> Json:
    """The first of them, with a mailbox and a OneDrive by that product."""
    return holders(tenant)[0]
