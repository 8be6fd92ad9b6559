"""Companies of the simulator whose names are concealed: hashes that last count people, hashes that change do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from pipelines.simulator.columns import APP_MASKS
from pipelines.simulator.reports import concealed
from pipelines.simulator.spec import TenantSpec
from pipelines.simulator.tenant import MadeUpCompany
from tests.contract.test_shared_departments import SCHEMA, TODAY, dbt

NEWEST = date.fromisoformat(TODAY) - timedelta(days=2)
DAYS = [NEWEST - timedelta(days=age) for age in range(35)]


@dataclass(frozen=True)
class Hidden:
    """A company with concealed names, and the salt of each day's hashes."""

    spec: TenantSpec
    salt: Callable[[date], str]

    def rows(self) -> Iterator[tuple[date, str, str]]:
        """(day, hash, name) of everybody who used Outlook."""
        company = MadeUpCompany(self.spec)
        reports = company.reports(self.spec)
        for day in DAYS:
            spec = replace(self.spec, conceal_salt=self.salt(day))
            for use in reports.uses_on(day):
                if use.person is not None and use.mask & APP_MASKS[0]:
                    upn = use.person.name_on(day).upn
                    yield day, concealed(spec, upn), upn


def company(seed: int, users: int, salt: Callable[[date], str] = lambda _: "") -> Hidden:
    today = date.fromisoformat(TODAY)
    return Hidden(TenantSpec(seed=seed, users=users, today=today, is_concealed=True), salt)


TENANTS = {
    "large": company(1, 300),
    "middle": company(2, 120),
    "small": company(3, 40),
    "changed_once": company(1, 120, lambda day: "new" if day >= NEWEST - timedelta(days=13) else "old"),
    "changed_before": company(1, 120, lambda day: "new" if day >= NEWEST - timedelta(days=30) else "old"),
    "changes_daily": company(1, 120, lambda day: day.isoformat()),
}
STABLE = {"large", "middle", "small"}


@pytest.fixture(scope="module")
def people() -> dict[str, dict[date, set[str]]]:
    """Tenant → day → the names behind the hashes."""
    return {name: {day: set() for day in DAYS} for name in TENANTS}


@pytest.fixture(scope="module")
def query(
    tmp_path_factory: pytest.TempPathFactory, people: dict[str, dict[date, set[str]]]
) -> Callable[[str], list[tuple[Any, ...]]]:
    folder = tmp_path_factory.mktemp("concealed")
    keys: dict[tuple[str, str], int] = {}
    uses: list[tuple[str, date, int]] = []
    for name, hidden in TENANTS.items():
        for day, hashed, upn in hidden.rows():
            people[name][day].add(upn)
            uses.append((name, day, keys.setdefault((name, hashed.lower()), len(keys) + 1)))
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(SCHEMA.read_text(encoding="utf-8"))
        _insert(con, "raw.upn_keys", [(key, tenant, hashed, True) for (tenant, hashed), key in keys.items()])
        _insert(con, "raw.m365_app_user_days", [(*use, 17, 0, 0, 0, 0, 0) for use in uses])
        con.execute(
            """
            insert into ledger.fetches by name
            select tenant_id, report_date, 'ok' as outcome, 'applied' as verdict, count(*) as rows, 0 as unknown_rows,
                count(*) as concealed_rows, 'getM365AppUserDetail' as source, max(report_date) + 2 as as_of,
                timestamptz '2026-10-27 05:00:00+00' as requested_at,
                timestamptz '2026-10-27 05:00:09+00' as completed_at, tenant_id || report_date as fetch_id
            from raw.m365_app_user_days group by tenant_id, report_date
            """
        )
    selection = ["+app_usage_windows"]
    results = dbt(folder, "build", "--exclude-resource-type", "unit_test", "test", "--select", *selection)
    assert {result["status"] for result in results.values()} == {"success"}

    def run(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
            return con.execute(sql).fetchall()

    return run


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    columns = list(zip(*rows, strict=True))
    names = ", ".join(f"unnest(${number})" for number in range(1, len(columns) + 1))
    con.execute(f"insert into {table} select {names}", [list(column) for column in columns])


Query = Callable[[str], list[tuple[Any, ...]]]


def test_only_hashes_that_last_are_stable(query: Query) -> None:
    found: dict[str, bool] = dict(
        query("select tenant_id, counted_days > 0 from intermediate.int_usage_slices where slice_kind = 'current'")
    )
    assert found == {name: name in STABLE | {"changed_before"} for name in TENANTS}


def test_there_is_room_above_the_threshold(query: Query) -> None:
    """A stable tenant passes clearly, so that a quiet week does not make it fail."""
    shares = query(
        "select tenant_id, sum(least(found_again, hashes)) / sum(hashes) from intermediate.int_hash_days "
        "where is_telling group by tenant_id"
    )
    assert min(share for tenant, share in shares if tenant in STABLE) > 0.93
    assert max(share for tenant, share in shares if tenant == "changes_daily") < 0.05


def test_people_are_counted_where_hashes_last(query: Query, people: dict[str, dict[date, set[str]]]) -> None:
    for length in (7, 28):
        rows = query(
            f"select tenant_id, active_users, user_days, licensed_active_users from main.app_usage_windows "
            f"where app = 'outlook' and window_days = {length} and day_kind = 'all'"
        )
        assert {tenant for tenant, *_ in rows} == set(TENANTS)
        assert len(rows) == len(TENANTS)
        for tenant, active, user_days, licensed in rows:
            days = [people[tenant][day] for day in DAYS[:length]]
            is_stable = tenant in STABLE | {"changed_before"}
            assert active == (len(set().union(*days)) if is_stable else None), (tenant, length)
            assert user_days == sum(map(len, days)), tenant
            assert licensed is None


def test_a_window_over_a_change_counts_nobody(query: Query) -> None:
    """Ninety days hold the change that the last 28 do not."""
    rows = query(
        "select tenant_id, active_users is not null from main.app_usage_windows "
        "where app = 'outlook' and window_days = 90 and day_kind = 'all'"
    )
    assert {tenant for tenant, counts_people in rows if counts_people} == STABLE
