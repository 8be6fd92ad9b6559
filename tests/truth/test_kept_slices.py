"""Tables that are kept from run to run say the same as if everything had been made anew, whatever changed since."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.simulator import Tenant, TenantSpec
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.records import LandedFetch
from tests.contract.test_dbt_project import SCHEMA
from tests.contract.test_shared_departments import TODAY, dbt
from tests.truth.conftest import MODELS_ONLY, corrected
from tests.truth.history import History, simulate

KEPT = {"int_name_weeks": "week_start", "int_name_months": "month_start", "int_name_day_counts": "report_date"}
# Made of the other tables alone.
NOT_SHARED = ("--exclude", "path:models/shareable")
# A name that stands for nobody: rows of it change no figure, and tell whether a slice was made anew.
MARK = 9999
FIRST_DAY, NEWEST = date(2026, 8, 18), date.fromisoformat(TODAY) - timedelta(days=2)
# Used by half of forty people on a day, every app by others.
_USE = ", ".join(f"case when hash(d, n, {app}) % 3 = 0 then 17 else 0 end" for app in range(5))
_HAS_E3 = """
    select 't', {key}, timestamptz '{on} 06:00:00+00', '05e9a617-0261-4cee-bb44-138d3ef5d965', null, 'Active',
        'None', timestamptz '2026-01-05 06:00:00+00', []::varchar[] from {people}
"""


def fetch(name: str, day: str, concealed_rows: str = "0") -> str:
    """The ledger's entry of an answer that was applied to a day, or to the days of a column."""
    return f"""
        insert into ledger.fetches by name select
            '{name}' || {day} as fetch_id, 't' as tenant_id, 'getM365AppUserDetail' as source, {day} as report_date,
            {day} + 2 as as_of, {day}::timestamp at time zone 'UTC' + interval 54 hour as requested_at,
            requested_at as completed_at, 'ok' as outcome, 'applied' as verdict, 20 as rows, 20 as active_rows,
            0 as unknown_rows, {concealed_rows} as concealed_rows, 0 as duplicate_rows
        from generate_series(date '{FIRST_DAY}', date '{NEWEST}', interval 1 day) as days(instant),
            lateral (select instant::date) as day(d)
    """


def state(key: int, upn: str, on: date, department: str, *, is_present: bool = True) -> str:
    """What the directory said of a person."""
    return f"""
        insert into raw.users by name select 't' as tenant_id, {key} as user_key, 'id-{key}' as user_id,
            timestamptz '{on} 06:00:00+00' as observed_at, date '{on}' as observed_on, {is_present} as is_present,
            '{upn}' as user_principal_name, 'Member' as user_type, true as account_enabled,
            '{department}' as department, timestamptz '2020-01-01 00:00:00+00' as created_at, '{on}' as state_hash;
    """


BEFORE = f"""
    insert into raw.upn_keys select n, 't', 'u' || n || '@x.com', false from range(1, 41) as names(n);
    insert into raw.user_keys select n, 't', 'id-' || n from range(1, 41) as names(n);
    {"".join(state(n, f"u{n}@x.com", FIRST_DAY, f"Department {n % 3}") for n in range(1, 41))}
    insert into raw.user_licenses {_HAS_E3.format(key="n", on=FIRST_DAY, people="range(1, 31) as names(n)")};
    insert into raw.m365_app_user_days
    select 't', d, n, {_USE}, 16
    from generate_series(date '{FIRST_DAY}', date '{NEWEST}' - 1, interval 1 day) as days(instant),
        lateral (select instant::date) as day(d), range(1, 41) as names(n)
    where hash(d, n) % 2 = 0;
    {fetch("first", "d")} where d < date '{NEWEST}';
"""

CORRECTED = (date(2026, 9, 15), NEWEST - timedelta(days=6))
SINCE = f"""
    -- A new day, of which most names are concealed.
    insert into raw.upn_keys select n, 't', 'hash' || n, true from range(101, 131) as names(n);
    insert into raw.m365_app_user_days select 't', date '{NEWEST}', n, {_USE}, 16
    from (select date '{NEWEST}' as d), range(101, 131) as names(n);
    {fetch("first", "d", "15")} where d = date '{NEWEST}';
    -- Two days corrected: somebody goes, somebody comes, somebody's flag changes.
    delete from raw.m365_app_user_days where report_date in {tuple(map(str, CORRECTED))} and upn_key between 3 and 8;
    insert into raw.m365_app_user_days
    select 't', unnest([{", ".join(f"date '{day}'" for day in CORRECTED)}]), 5, 0, 0, 24, 0, 0, 0;
    {fetch("second", "d")} where d in {tuple(map(str, CORRECTED))};
    -- Found late: person 11 has another name since, and used both on one day.
    insert into raw.upn_keys values (41, 't', 'new11@x.com', false);
    {state(11, "new11@x.com", NEWEST - timedelta(days=3), "Department 2")}
    insert into raw.user_licenses {_HAS_E3.format(key=11, on=NEWEST - timedelta(days=3), people="range(1)")};
    delete from raw.m365_app_user_days where report_date = date '{NEWEST}' - 1 and upn_key = 11;
    insert into raw.m365_app_user_days select 't', date '{NEWEST}' - 1, unnest([11, 41]), 17, 0, 0, 0, 0, 24;
    {fetch("second", "d")} where d = date '{NEWEST}' - 1;
    -- Person 12 is gone, and somebody new has the name.
    {state(12, "u12@x.com", date(2026, 10, 7), "Department 0", is_present=False)}
    insert into raw.user_keys values (42, 't', 'id-42');
    {state(42, "u12@x.com", date(2026, 10, 8), "Department 1")}
    -- Person 13 is of another department, person 14 without a licence.
    {state(13, "u13@x.com", NEWEST, "Department 9")}
    insert into raw.user_licenses {_HAS_E3.format(key=13, on=NEWEST, people="range(1)")};
    {state(14, "u14@x.com", NEWEST, "Department 2")}
"""


def tables(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that dbt made, but what is as it is by the order of the rows."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        names = con.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in ('main', 'shareable', "
            "'intermediate') union select schema_name, view_name from duckdb_views() where schema_name in ('main', "
            "'intermediate') and not internal"
        ).fetchall()
        return {name: con.execute(f"from {schema}.{name} order by all").fetchall() for schema, name in names}


def assert_equal(kept: Path, anew: Path) -> None:
    found, wanted = tables(kept), tables(anew)
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if found[name] != wanted[name]] == []


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A warehouse that was built before and after the changes, and one that was made anew after them."""
    kept, anew = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("anew")
    with duckdb.connect(str(kept / "warehouse.duckdb")) as con:
        con.execute("set timezone = 'UTC'")
        con.execute(SCHEMA.read_text(encoding="utf-8"))
        con.execute(BEFORE)
    assert_whole(kept, "build", *MODELS_ONLY, *NOT_SHARED)
    with duckdb.connect(str(kept / "warehouse.duckdb")) as con:
        con.execute("set timezone = 'UTC'")
        for table, column in KEPT.items():
            mark_slices(con, table, column)
        # As a version of the project leaves it whose SQL, or whose columns, are others.
        con.execute("update intermediate.int_name_weeks set slice_version = slice_version + 1, used = 0 "
                    f"where week_start = '{FIRST_DAY + timedelta(days=6)}'")  # fmt: skip
        con.execute("alter table intermediate.int_name_months add column more integer")
        con.execute(SINCE)
    shutil.copy(kept / "warehouse.duckdb", anew)
    assert_whole(kept, "run", *NOT_SHARED)
    shutil.copytree(kept / "target", anew / "target")
    assert_whole(anew, "run", *NOT_SHARED, "--full-refresh")
    return kept, anew


def assert_whole(folder: Path, *command: str) -> None:
    assert {result["status"] for result in dbt(folder, *command).values()} == {"success"}


def mark_slices(con: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
    """A row of nobody in each slice."""
    of_nobody = f"{MARK} as upn_key" if "upn_key" in columns(con, table) else "'nothing' as app"
    con.execute(
        f"insert into intermediate.{table} by name "
        f"select distinct tenant_id, {column}, slice_version, {of_nobody} from intermediate.{table}"
    )


def columns(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {name for name, *_ in con.execute(f"describe intermediate.{table}").fetchall()}


def marked(con: duckdb.DuckDBPyConnection, table: str) -> list[date]:
    """The slices that were not made anew."""
    is_mark = f"upn_key = {MARK}" if "upn_key" in columns(con, table) else "app = 'nothing'"
    found = con.execute(f"select {KEPT[table]} from intermediate.{table} where {is_mark} order by 1").fetchall()
    return [slice_start for (slice_start,) in found]


def test_only_what_changed_is_made_anew(folders: tuple[Path, Path]) -> None:
    changed = {*CORRECTED, NEWEST - timedelta(days=1), NEWEST}
    with duckdb.connect(str(folders[0] / "warehouse.duckdb"), read_only=True) as con:
        days = [FIRST_DAY + timedelta(days=number) for number in range((NEWEST - FIRST_DAY).days + 1)]
        assert marked(con, "int_name_day_counts") == [day for day in days if day not in changed]
        mondays = {day - timedelta(days=day.weekday()) for day in days}
        anew = {day - timedelta(days=day.weekday()) for day in changed} | {FIRST_DAY + timedelta(days=6)}
        assert marked(con, "int_name_weeks") == sorted(mondays - anew)
        assert marked(con, "int_name_months") == []


def test_everything_is_as_if_made_anew(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
            for table in KEPT:
                is_mark = f"upn_key = {MARK}" if "upn_key" in columns(con, table) else "app = 'nothing'"
                con.execute(f"delete from intermediate.{table} where {is_mark}")
            con.execute("delete from intermediate.int_app_day_counts where app = 'nothing'")
    assert_equal(*(folder / "warehouse.duckdb" for folder in folders))
    with duckdb.connect(str(folders[0] / "warehouse.duckdb"), read_only=True) as con:
        # What changed is there: two names that are one person, one name that is two.
        assert con.execute("select count(*) from intermediate.int_merged_days where user_key = 11").fetchone() == (3,)
        assert con.execute("select count(distinct user_key) from intermediate.int_user_weeks where user_key in (12, 42)"
                           ).fetchone() == (2,)  # fmt: skip
        assert con.execute("select count(*) from usage_weekly where department = 'Department 9'").fetchone() != (0,)


class LandedUntil(Landing):
    """landing/ as it was after the run of a day."""

    day = date.min

    def all_fetches(self, loaded: frozenset[str] | set[str] = frozenset()) -> list[LandedFetch]:
        return [found for found in super().all_fetches(loaded) if found.record.as_of <= self.day]


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_every_daily_run_is_as_if_made_anew(tmp_path: Path) -> None:
    tenant = corrected(Tenant(TenantSpec(seed=11, users=120, today=date.fromisoformat(TODAY))))
    history = simulate(tenant, tmp_path / "data", 45)
    landing = LandedUntil(tmp_path / "data" / "landing")
    kept = History(tenant, tmp_path / "kept")
    for number, day in enumerate(history.days):
        landing.day, kept.tenant = day, tenant.with_today(day)
        with open_warehouse(kept.warehouse, wait_seconds=60) as con:
            load_pending(con, landing)
        kept.build(*MODELS_ONLY)
        if number % 5 == 0 or day == history.days[-1]:
            anew = History(kept.tenant, tmp_path / "anew" / str(number), dbt_dir=kept.data_dir)
            anew.data_dir.mkdir(parents=True)
            shutil.copy(kept.warehouse, anew.warehouse)
            anew.build(*MODELS_ONLY, "--full-refresh")
            assert_equal(kept.warehouse, anew.warehouse)
            shutil.rmtree(anew.data_dir)
