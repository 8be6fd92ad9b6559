"""Months of daily syncs in one process: a simulated company, the product's own fetching and loading, one dbt build.

    python -m tests.truth.history FOLDER --users 300 --days 120

Everything is as in the product but Dagster: the plan of each day, requests over TLS, landing/, the raw tables. The
clock of landing/ is a simulated one, so files and instants look as they would after all those days.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
from pydantic import SecretStr

from pipelines.defs.transform.project import dbt_variables
from pipelines.settings import Settings, TenantSettings
from pipelines.simulator import Limits, SimulatorServer, Tenant
from pipelines.simulator.spec import TenantSpec
from pipelines.sync.extract import (
    extract_directory,
    extract_report_days,
    extract_report_periods,
    open_fetcher,
    plan_report_days,
    read_report_settings,
)
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.own_lists import load_own_lists
from pipelines.warehouse.rebuild import rebuild_warehouse
from tests.dbt_run import run_dbt

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 10, 30)
ALL_SOURCES = {"users", "deletedUsers", "subscribedSkus", "subscriptions", "organization", "getM365AppUserCounts"}
# Whose past answers are kept as well.
DAILY_SOURCES = {"users", "deletedUsers", "subscribedSkus"}
# Runs begin at this hour (UTC) of their day.
RUN_HOUR = 6
# How often a thrifty history asks for everything and is loaded, in days.
FULL_EVERY = 15


class DailyClock:
    """The instant for landing/: the hour of the run on the day that is simulated, a little later with every call."""

    def __init__(self) -> None:
        self._now = datetime.min.replace(tzinfo=timezone.utc)

    def begin(self, day: date) -> None:
        """From now on it is this day."""
        self._now = datetime(day.year, day.month, day.day, RUN_HOUR, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        self._now += timedelta(milliseconds=10)
        return self._now


@dataclass
class History:
    """A company's data folder after its daily syncs; `tenant` is the company on the last of the days.

    settle_days: as the setting of that name. dbt_dir: where rules/ and dbt's own files are; None: in data_dir.
    days: the days on which a sync was made, oldest first.
    """

    tenant: Tenant
    data_dir: Path
    settle_days: int = 10
    dbt_dir: Path | None = None
    days: list[date] = field(default_factory=list)

    @property
    def warehouse(self) -> Path:
        return self.data_dir / "warehouse.duckdb"

    @property
    def rules_dir(self) -> Path:
        """Where a test puts prices and other lists of the user's own, before `build`."""
        return (self.dbt_dir or self.data_dir) / "rules"

    def settings(self, today: date, **more: Any) -> Settings:
        limits = Limits.generous()
        return Settings(
            _env_file=None,
            data_dir=self.data_dir,
            rules_dir=self.rules_dir,
            today=today,
            settle_days=self.settle_days,
            download_hosts=("127.0.0.1",),
            throttle_requests=limits.report_requests,
            throttle_tenant_requests=limits.tenant_report_requests,
            **more,
        )

    def rebuilt(self, data_dir: Path) -> History:
        """The same history with a warehouse made anew from landing/, in another folder; dbt not yet run."""
        again = replace(self, data_dir=data_dir, dbt_dir=self.dbt_dir or self.data_dir)
        rebuild_warehouse(again.warehouse, Landing(self.data_dir / "landing"), wait_seconds=60)
        return again

    def build(self, *arguments: str) -> None:
        """Load the user's own lists and run dbt once, with the variables that the job gives it."""
        settings, dbt_dir = self.settings(self.tenant.spec.today), self.dbt_dir or self.data_dir
        with open_warehouse(self.warehouse, wait_seconds=60) as con:
            load_own_lists(con, self.rules_dir)
        done = run_dbt(
            self.warehouse,
            *("build", "--quiet", "--exclude-resource-type", "unit_test", *arguments),
            today=settings.today_utc,
            folder=dbt_dir,
            variables=dbt_variables(settings),
            timeout=900,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            con.execute("set timezone = 'UTC'")
            return con.execute(sql, parameters or None).fetchall()

    def table(self, name: str) -> list[dict[str, Any]]:
        """All rows of a table, each as a dictionary."""
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            con.execute("set timezone = 'UTC'")
            found = con.execute(f"select * from {name}")
            columns = [column[0] for column in found.description or []]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


@contextmanager
def served(tenant: Tenant, folder: Path) -> Iterator[SimulatorServer]:
    """The tenant over TLS, never throttled, whatever proxy the environment names."""
    directly = {"NO_PROXY": "localhost,127.0.0.1"}
    with patch.dict(os.environ, directly), SimulatorServer(tenant, Limits.generous(), cert_dir=folder) as server:
        yield server


@contextmanager
def loading(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, open for all the days, set for thousands of small statements: planning them costs the most."""
    with open_warehouse(warehouse, wait_seconds=60) as con:
        con.execute("set threads = 1")
        con.execute("set disabled_optimizers = 'expression_rewriter,common_subexpressions'")
        yield con


def simulate(
    tenant: Tenant,
    data_dir: Path,
    days: int,
    *,
    settle_days: int = 10,
    thrifty: bool = False,
    skip: Callable[[date], bool] = lambda _: False,
    on_day: Callable[[date], None] = lambda _: None,
) -> History:
    """Sync a company daily, the last time on the tenant's own day; returns its history, dbt not yet run.

    settle_days: at what age a day counts as settled; with fewer, far fewer days are fetched again. thrifty: leave
    out what a later answer replaces without a trace, namely all period snapshots but the last of each month.
    skip: the days on which nobody runs the sync.
    """
    history = History(tenant, data_dir, settle_days)
    landing = Landing(data_dir / "landing", clock=(clock := DailyClock()))
    last = tenant.spec.today
    with served(tenant, data_dir / "simulator") as server, loading(history.warehouse) as con:
        target = _tenant_settings(server)
        settings = history.settings(last, ca_bundle=server.ca_bundle)
        for number in range(days):
            day = last - timedelta(days=days - 1 - number)
            if skip(day):
                continue
            clock.begin(day)
            server.tenant = tenant.with_today(day)
            is_full = not thrifty or day == last or number % FULL_EVERY == 0
            with_everything = is_full or _is_month_end(day - timedelta(days=2))
            _fetch(settings.model_copy(update={"today": day}), target, landing, with_everything=with_everything)
            if is_full:
                load_pending(con, landing)
            history.days.append(day)
            on_day(day)
    return history


def _tenant_settings(server: SimulatorServer) -> TenantSettings:
    spec = server.tenant.spec
    settings = Settings(
        _env_file=None,
        tenant_id=spec.tenant_id,
        client_id=spec.client_id,
        client_secret=SecretStr(spec.client_secret),
        authority_url=server.authority_url,
        graph_url=server.graph_url,
    )
    return settings.tenants()[0]


def _is_month_end(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def _fetch(settings: Settings, target: TenantSettings, landing: Landing, *, with_everything: bool) -> None:
    """What one day's run asks for, in the order of the job."""
    run_id = f"run-{settings.today}"
    with open_fetcher(settings, target, landing, run_id=run_id, sleep=time.sleep) as fetcher:
        if with_everything:
            read_report_settings(fetcher)
        extract_report_days(fetcher, plan_report_days(settings, target, landing))
        if with_everything:
            extract_report_periods(fetcher)
        extract_directory(fetcher, settings, ALL_SOURCES if with_everything else DAILY_SOURCES)


def main() -> None:
    """Leave a simulated history in a folder, for looking at."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    tenant = Tenant(TenantSpec(seed=chosen.seed, users=chosen.users, today=TODAY))
    begun = time.monotonic()
    history = simulate(tenant, chosen.folder, chosen.days)
    print(f"{len(history.days)} days in {time.monotonic() - begun:.1f} s: {history.warehouse}")


if __name__ == "__main__":
    main()
