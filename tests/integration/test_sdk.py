"""The simulated tenant as Microsoft's own SDK sees it: a client that we did not write.

pip install -e '.[sdk]'      the packages; without them these tests are skipped
"""

from __future__ import annotations

import asyncio
import csv
import io
import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.simulator import Limits, Rule, SimulatorServer
from tests.integration.conftest import TODAY, tenant

WHY = "msgraph-sdk is not installed: pip install -e '.[sdk]'"
pytest.importorskip("msgraph", reason=WHY)
pytest.importorskip("azure.identity", reason=WHY)

import httpx  # noqa: E402
from azure.identity import ClientSecretCredential  # noqa: E402
from kiota_abstractions.api_error import APIError  # noqa: E402
from kiota_authentication_azure.azure_identity_authentication_provider import (  # noqa: E402
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient  # noqa: E402
from msgraph.generated.users.users_request_builder import UsersRequestBuilder  # noqa: E402
from msgraph_core import GraphClientFactory  # noqa: E402

Work = Callable[[GraphServiceClient], Awaitable[Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorServer]:
    folder = tmp_path_factory.mktemp("simulator")
    with SimulatorServer(tenant(), limits=Limits.generous(), cert_dir=folder) as running:
        yield running


@pytest.fixture
def ask(server: SimulatorServer) -> Iterator[Callable[[Work], Any]]:
    """Does some work with the SDK as it comes: its own sign-in, retries and redirects; only the addresses are ours."""
    server.requests.clear()
    server.faults.clear()

    async def with_client(work: Work) -> Any:
        spec = server.tenant.spec
        credential = ClientSecretCredential(
            spec.tenant_id, spec.client_id, spec.client_secret, authority=server.authority_url,
            disable_instance_discovery=True, connection_verify=str(server.ca_bundle),
        )  # fmt: skip
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=[f"{server.graph_url}/.default"], allowed_hosts=["localhost", f"localhost:{server.port}"]
        )
        transport = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=str(server.ca_bundle)))
        http = GraphClientFactory.create_with_default_middleware(
            client=httpx.AsyncClient(transport=transport, timeout=30, trust_env=False)
        )
        client = GraphServiceClient(request_adapter=GraphRequestAdapter(provider, client=http))
        # Making the client sets the public address.
        client.request_adapter.base_url = f"{server.graph_url}/v1.0"
        try:
            return await work(client)
        finally:
            credential.close()
            # The SDK wraps the transport, and its wrapper closes nothing.
            await transport.aclose()

    yield lambda work: asyncio.run(with_client(work))
    server.faults.clear()


def test_users_come_page_by_page(ask: Callable[[Work], Any], server: SimulatorServer) -> None:
    async def read(client: GraphServiceClient) -> list[Any]:
        parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            select=["id", "userPrincipalName", "department", "assignedLicenses", "licenseAssignmentStates"], top=25
        )
        configuration = UsersRequestBuilder.UsersRequestBuilderGetRequestConfiguration(query_parameters=parameters)
        page = await client.users.get(request_configuration=configuration)
        found = list(page.value)
        while page.odata_next_link:
            page = await client.users.with_url(page.odata_next_link).get()
            found += page.value
        return found

    found = ask(read)
    truth = {user["id"]: user for user in server.tenant.users()}
    assert {user.id for user in found} == truth.keys()
    assert len(found) == len(truth)
    assert len(server.requests.to("/v1.0/users")) == -(-len(truth) // 25)
    for user in found:
        assert user.user_principal_name == truth[user.id]["userPrincipalName"]
        assert user.department == truth[user.id]["department"]
        assert sorted(str(item.sku_id) for item in user.assigned_licenses) == sorted(
            item["skuId"] for item in truth[user.id]["assignedLicenses"]
        )
    states = [state for user in found for state in user.license_assignment_states or []]
    assert {state.state for state in states} >= {"Active"}
    assert all(state.last_updated_date_time for state in states)


def test_skus_are_understood(ask: Callable[[Work], Any], server: SimulatorServer) -> None:
    async def read(client: GraphServiceClient) -> list[Any]:
        return list((await client.subscribed_skus.get()).value)

    found = {str(sku.sku_id): sku for sku in ask(read)}
    truth = {sku["skuId"]: sku for sku in server.tenant.subscribed_skus()}
    assert found.keys() == truth.keys()
    for sku_id, sku in found.items():
        assert sku.consumed_units == truth[sku_id]["consumedUnits"]
        assert sku.prepaid_units.enabled == truth[sku_id]["prepaidUnits"]["enabled"]
        assert {str(plan.service_plan_id) for plan in sku.service_plans} == {
            plan["servicePlanId"] for plan in truth[sku_id]["servicePlans"]
        }


@pytest.mark.parametrize("asked_by", ["date", "period"])
def test_a_report_is_streamed(ask: Callable[[Work], Any], server: SimulatorServer, asked_by: str) -> None:
    """The SDK follows the redirect to the other origin by itself; were its token to come along, it would be refused."""
    day = TODAY - timedelta(days=3)

    async def read(client: GraphServiceClient) -> bytes:
        if asked_by == "date":
            return await client.reports.get_m365_app_user_detail_with_date(day).get()
        return await client.reports.get_m365_app_user_detail_with_period("D7").get()

    body = ask(read)
    expected = server.tenant.report_csv(day) if asked_by == "date" else server.tenant.period_csv("D7")
    assert body == expected
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert len(rows) > 50
    (download,) = server.requests.to("/data/download")
    assert download.status == 200
    assert not download.had_bearer


def test_a_throttled_request_is_asked_again(ask: Callable[[Work], Any], server: SimulatorServer) -> None:
    server.faults.add(Rule(path="/subscribedSkus", status=429, headers={"Retry-After": "1"}))

    async def read(client: GraphServiceClient) -> Any:
        return await client.subscribed_skus.get()

    assert ask(read).value
    assert [record.status for record in server.requests.to("/v1.0/subscribedSkus")] == [429, 200]


def test_a_refusal_is_understood(ask: Callable[[Work], Any], server: SimulatorServer) -> None:
    async def read(client: GraphServiceClient) -> Any:
        return await client.reports.get_m365_app_user_detail_with_date(date(2020, 1, 1)).get()

    with pytest.raises(APIError) as caught:
        ask(read)
    assert caught.value.response_status_code == 400
    assert caught.value.error.code == "InvalidArgument"
