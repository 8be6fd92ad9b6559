"""The published database: what it holds, its comments, its format, and that nothing of the warehouse is left in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.warehouse.publish import (
    DATABASE_NAME,
    STORAGE_VERSION,
    DictionaryRow,
    PublishedTable,
    published_tables,
    read_manifest,
    write_database,
)


def model(name: str, folder: str = "marts", **facts: Any) -> dict[str, Any]:
    """A model as it stands in dbt's manifest."""
    config = {"materialized": facts.pop("materialized", "table"), "meta": facts.pop("meta", {"audience": "admin"})}
    return {"resource_type": "model", "fqn": ["usage", folder, name], "schema": folder, "alias": name, "config": config}


MANIFEST = {
    "nodes": {
        "1": model("users"),
        "2": model("user_app_days", materialized="view"),
        "3": model("apps"),
        "4": model("int_days", "intermediate", meta={}),
        "5": model("app_usage_daily", "shareable", meta={"audience": "shareable"}),
        "6": model("apps_small", "shareable", meta={"audience": "shareable", "published_as": "apps"}),
        "7": model("int_packed", "intermediate", meta={"audience": "admin", "published_as": "user_days_packed"}),
        "8": {"resource_type": "test", "fqn": ["usage", "x"], "config": {}},
        "9": model("helper", "shareable", meta={}),
    }
}


def test_each_build_holds_its_models_tables_before_views() -> None:
    assert [(table.name, table.source_name, table.is_view) for table in published_tables(MANIFEST, "admin")] == [
        ("apps", "apps", False),
        ("user_days_packed", "int_packed", False),
        ("users", "users", False),
        ("user_app_days", "user_app_days", True),
    ]
    assert [
        (table.name, table.source_schema, table.source_name) for table in published_tables(MANIFEST, "shareable")
    ] == [
        ("app_usage_daily", "shareable", "app_usage_daily"),
        ("apps", "shareable", "apps_small"),
    ]


def test_no_model_is_in_both_builds() -> None:
    builds = [
        {(t.source_schema, t.source_name) for t in published_tables(MANIFEST, name)} for name in ("admin", "shareable")
    ]
    assert not builds[0] & builds[1]


def test_the_manifest_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    assert read_manifest(tmp_path / "manifest.json") == MANIFEST


# --- the file -----------------------------------------------------------------------------------------------


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), config={"threads": 1}) as opened:
        opened.execute("""
            create schema marts;
            create table marts.users (
                user_key integer not null, name varchar, tags varchar[], seen timestamptz, day date
            );
            insert into marts.users values
                (1, 'O''Hara "x"', ['a', null], '2026-08-31 06:00:00+00', '2026-08-31'), (2, null, [], null, null);
            create table marts.users_daily (day date, n integer);
            insert into marts.users_daily values ('2026-08-30', 5);
            create table marts.secret (x integer);
            create view marts.user_names as select u.name, d.n
                from warehouse.marts.users as u, warehouse.marts.users_daily as d;
            set timezone = 'UTC';
        """)
        yield opened


def table(name: str, source: str | None = None, *, is_view: bool = False) -> PublishedTable:
    return PublishedTable(name, "marts", source or name, is_view)


USERS, DAILY, NAMES = table("users"), table("users_daily"), table("user_names", is_view=True)
GRAIN = "One row per person; it's the grain -- truly."
DICTIONARY: list[DictionaryRow] = [
    ("users", "name", 1, "string", False, GRAIN, "Name; 'quoted' and \"so\".", None),
    ("users_daily", "n", 1, "bigint", False, "One row per day.", "People.", "Do not add."),
    ("user_names", "name", 1, "string", False, "A view.", "From users.", None),
    ("elsewhere", "name", 1, "string", False, "Not in this build.", "Nothing.", None),
]
FACTS = {"publish_id": "p1", "data_through": "2026-08-29"}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "it's here").mkdir()
    return tmp_path / "it's here" / DATABASE_NAME


def rows_of(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read the file alone, as a reader does: the warehouse is not there."""
    alone = path.parent.parent / "alone.duckdb"
    shutil.copy(path, alone)
    with duckdb.connect(str(alone), read_only=True) as reader:
        reader.execute("set timezone = 'UTC'")
        return reader.execute(sql).fetchall()


def test_tables_are_copied_with_rows_and_types(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    assert write_database(con, [USERS, DAILY], target, FACTS) == {"users": 2, "users_daily": 1}
    expected = con.execute("from marts.users order by 1").fetchall()
    assert rows_of(target, "from users order by 1") == expected
    assert rows_of(target, "select column_name, data_type from duckdb_columns() where table_name = 'users'") == [
        ("user_key", "INTEGER"),
        ("name", "VARCHAR"),
        ("tags", "VARCHAR[]"),
        ("seen", "TIMESTAMP WITH TIME ZONE"),
        ("day", "DATE"),
    ]


def test_nothing_else_is_published(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    write_database(con, [USERS], target, FACTS)
    assert rows_of(target, "select schema_name, table_name from duckdb_tables() order by all") == [
        ("main", "data_dictionary"),
        ("main", "publish_info"),
        ("main", "users"),
    ]
    assert rows_of(target, "select view_name from duckdb_views() where not internal") == []
    assert b"secret" not in target.read_bytes()


def test_the_facts_of_the_release_are_in_the_file(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    write_database(con, [USERS], target, FACTS)
    assert dict(rows_of(target, "from publish_info")) == FACTS


def test_comments_say_what_the_dictionary_says_whatever_it_holds(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    write_database(con, [USERS, DAILY, NAMES], target, FACTS, DICTIONARY)
    assert dict(rows_of(target, "select table_name, comment from duckdb_tables()")) == {
        "users": GRAIN,
        "users_daily": "One row per day.",
        "publish_info": None,
        "data_dictionary": None,
    }
    assert rows_of(target, "select comment from duckdb_views() where view_name = 'user_names'") == [("A view.",)]
    assert rows_of(
        target, "select table_name, column_name, comment from duckdb_columns() where comment is not null order by all"
    ) == [
        ("user_names", "name", "From users."),
        ("users", "name", "Name; 'quoted' and \"so\"."),
        ("users_daily", "n", "People. Do not add."),
    ]


def test_a_view_reads_the_published_tables(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    """One table's name begins with the other's: users, users_daily."""
    for tables in ([USERS, DAILY, NAMES], [DAILY, USERS, NAMES]):
        target.unlink(missing_ok=True)
        assert write_database(con, tables, target, FACTS)["user_names"] == 2
        assert rows_of(target, "from user_names order by 1") == [('O\'Hara "x"', 5), (None, 5)]


def test_a_view_follows_a_table_that_is_published_under_another_name(
    con: duckdb.DuckDBPyConnection, target: Path
) -> None:
    write_database(con, [table("people", "users"), table("order", "users_daily"), NAMES], target, FACTS)
    assert rows_of(target, "from user_names order by 1") == [('O\'Hara "x"', 5), (None, 5)]


def test_a_view_over_something_unpublished_is_refused(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    """It would be there and fail for every reader."""
    con.execute("create view marts.leaky as select x from warehouse.marts.secret")
    with pytest.raises(RuntimeError, match="leaky reads a table that is not published"):
        write_database(con, [USERS, table("leaky", is_view=True)], target, FACTS)


def test_a_view_that_is_not_there_is_named(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    with pytest.raises(RuntimeError, match="nowhere"):
        write_database(con, [table("nowhere", is_view=True)], target, FACTS)


def test_a_failed_copy_leaves_the_connection_usable(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    with pytest.raises(duckdb.CatalogException):
        write_database(con, [table("nowhere")], target, FACTS)
    target.unlink()
    assert write_database(con, [USERS], target, FACTS) == {"users": 2}
    assert con.execute("select current_database(), current_schema()").fetchone() == ("warehouse", "main")


def test_the_file_is_whole_without_a_log_beside_it(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    con.execute("insert into marts.users_daily select '2026-01-01', range from range(100000)")
    write_database(con, [DAILY], target, FACTS)
    assert [path.name for path in target.parent.iterdir()] == [DATABASE_NAME]
    assert rows_of(target, "select count(*) from users_daily") == [(100_001,)]


def test_every_reader_of_version_1_can_open_the_file(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    write_database(con, [USERS], target, FACTS)
    assert STORAGE_VERSION == "v1.0.0"
    assert rows_of(target, "select tags['storage_version'] from duckdb_databases() where database_name = 'alone'") == [
        ("v1.0.0+",)
    ]
    header = target.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    # The number of the storage format: 64 is that of DuckDB 0.10 to 1.x; later formats count on.
    assert int.from_bytes(header[12:20], "little") == 64


def test_the_file_opens_beside_the_warehouse(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    write_database(con, [USERS, DAILY, NAMES], target, FACTS)
    with duckdb.connect(str(target), read_only=True) as first, duckdb.connect(str(target), read_only=True) as second:
        assert first.execute("select count(*) from user_names").fetchone() == (2,)
        assert second.execute("select count(*) from users").fetchone() == (2,)
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            first.execute("delete from users")
