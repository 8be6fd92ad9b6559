"""What the tests of the simulator's write side share: a tenant of the module's own SPEC, and a client that writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.simulator import Limits, Pace, SimulatorServer, Tenant
from tests.contract.writing import Writer


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[SimulatorServer]:
    """The tenant of the module's SPEC, new for each test, in which nothing takes time."""
    with SimulatorServer(Tenant(request.module.SPEC), Limits.generous(), pace=Pace.instant()) as running:
        yield running


@pytest.fixture
def writer(server: SimulatorServer) -> Writer:
    """The application that may change the tenant of the server."""
    return Writer(server)
