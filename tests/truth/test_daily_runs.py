"""The whole job, run day after day as the schedule would: every release tells the truth of its day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.simulator import Limits, SimulatorServer, Tenant, TenantSpec
from tests.integration.conftest import Rig
from tests.truth.conftest import periods, true_periods, write_rules
from tests.truth.expected import Company
from tests.truth.history import TODAY


class Published:
    """The release that readers see."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "published_admin" / "m365_usage.duckdb"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self._path.resolve()), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.mark.soak
@pytest.mark.timeout(8 * 3600)
@pytest.mark.parametrize("days", [5, 120])
def test_daily_runs_tell_the_truth(days: int, tmp_path: Path) -> None:
    tenant = Tenant(TenantSpec(seed=5, users=60, today=TODAY))
    first = TODAY - timedelta(days=days - 1)
    published = Published(tmp_path)
    with SimulatorServer(tenant, Limits.generous(), cert_dir=tmp_path / "simulator") as server:
        rig = Rig(server, tmp_path)
        write_rules(tmp_path / "rules", Company(tenant.with_today(first), first))
        for number in range(days):
            day = first + timedelta(days=number)
            server.tenant = tenant.with_today(day)
            done = rig.command("sync")
            assert done.returncode == 0, f"{day}: {done.stderr[-3000:]}"
            assert_truth(published, Company(server.tenant, first), number + 1)


def assert_truth(published: Published, company: Company, runs: int) -> None:
    """What the release says of its day: people's use, who holds what, what can be taken back."""
    today = company.today
    assert published.query("select data_through, (select count(*) from sync_runs) from tenants") == [
        (company.last_day, runs)
    ]
    used = published.query(
        "select d.report_date, u.user_id, d.app from user_app_days as d inner join users as u using (user_key)"
    )
    assert set(used) == true_use(company), today
    assert periods(published) == true_periods(company), today
    wasted = published.query(
        "select u.user_id, r.sku_id, r.reason from reclaimable_licenses as r inner join users as u using (user_key)"
    )
    assert set(wasted) == {(user, sku, reason) for (user, sku), reason in company.waste(today).items()}, today


def true_use(company: Company) -> set[tuple[date, str, str]]:
    """(day, person, app) of all collected days."""
    return {
        (day, user_id, app)
        for day in company.days(company.first_day, company.last_day)
        for user_id, apps in company.use[day].items()
        for app in apps
    }
