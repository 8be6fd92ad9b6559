"""Shared by the unit tests: a quiet environment, deterministic hypothesis, temporary warehouses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import hypothesis
import pytest
from unit_landing import TENANT, Lander
from unit_reports import report
from unit_tls import Answer, Seen, TlsStub, open_client, tenant_settings

from pipelines.graph.client import GraphClient
from pipelines.simulator import Limits, SimulatorServer, Tenant, TenantSpec
from pipelines.warehouse.load import LoadedFetch, load_pending
from pipelines.warehouse.records import Verdict

# The same cases on every run, and no folder of examples left in the working copy.
hypothesis.settings.register_profile("unit", max_examples=60, deadline=None, database=None, derandomize=True)
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


class House:
    """A warehouse with its landing folder: land answers, load them, look at the tables."""

    def __init__(self, data_dir: Path, con: duckdb.DuckDBPyConnection) -> None:
        self.data_dir = data_dir
        self.con = con
        self.lander = Lander(data_dir)

    def load(self) -> list[LoadedFetch]:
        """Load what is not loaded yet."""
        return load_pending(self.con, self.lander.landing)

    def day(self, report_date: str, *rows: dict[str, str], body: bytes | None = None, **facts: Any) -> Verdict:
        """Land and load one day report; what became of it and why."""
        self.lander.day(report_date, report(*rows) if body is None else body, **facts)
        found = self.only_verdict()
        return Verdict(found.verdict, found.reason)

    def objects(self, source: str, *pages: list[dict[str, Any]], **facts: Any) -> Verdict:
        """Land and load the pages of a directory or licence endpoint."""
        self.lander.objects(source, *pages, **facts)
        return self.only_verdict()

    def only_verdict(self) -> Verdict:
        (loaded,) = self.load()
        assert loaded.verdict is not None
        assert self.lander.verdict(loaded.record) == loaded.verdict
        return loaded.verdict

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, list(values)).fetchall()

    def stored(self, report_date: str, tenant_id: str = TENANT) -> dict[str, tuple[int, ...]]:
        """The stored person-days of a day, by UPN."""
        found = self.rows(
            "select upn, outlook, word, excel, powerpoint, onenote, teams from raw.m365_app_user_days as d "
            "join raw.upn_keys as k on k.upn_key = d.upn_key and k.tenant_id = d.tenant_id "
            "where d.tenant_id = ? and report_date = ?",
            tenant_id,
            report_date,
        )
        assert len({row[0] for row in found}) == len(found)
        return {upn: tuple(values) for upn, *values in found}

    def ledger(self, columns: str) -> list[tuple[Any, ...]]:
        """Columns of the ledger, in the order of loading."""
        return self.rows(f"select {columns} from ledger.fetches order by completed_at, fetch_id")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty warehouse, open; in memory and in one thread, as it is quicker so."""
    with duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": "false"}) as con:
        con.execute("set timezone = 'UTC'")
        con.execute(files("pipelines.warehouse").joinpath("schema.sql").read_text(encoding="utf-8"))
        yield House(tmp_path, con)
