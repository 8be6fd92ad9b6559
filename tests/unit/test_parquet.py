"""The Parquet files of a release: one per published table, with its rows and types, for whom it may be."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest
from test_publish import model
from test_publish_release import MANIFEST, manifest, settings  # noqa: F401

from pipelines.publish.parquet import write_parquet
from pipelines.publish.release import publish_release
from pipelines.settings import Settings
from pipelines.warehouse.publish import PublishedTable, published_tables

FACTS = {"publish_id": "p'1", "data_through": "2026-08-29", "build": "admin"}


def table(name: str, *, is_packed_elsewhere: bool = False) -> PublishedTable:
    return PublishedTable(name, "main", name, is_packed_elsewhere, is_packed_elsewhere)


def metadata(path: Path) -> dict[str, str]:
    found = duckdb.sql(f"select key, value from parquet_kv_metadata('{path}')").fetchall()
    return {key.decode(): value.decode() for key, value in found}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("""
            set timezone = 'UTC';
            create table days as
                select 't' as tenant_id, date '2026-08-29' as report_date, 3::bigint as active_users, 0.5 as rate,
                    timestamptz '2026-08-31 06:00:00+00' as loaded_at, 12.34::decimal(18, 2) as price, true as is_final
                union all select 't', date '2026-08-30', null, null, null, null, null;
            create table nothing (tenant_id varchar, n bigint);
            create view doubled as select active_users * 2 as n from days;
            create view unfolded as select * from days, range(10);
            create table publish_info as select 'build' as name, 'admin' as value;
            create table data_dictionary (table_name varchar);
        """)
    return path


def test_every_table_has_a_file_with_its_rows_and_types(database: Path, tmp_path: Path) -> None:
    tables = [table("days"), table("nothing"), table("doubled"), table("unfolded", is_packed_elsewhere=True)]
    sizes = write_parquet(database, tmp_path / "parquet", tables, FACTS)
    files = {path.stem: path for path in (tmp_path / "parquet").iterdir()}
    assert set(files) == {"days", "nothing", "doubled", "publish_info", "data_dictionary"}
    assert sizes == {name: path.stat().st_size for name, path in files.items()}
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        for name, path in files.items():
            assert con.sql(f"from '{path}'").types == con.sql(f"from {name}").types, name
            assert con.sql(f"from '{path}'").fetchall() == con.sql(f"from {name}").fetchall(), name
    # As other programs see them: dates are dates, instants are UTC, money is exact.
    schema = duckdb.sql(f"from parquet_schema('{files['days']}')")
    kinds = dict(schema.project("name, concat(converted_type, logical_type)").fetchall())
    assert kinds["report_date"].startswith("DATE")
    assert "isAdjustedToUTC=1" in kinds["loaded_at"]
    assert kinds["price"].startswith("DECIMAL")


def test_each_file_says_which_release_it_is_of(database: Path, tmp_path: Path) -> None:
    write_parquet(database, tmp_path / "parquet", [table("days")], FACTS)
    assert metadata(tmp_path / "parquet" / "days.parquet") == FACTS


def test_a_view_that_only_unfolds_a_packed_table_is_known() -> None:
    nodes = {
        "1": model("user_days"),
        "2": model("unfolded", materialized="view", meta={"audience": "admin", "packed_as": "user_days"}),
    }
    found = {table.name: table.is_packed_elsewhere for table in published_tables({"nodes": nodes}, "admin")}
    assert found == {"user_days": False, "unfolded": True}


def test_a_packed_view_is_published_as_a_table_before_the_views_that_read_it() -> None:
    nodes = {
        "1": model("unfolded", materialized="view", meta={"audience": "admin", "packed_as": "user_days"}),
        "2": model("int_user_days", materialized="view", meta={"audience": "admin", "published_as": "user_days"}),
    }
    found = [(table.name, table.is_view) for table in published_tables({"nodes": nodes}, "admin")]
    assert found == [("user_days", False), ("unfolded", True)]


def test_both_builds_have_their_own(settings: Settings, manifest: Path) -> None:  # noqa: F811
    release = publish_release(settings, manifest)
    found = {}
    for link, others in (("published", 0o022), ("published_admin", 0o077)):
        folder = settings.data_dir / link / "parquet"
        found[link] = {path.stem for path in folder.iterdir()}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o777 & ~others
        for path in folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~others
            assert metadata(path)["publish_id"] == release.publish_id
        assert b"Canary Person" not in b"".join(path.read_bytes() for path in folder.iterdir()) or link != "published"
    assert found["published"] == {"tenants", "data_dictionary", "publish_info"}
    assert found["published_admin"] == found["published"] | {"users", "names"}
    admin = settings.data_dir / "published_admin" / "parquet" / "names.parquet"
    assert duckdb.sql(f"select name from '{admin}'").fetchall() == [("Canary Person",)] * 3
