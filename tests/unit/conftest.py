"""Shared by the unit tests: a quiet environment, deterministic hypothesis, temporary warehouses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from unit_tls import Answer, Seen, TlsStub, open_client, tenant_settings

from pipelines.graph.client import GraphClient
from pipelines.simulator import Limits, SimulatorServer, Tenant, TenantSpec

# The same cases on every run, and no folder of examples left in the working copy.
hypothesis.settings.register_profile("unit", max_examples=80, deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("unit")

_TLS_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting, certificate bundle, proxy or netrc of the machine reaches a test; no .env is found."""
    for name in list(os.environ):
        if name.startswith("M365_") or name in _TLS_VARIABLES or name.lower() in _PROXY_VARIABLES:
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)


@pytest.fixture(scope="session")
def _simulator() -> Iterator[SimulatorServer]:
    spec = TenantSpec(seed=7, users=20, today=date(2026, 8, 31))
    with SimulatorServer(Tenant(spec), Limits.generous()) as server:
        yield server


@pytest.fixture
def server(_simulator: SimulatorServer) -> Iterator[SimulatorServer]:
    """A simulated tenant on TLS, as new: no faults, no memory of requests, nothing changed."""
    tenant = _simulator.tenant
    _simulator.faults.clear()
    _simulator.requests.clear()
    yield _simulator
    _simulator.faults.clear()
    _simulator.tenant = tenant


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[GraphClient]:
    """A client of the simulated tenant that records its naps instead of taking them."""
    with open_client(tenant_settings(server), server.ca_bundle) as opened:
        yield opened


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Callable[..., TlsStub]]:
    """Makes scripted TLS servers that are stopped after the test."""
    made: list[TlsStub] = []

    def make(answer: Callable[[Seen], Answer], **options: Any) -> TlsStub:
        folder = tmp_path / f"stub{len(made)}"
        folder.mkdir()
        made.append(TlsStub(folder, answer, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()
