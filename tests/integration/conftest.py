"""A workplace of its own for each test: settings, simulated tenants over TLS, and the real steps of a sync."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from pipelines.defs.transform.project import TESTED_ELSEWHERE
from pipelines.settings import Settings, TenantSettings
from pipelines.simulator import Limits, SimulatorServer, Tenant, TenantSpec
from pipelines.sync.extract import (
    DayExtract,
    extract_directory,
    extract_report_days,
    open_fetcher,
    plan_report_days,
    read_report_settings,
)
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import LoadedFetch, load_pending
from tests.dbt_run import run_dbt

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 10, 30)
ALL_SOURCES = {"users", "deletedUsers", "subscribedSkus", "subscriptions", "organization", "getM365AppUserCounts"}
# Microsoft's shape, 14 and 40 requests, in windows short enough for tests.
SHORT_LIMITS = Limits(window_seconds=1.0)


@dataclass
class Rig:
    """One data folder and one server; every step is the product's own."""

    server: SimulatorServer
    data_dir: Path
    overrides: dict[str, object] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        tenant = self.server.tenant
        return Settings(
            _env_file=None,
            data_dir=self.data_dir,
            today=tenant.spec.today,
            ca_bundle=self.server.ca_bundle,
            download_hosts=("127.0.0.1",),
            **{
                "throttle_window_seconds": SHORT_LIMITS.window_seconds,
                "directory_page_size": 100,
                **self.overrides,
            },
        )

    def tenant_settings(self, tenant: Tenant) -> TenantSettings:
        base = Settings(
            _env_file=None,
            tenant_id=tenant.spec.tenant_id,
            client_id=tenant.spec.client_id,
            client_secret=SecretStr(tenant.spec.client_secret),
            authority_url=self.server.authority_url,
            graph_url=self.server.graph_url,
        )
        return base.tenants()[0]

    def extract(self, tenant: Tenant | None = None, *, full: bool = False, run_id: str = "run") -> DayExtract:
        tenant = tenant or self.server.tenant
        settings, target, landing = self.settings, self.tenant_settings(tenant), Landing(self.data_dir / "landing")
        with open_fetcher(settings, target, landing, run_id=run_id, sleep=time.sleep) as fetcher:
            read_report_settings(fetcher)
        plan = plan_report_days(settings, target, landing, full=full)
        with open_fetcher(settings, target, landing, run_id=run_id, sleep=time.sleep) as fetcher:
            days = extract_report_days(fetcher, plan)
            extract_directory(fetcher, settings, ALL_SOURCES)
        return days

    def load(self) -> list[LoadedFetch]:
        with open_warehouse(self.data_dir / "warehouse.duckdb") as con:
            return load_pending(con, Landing(self.data_dir / "landing"))

    def build(self) -> None:
        """The dbt build, by the command line that Dagster runs too; what it leaves to tests/contract is left here."""
        done = run_dbt(
            self.data_dir / "warehouse.duckdb",
            *("build", "--quiet", "--exclude-resource-type", "unit_test", "--exclude", *TESTED_ELSEWHERE),
            today=self.server.tenant.spec.today,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.data_dir / "warehouse.duckdb"), read_only=True) as con:
            return con.execute(sql).fetchall()

    def environment(self) -> dict[str, str]:
        """The environment in which a user would run the command against this server."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("M365_", "DAGSTER_"))}
        return {**kept, **self.server.settings(), "M365_DATA_DIR": str(self.data_dir), "COLUMNS": "200"}

    def command(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run m365-usage as a user would."""
        return subprocess.run(
            [str(Path(sys.executable).with_name("m365-usage")), *arguments],
            env={**self.environment(), **extra},
            cwd=self.data_dir,
            capture_output=True,
            text=True,
            check=False,
        )


def tenant(seed: int = 1, **facts: object) -> Tenant:
    """A made-up company; other seeds are other tenants with ids of their own."""
    spec = TenantSpec(seed=seed, users=120, today=TODAY)
    if seed != 1:
        spec = replace(spec, tenant_id=f"{seed:08d}-7e84-4f6a-9d0b-3c2e1f408a97")
    return Tenant(replace(spec, **facts))


@pytest.fixture(scope="module")
def make_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Rig]]:
    servers: list[SimulatorServer] = []

    def make(*tenants: Tenant, limits: Limits = SHORT_LIMITS) -> Rig:
        data_dir = tmp_path_factory.mktemp("data")
        server = SimulatorServer(list(tenants), limits=limits, cert_dir=data_dir / "simulator")
        server.start()
        servers.append(server)
        return Rig(server, data_dir)

    yield make
    for server in servers:
        server.stop()
