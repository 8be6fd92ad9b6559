"""Many made-up companies, large and small: nothing that the shareable tables hide of a department follows from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_run import run_dbt

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"
SCHEMA = ROOT / "pipelines" / "warehouse" / "schema.sql"

TODAY = "2026-10-27"
"""The newest report date is a Sunday: a week and four weeks are also windows, so what one hides the other must."""

TABLES = ("app_usage_windows", "usage_weekly", "usage_depth", "adoption_by_department")
ATTACKS = ("hidden_departments_cannot_be_recovered", "departments_show_no_small_group")
TENANTS = 100

# 15 to 254 people per tenant, 999 in some, in departments of very unequal size. Taste and diligence differ from
# person to person; some departments have Exchange and Teams only. A few people gave their licence back in the last
# week. 45 days.
COMPANIES = """
create macro dice(a, b, c) as (hash(a, b, c, {seed}) % 1000);
create temp table people as
select tenant, person, tenant * 1000 + person as user_key, 't' || tenant as tenant_id,
    'D' || cast(floor(pow(dice(tenant, person, 1) / 1000, 1.0 + tenant % 3) * (2 + tenant % 9)) as int) as department
from range(1, {tenants} + 1) as t (tenant), range(1, 1000) as p (person)
where person <= case when tenant % 20 = 0 then 999 else 15 + (tenant * 37) % 240 end;
create temp table days as
select cast(d as date) as report_date, cast(d as date) - date '2026-01-01' as number,
    isodow(cast(d as date)) <= 5 as is_weekday
from range(timestamp '2026-09-11', timestamp '2026-10-26', interval 1 day) as r (d);
insert into raw.organization by name
select distinct tenant_id, date '2026-10-27' as observed_on, timestamptz '2026-10-27 05:00:00+00' as observed_at
from people;
insert into raw.upn_keys select user_key, tenant_id, 'p' || user_key || '@x.com', false from people;
insert into raw.user_keys select user_key, tenant_id, 'u' || user_key from people;
insert into raw.users by name
select tenant_id, user_key, 'u' || user_key as user_id, timestamptz '2026-09-11 05:00:00+00' as observed_at,
    date '2026-09-11' as observed_on, true as is_present, 'p' || user_key || '@x.com' as user_principal_name,
    'Member' as user_type, true as account_enabled, department, timestamptz '2020-01-01 00:00:00+00' as created_at,
    'h' as state_hash
from people;
insert into raw.users by name
select * replace (
    timestamptz '2026-10-21 05:00:00+00' as observed_at, date '2026-10-21' as observed_on, 'i' as state_hash)
from raw.users where dice(user_key, 3, 4) < 25;
insert into raw.user_licenses
select u.tenant_id, u.user_key, u.observed_at,
    case when dice(p.tenant, hash(p.department) % 1000, 5) < 150 then 'kiosk' else 'all' end,
    null, 'Active', 'None', timestamptz '2020-01-01 00:00:00+00', []
from raw.users as u join people as p using (user_key)
where u.state_hash = 'h' and dice(u.user_key, 5, 6) < 950;
insert into raw.subscribed_skus
select tenant_id, observed_on, observed_at, sku, upper(sku), 'User', 'Enabled', 10, 20, 0, 0, 0, ['s']
from raw.organization, (values ('all'), ('kiosk')) as s (sku);
insert into raw.sku_service_plans
select tenant_id, observed_on, sku, plan, name, 'Success', 'User'
from raw.organization, (values
    ('all', '43de0ff5-c92c-492b-9116-175376d08c38', 'OFFICESUBSCRIPTION'),
    ('all', '57ff2da0-773e-42df-b2af-ffb7a2317929', 'TEAMS1'),
    ('kiosk', '57ff2da0-773e-42df-b2af-ffb7a2317929', 'TEAMS1'),
    ('kiosk', '4a82b400-a79f-41a4-b4e2-e94f5787b113', 'EXCHANGE_S_DESKLESS')
) as s (sku, plan, name);
insert into raw.m365_app_user_days
select tenant_id, report_date, user_key, {apps}
from (
    select p.*, d.report_date, d.number,
        case when dice(p.tenant, hash(p.department) % 1000, 5) < 150 then 1 else 0 end as kiosk
    from people as p, days as d
    where dice(p.user_key, d.number, 7) < (case when d.is_weekday then 1 else 0.05 end)
        * (case when dice(p.user_key, 8, 8) < 60 then 0 else 200 + dice(p.user_key, 9, 9) * 0.8 end)
)
where true;
delete from raw.m365_app_user_days where outlook + word + excel + powerpoint + onenote + teams = 0;
insert into ledger.fetches by name
select tenant_id, report_date, 'ok' as outcome, 'applied' as verdict,
    50 as rows, 0 as unknown_rows, 0 as concealed_rows,
    'getM365AppUserDetail' as source, date '2026-10-27' as as_of, timestamptz '2026-10-27 05:00:00+00' as requested_at,
    timestamptz '2026-10-27 05:00:09+00' as completed_at, tenant_id || report_date as fetch_id
from raw.organization, days;
"""
SHARES = {"outlook": 850, "word": 450, "excel": 400, "powerpoint": 200, "onenote": 100, "teams": 800}


def companies(tenants: int, seed: int = 1) -> str:
    """The SQL that fills the raw tables."""
    apps = []
    for number, (app, share) in enumerate(SHARES.items(), 10):
        never = "kiosk = 1 or " if app not in ("outlook", "teams") else ""
        apps.append(
            f"case when {never}dice(user_key, {number}, 1) >= {share + 100} "
            f"or dice(user_key, number, {number}) >= {share} then 0 else 17 end as {app}"
        )
    return COMPANIES.format(tenants=tenants, apps=", ".join(apps), seed=seed)


def dbt(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run dbt on the warehouse of the folder; returns the run's results by the name of each node."""
    run_dbt(folder / "warehouse.duckdb", "--quiet", *arguments, today=TODAY)
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    return {result["unique_id"].split(".")[2]: result for result in results}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a warehouse of many tenants, everything built that the shared tables need."""
    found = tmp_path_factory.mktemp("departments")
    with duckdb.connect(str(found / "warehouse.duckdb")) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(SCHEMA.read_text(encoding="utf-8"))
        con.execute(companies(TENANTS))
    selection = ["app_usage_windows", *(f"+shareable__{table}" for table in TABLES)]
    results = dbt(found, "build", "--exclude-resource-type", "unit_test", "test", "--select", *selection)
    assert {result["status"] for result in results.values()} == {"success"}
    return found


@pytest.fixture
def query(folder: Path) -> Callable[[str], list[tuple[Any, ...]]]:
    def run(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
            return con.execute(sql).fetchall()

    return run


def test_no_hidden_count_can_be_found_out(folder: Path) -> None:
    results = dbt(folder, "test", "--select", *ATTACKS)
    assert {name: result["message"] for name, result in results.items() if result["status"] != "pass"} == {}
    assert set(results) == set(ATTACKS)


def test_much_is_hidden_and_much_is_shown(query: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """Neither everything nor nothing, or the attack above would prove little."""
    measures = {
        "app_usage_windows": "active_rate",
        "usage_weekly": "active_rate",
        "adoption_by_department": "adoption_rate",
    }
    for table, measure in measures.items():
        ((shown, hidden, tenants),) = query(
            f"""
            select count({measure}), count(*) - count({measure}), count(distinct tenant_id)
            from shareable.{table} where not is_total
            """
        )
        assert hidden > 100, table
        assert shown > 100, table
        assert tenants > TENANTS / 2, table


def test_what_is_shown_is_true(query: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """A department that is shown under its own name has the counts of the admin build, and its total is everybody's."""
    wrong = query(
        """
        select * from shareable.app_usage_windows as shown join main.app_usage_windows as actual
            using (tenant_id, app, department, is_total, window_days, day_kind)
        where shown.licensed_active_users <> actual.licensed_active_users
            or shown.active_users <> actual.active_users or shown.user_days <> actual.user_days
            or shown.licensed_users <> actual.licensed_users or abs(shown.active_rate - actual.active_rate) > 1e-9
        """
    )
    assert wrong == []
    split = query(
        """
        select tenant_id, app, window_days, day_kind
        from main.app_usage_windows group by all
        having sum(active_users) filter (is_total) <> sum(active_users) filter (not is_total)
            or sum(user_days) filter (is_total) <> sum(user_days) filter (not is_total)
            or sum(licensed_active_users) filter (is_total) <> sum(licensed_active_users) filter (not is_total)
        """
    )
    assert split == []
