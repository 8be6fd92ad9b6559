"""What the dbt project promises: every published table is described and tested, portable, and right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.publish.dictionary import as_markdown, dictionary_tables
from pipelines.warehouse import bits
from pipelines.warehouse.publish import published_tables
from tests.dbt_run import run_dbt

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"
SCHEMA = ROOT / "pipelines" / "warehouse" / "schema.sql"
TODAY = "2026-10-30"

PUBLISHED = {
    "shareable": {
        "tenants",
        "apps",
        "app_usage_daily",
        "suite_usage_daily",
        "app_usage_28d",
        "suite_usage_28d",
        "restatements",
        "sync_runs",
        "license_inventory",
        "license_inventory_daily",
        "license_cost_by_department",
        "report_days",
        "app_usage_windows",
        "usage_weekly",
        "usage_depth",
        "adoption_by_department",
        "engagement_monthly",
        "suite_teams_segments",
        "reconciliation_daily",
        "license_utilization",
        "license_savings",
        "waste_monthly",
        "realised_savings",
    },
    "admin": {
        "users",
        "user_app_days",
        "user_suite_days",
        "user_app_usage_28d",
        "user_app_periods",
        "license_assignments",
        "license_assignment_history",
        "rightsize_suggestions",
        "reclaimable_licenses",
        "action_log",
    },
}

# Columns of the tables of people that tell of nobody: read before a name is added here.
TELLS_OF_NOBODY = {
    "tenant_id", "sku_id", "app", "department", "product_name", "reason", "rule", "rule_version", "source", "state",
    "error", "assigned_by_group", "valid_from_basis", "assigned_since_basis", "evidence_source", "contained_in_sku_id",
    "removable", "changeable", "currency", "suggested_sku_id", "suggested_product_name", "gives_up", "suite_platforms",
    "plan_id", "plan_digest", "step_id", "action", "group_id", "outcome", "started_at", "ended_at", "done_at",
    "client_id", "request_id",
    "platforms", "usage_level", "identity_basis", "identity_state", "user_type", "account_kind", "account_kind_basis",
}  # fmt: skip
OF_PEOPLE = re.compile(
    r"user_key|user_id|upn|principal|display_name$|mail|manager|given|surname|employee|person|phone|job|office|owner"
)

# Spellings that another engine would refuse.
ENGINE_SPECIFIC = [
    r"::",
    r"\bqualify\b",
    r"\bgroup by all\b",
    r"\border by all\b",
    r"\bselect \* (exclude|replace|except)\b",
    r"\bfilter\s*\(",
    r"\b(unnest|explode|generate_series|sequence)\b",
    r"->",
    r"\b(strftime|strptime|list_\w+|struct_pack|len)\s*\(",
    r"\b(today|now|current_date|getdate)\b",
    r"\basof join\b",
    r"\busing sample\b",
    r"\bcount\s*\(\s*distinct\b",
    r"\[",
]


@dataclass(frozen=True)
class Bench:
    """A scratch folder with one warehouse. Every command takes the same variables, so that dbt parses once."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def dbt(self, *command: str) -> str:
        """Run one dbt command on this project; returns what it printed."""
        result = run_dbt(self.warehouse, "--no-use-colors", *command, today=TODAY)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def build(self, sql: str, *options: str) -> None:
        """Put rows into the raw tables and build everything: nothing may fail, warn or be skipped."""
        with duckdb.connect(str(self.warehouse)) as con:
            con.execute("set TimeZone = 'UTC'")
            con.execute(SCHEMA.read_text(encoding="utf-8"))
            if sql:
                con.execute(sql)
        assert "WARN=0 ERROR=0 SKIP=0" in self.dbt("build", *options)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="module")
def manifest(bench: Bench) -> dict[str, Any]:
    bench.dbt("parse", "--show-all-deprecations", '--warn-error-options={"error": "all"}')
    found: dict[str, Any] = json.loads((bench.folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return found


def models(manifest: dict[str, Any], *folders: str) -> dict[str, dict[str, Any]]:
    nodes = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return {node["name"]: node for node in nodes if not folders or node["fqn"][1] in folders}


def sql_of(node: dict[str, Any]) -> str:
    """The SQL of a model as it stands in its file, without comments, templating and string literals."""
    text = re.sub(r"\{#.*?#\}|--[^\n]*", " ", node["raw_code"], flags=re.S)
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}|'[^']*'", " ", text, flags=re.S).lower()


def test_the_published_tables_are_all_there(manifest: dict[str, Any]) -> None:
    marts = models(manifest, "marts")
    by_audience = {
        audience: {name for name, node in marts.items() if node["config"]["meta"]["audience"] == audience}
        for audience in PUBLISHED
    }
    assert by_audience == PUBLISHED
    assert {node["schema"] for node in marts.values()} == {"main"}


def test_every_published_table_keeps_its_promises(manifest: dict[str, Any]) -> None:
    keys = {"unique", "unique_combination_of_columns"}
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") in keys
    }
    marts = models(manifest, "marts")
    for name, node in {**marts, **models(manifest, "shareable")}.items():
        assert node["config"]["contract"]["enforced"], name
        assert node["description"].startswith("One row per "), name
        assert node["config"]["meta"]["owner"], name
        assert set(node["config"]["meta"]["grain"]) <= set(node["columns"]), name
    for name, node in marts.items():
        # The views are of the grain of the table that they read.
        parents = node["depends_on"]["nodes"] if node["config"]["materialized"] == "view" else []
        assert tested.intersection([node["unique_id"], *parents]), f"{name} has no test of its key"


def test_everything_is_described(manifest: dict[str, Any]) -> None:
    described = [*manifest["nodes"].values(), *manifest["sources"].values()]
    for node in described:
        if node["resource_type"] not in ("model", "source", "seed"):
            continue
        assert node["description"], node["unique_id"]
        assert node["columns"], node["unique_id"]
        for column in node["columns"].values():
            assert column["description"], f"{node['unique_id']}.{column['name']}"
        assert node["resource_type"] != "model" or node["description"].startswith("One row per "), node["unique_id"]


def test_the_data_dictionary_is_up_to_date_and_complete(manifest: dict[str, Any]) -> None:
    for table in dictionary_tables(manifest):
        assert table.description, table.name
        assert table.columns, table.name
        for column, (kind, description) in table.columns.items():
            assert kind, f"{table.name}.{column} has no type"
            assert description, f"{table.name}.{column} has no description"
    page = ROOT / "docs" / "data-dictionary.md"
    assert page.read_text(encoding="utf-8") == as_markdown(manifest), "make docs writes the page anew"


def test_every_column_that_tells_of_a_person_is_marked(manifest: dict[str, Any]) -> None:
    """What M365_PSEUDONYMIZE changes: a new column of text or time is marked, or found to tell of nobody."""
    admin = {table.name: table for table in published_tables(manifest, "admin")}
    assert {name for name, table in admin.items() if table.is_admin_only} == PUBLISHED["admin"] | {
        "user_days",
        "user_periods",
    }
    for node in models(manifest, "marts", "intermediate").values():
        meta = node["config"]["meta"]
        name = meta.get("published_as") or node["alias"]
        if name not in admin:
            continue
        marks = dict(admin[name].personal)
        assert set(marks.values()) <= {"key", "person", "manager", "rare", "month", "day", "hidden"}, name
        for column, facts in node["columns"].items():
            is_of_people = bool(OF_PEOPLE.search(column))
            if meta["audience"] == "admin":
                is_number_or_flag = facts["data_type"] not in ("string", "timestamptz") and not is_of_people
                assert column in marks or column in TELLS_OF_NOBODY or is_number_or_flag, f"{name}.{column}"
            else:
                # Apps have a display_name, too.
                assert name == "apps" or not is_of_people, f"{name}.{column} is for everybody"
        assert meta["audience"] != "admin" or marks.get("user_key") == "key", name


def test_measures_say_what_may_be_added(manifest: dict[str, Any]) -> None:
    measure = re.compile(r"_users$|_user_days$|^user_days$|_rate$|^avg_|_rows$|^rows$")
    additivity = re.compile(r"do not (sum|add)|may be added|not in it|never people|user_days of the window")
    for name, node in models(manifest, "marts").items():
        for column in node["columns"].values():
            if measure.search(column["name"]):
                assert additivity.search(column["description"].lower()), f"{name}.{column['name']}"


def test_sources_describe_the_tables_of_loading(manifest: dict[str, Any]) -> None:
    con = duckdb.connect()
    con.execute(SCHEMA.read_text(encoding="utf-8"))
    loaded: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in con.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where schema_name in ('raw', 'ledger')"
    ).fetchall():
        loaded.setdefault((schema, table), set()).add(column)
    described = {(source["schema"], source["name"]): set(source["columns"]) for source in manifest["sources"].values()}
    assert described == loaded


def test_published_models_are_portable(manifest: dict[str, Any]) -> None:
    files = (PROJECT / "macros" / "cross_db").glob("*.sql")
    dispatched = [name for file in files for name in re.findall(r"macro (\w+)\(", file.read_text(encoding="utf-8"))]
    assert "unnest_list" in dispatched
    for name, node in models(manifest, "marts", "shareable").items():
        used = [macro for macro in dispatched if re.search(rf"\b{macro}\s*\(", node["raw_code"])]
        assert not used, f"{name} uses {used}"
        assert "dbt." not in node["raw_code"], name
        assert "adapter." not in node["raw_code"], name
        engine_specific = [pattern for pattern in ENGINE_SPECIFIC if re.search(pattern, sql_of(node))]
        assert not engine_specific, f"{name}: {engine_specific}"


def test_only_staging_reads_sources(manifest: dict[str, Any]) -> None:
    for name, node in models(manifest, "intermediate", "marts", "shareable").items():
        assert not node["sources"], name


def test_every_shareable_mart_has_its_shareable_model(manifest: dict[str, Any]) -> None:
    marts = {name: n for name, n in models(manifest, "marts").items() if n["config"]["meta"]["audience"] == "shareable"}
    shareable = {node["alias"]: node for node in models(manifest, "shareable").values()}
    assert set(shareable) == set(marts)
    for name, node in shareable.items():
        assert node["name"] == f"shareable__{name}"
        assert node["schema"] == "shareable"
        mart = marts[name]["columns"]
        assert {c: (v["data_type"], v["description"]) for c, v in node["columns"].items()} == {
            c: (v["data_type"], v["description"]) for c, v in mart.items()
        }


def test_the_bits_are_those_of_loading() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["vars"]["usage_bits"] == {"app": bits.APP_BIT, **bits.PLATFORM_BITS}


@pytest.fixture(scope="module")
def first_run(manifest: dict[str, Any], bench: Bench) -> dict[str, int]:
    """Everything, dbt's unit tests too, on a warehouse before any data; returns the rows of each published table."""
    bench.build("")
    names = PUBLISHED["shareable"] | PUBLISHED["admin"]
    return {name: bench.query(f"select count(*) from main.{name}")[0][0] for name in names}


def test_the_first_run_before_any_data(first_run: dict[str, int], bench: Bench) -> None:
    assert {name: rows for name, rows in first_run.items() if rows} == {"apps": 6}


def test_every_published_table_and_column_is_described(manifest: dict[str, Any]) -> None:
    found = models(manifest, "marts", "shareable")
    assert found
    for name, node in found.items():
        assert node["description"], name
        assert not [column for column, facts in node["columns"].items() if not facts["description"]], name


# Three tenants on 30 October 2026. "named": ann; bob, who was renamed between two directory reads; a name that
# no directory entry is known for; and leo, whose name was given to another leo after his deletion. "hidden": names
# are concealed, with new hashes every day, and there are no licences. "new": nothing was fetched yet.
SMALL = """
insert into raw.upn_keys values
    (1, 'named', 'ann@x.com', false), (2, 'named', 'bob.old@x.com', false), (3, 'named', 'bob.new@x.com', false),
    (4, 'named', 'nobody@x.com', false), (5, 'named', 'leo@x.com', false),
    (6, 'hidden', '30b283368e548933b1d03a64a6b14a89', true), (7, 'hidden', '41c394479f659a44c2e14b75b7c25b9a', true);
insert into raw.user_keys values (1, 'named', 'a'), (2, 'named', 'b'), (3, 'named', 'l1'), (4, 'named', 'l2');
insert into raw.m365_app_user_days values
    -- outlook, word, excel, powerpoint, onenote, teams; 28 October, a Wednesday
    ('named', '2026-10-28', 1, 17, 0, 0, 0, 0, 24),
    ('named', '2026-10-28', 3, 0, 18, 24, 0, 0, 0),
    ('named', '2026-10-28', 4, 20, 0, 0, 0, 0, 0),
    ('named', '2026-10-28', 5, 0, 0, 0, 16, 0, 0),
    ('named', '2026-10-19', 1, 17, 17, 0, 0, 0, 0),
    ('named', '2026-10-19', 2, 0, 17, 0, 0, 0, 0),
    ('named', '2026-10-19', 5, 0, 0, 0, 17, 0, 0),
    ('hidden', '2026-10-28', 6, 17, 0, 0, 0, 0, 0),
    ('hidden', '2026-10-27', 7, 17, 0, 0, 0, 0, 0);
insert into raw.m365_app_unknown_days values
    ('named', '2026-10-28', 16, 0, 0, 0, 0, 0, 2), ('named', '2026-10-28', 0, 0, 0, 0, 0, 0, 5);
insert into raw.users by name
select * from (values
    ('named', 1, 'a', timestamptz '2026-10-15 05:00:00+00', date '2026-10-15', true, 'Ann@x.com', ['SMTP:Ann@x.com'],
        'Member', true, timestamptz '2020-01-01 00:00:00+00', 'h'),
    ('named', 2, 'b', timestamptz '2026-10-15 05:00:00+00', date '2026-10-15', true, 'Bob.Old@x.com', null,
        'Member', true, timestamptz '2020-01-01 00:00:00+00', 'h'),
    ('named', 2, 'b', timestamptz '2026-10-21 05:00:00+00', date '2026-10-21', true, 'Bob.New@x.com', null,
        'Member', true, timestamptz '2020-01-01 00:00:00+00', 'i'),
    ('named', 4, 'l2', timestamptz '2026-10-30 05:00:00+00', date '2026-10-30', true, 'Leo@x.com', null,
        'Member', true, timestamptz '2026-10-26 00:00:00+00', 'h')
) as t (tenant_id, user_key, user_id, observed_at, observed_on, is_present, user_principal_name, proxy_addresses,
    user_type, account_enabled, created_at, state_hash);
insert into raw.deleted_users values ('named', 3, 'l1', '2026-10-30 05:00:00+00', '2026-10-30', 'l1Leo@x.com',
    'Leo@x.com', 'Leo', 'Sales', 'Member', '2026-10-22 12:00:00+00');
insert into raw.user_licenses values
    ('named', 1, '2026-10-15 05:00:00+00', 'SKU', null, 'Active', 'None', '2026-09-01 10:00:00+00', []),
    ('named', 2, '2026-10-15 05:00:00+00', 'SKU', 'g', 'Active', 'None', '2026-10-20 10:00:00+00', []),
    ('named', 2, '2026-10-21 05:00:00+00', 'SKU', 'g', 'Active', 'None', '2026-10-20 10:00:00+00', []);
insert into raw.subscribed_skus values
    ('named', '2026-10-30', '2026-10-30 05:00:00+00', 'SKU', 'PART', 'User', 'Enabled', 2, 5, 0, 0, 0, ['s']);
insert into raw.organization by name
select tenant_id, date '2026-10-30' as observed_on, timestamptz '2026-10-30 05:00:00+00' as observed_at
from (values ('named'), ('hidden'), ('new')) as t (tenant_id);
insert into ledger.fetches by name
select *, 'getM365AppUserDetail' as source, date '2026-10-30' as as_of,
    timestamptz '2026-10-30 05:00:00+00' as requested_at, timestamptz '2026-10-30 05:00:09+00' as completed_at,
    tenant_id || report_date as fetch_id
from (values
    ('named', date '2026-10-28', 'ok', 'applied', 11, 7, 0),
    ('named', date '2026-10-27', 'failed', null, null, null, null),
    ('named', date '2026-10-19', 'ok', 'applied', 3, 0, 0),
    ('hidden', date '2026-10-28', 'ok', 'applied', 1, 0, 1), ('hidden', date '2026-10-27', 'ok', 'applied', 1, 0, 1)
) as t (tenant_id, report_date, outcome, verdict, rows, unknown_rows, concealed_rows);
"""


Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def query(first_run: dict[str, int], bench: Bench) -> Query:
    bench.build(SMALL, "--exclude-resource-type=unit_test")
    return bench.query


def test_small_days(query: Query) -> None:
    sql = """
        select app, active_users, unknown_users, windows_users, mac_users, desktop_users, mobile_users, web_users
        from app_usage_daily where tenant_id = 'named' and report_date = '2026-10-28' order by app
    """
    assert query(sql) == [
        ("excel", 1, 0, 0, 0, 0, 0, 1),
        ("onenote", 0, 0, 0, 0, 0, 0, 0),
        ("outlook", 2, 2, 1, 0, 1, 1, 0),
        ("powerpoint", 1, 0, 0, 0, 0, 0, 0),
        ("teams", 1, 0, 0, 0, 0, 0, 1),
        ("word", 1, 0, 0, 1, 1, 0, 0),
    ]
    sql = """
        select day_state, active_users, unknown_users, app_user_days
        from suite_usage_daily where tenant_id = 'named' order by report_date desc
    """
    assert query(sql) == [
        ("provisional", 4, 2, 5),
        ("failed", None, None, None),
        *[("missing", None, None, None)] * 7,
        ("final", 3, 0, 4),
    ]


def test_small_windows(query: Query) -> None:
    sql = """
        select app, active_users, user_days, unknown_user_days, windows_users, observed_days, provisional_days,
            missing_days, identity_basis, change_rate
        from app_usage_28d where tenant_id = 'named' order by app
    """
    days = (1, 1, 26, "named", None)
    assert query(sql) == [
        ("excel", 1, 1, 0, 0, *days),
        ("onenote", 0, 0, 0, 0, *days),
        ("outlook", 2, 3, 2, 1, *days),
        ("powerpoint", 2, 2, 0, 1, *days),
        ("teams", 1, 1, 0, 0, *days),
        ("word", 2, 3, 0, 2, *days),
    ]
    sql = """
        select tenant_id, active_users, suite_user_days, app_user_days, days_with_data, identity_basis
        from suite_usage_28d order by tenant_id
    """
    assert query(sql) == [
        ("hidden", None, 2, 2, 2, "concealed"),
        ("named", 5, 7, 9, 2, "named"),
        ("new", None, None, None, 0, None),
    ]


def test_small_people(query: Query) -> None:
    sql = """
        select u.user_key, u.identity_state, d.report_date, d.app
        from users as u left join user_app_days as d on d.user_key = u.user_key and d.app in ('word', 'powerpoint')
        where u.tenant_id = 'named' order by all
    """
    assert query(sql) == [
        (-4, "unmatched", None, None),
        (1, "matched", date(2026, 10, 19), "word"),
        (2, "matched", date(2026, 10, 19), "word"),
        (2, "matched", date(2026, 10, 28), "word"),
        (3, "deleted", date(2026, 10, 19), "powerpoint"),
        (4, "matched", date(2026, 10, 28), "powerpoint"),
    ]
    assert query("select identity_state from users where tenant_id = 'hidden'") == [("concealed",)] * 2


def test_small_licences(query: Query) -> None:
    sql = "select sku_id, product_name, assigned, enabled, unassigned, over_assigned, unit_price from license_inventory"
    assert query(sql) == [("sku", "PART", 2, 5, 3, 0, None)]
    sql = "select user_key, source, assigned_since, assigned_since_basis from license_assignments order by user_key"
    assert query(sql) == [
        (1, "direct", date(2026, 9, 1), "last_updated"),
        (2, "group", date(2026, 10, 15), "first_seen"),
    ]
    sql = "select user_key, valid_from, valid_to, is_held from license_assignment_history order by user_key"
    assert query(sql) == [(1, date(2026, 9, 1), None, True), (2, date(2026, 10, 15), None, True)]
    sql = "select observed_on, assigned, unassigned from license_inventory_daily"
    assert query(sql) == [(date(2026, 10, 30), 2, 3)]
    sql = "select department, licenses, monthly_cost from {}license_cost_by_department"
    assert query(sql.format("")) == [("Unknown department", 2, None)]
    assert query(sql.format("shareable.")) == [("All", 2, None)]


def test_small_groups_are_not_shared(query: Query) -> None:
    shown = query("select active_users, web_users, is_suppressed from shareable.app_usage_28d where app = 'teams'")
    assert sorted(shown, key=str) == [(1, None, True), (None, None, False), (None, None, False)]
    columns = {name for (name,) in query("select column_name from duckdb_columns() where schema_name = 'shareable'")}
    assert "active_users" in columns
    assert not columns & {"user_key", "upn_key", "user_id", "user_principal_name"}
