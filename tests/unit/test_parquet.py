"""The Parquet files of a release: one per published table, with its rows and types, for whom it may be."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest
from test_publish import model
from test_publish_release import MANIFEST, manifest, settings  # noqa: F401

from pipelines.publish.parquet import table_files, write_parquet
from pipelines.publish.release import publish_release
from pipelines.settings import Settings
from pipelines.warehouse.publish import PublishedTable, published_tables

FACTS = {"publish_id": "p'1", "data_through": "2026-08-29", "build": "admin"}


def table(name: str, *, is_packed_elsewhere: bool = False) -> PublishedTable:
    return PublishedTable(name, "main", name, is_packed_elsewhere, is_packed_elsewhere)


PEOPLE_BY_DAY = PublishedTable(
    "people_days", "main", "people_days", is_view=False, grain=("report_date", "user_key"), is_admin_only=True
)


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


def people_by_day(folder: Path, name: str, change: str = "") -> Path:
    """A release's Parquet folder of two months of people, after a change."""
    database = folder / f"{name}.duckdb"
    with duckdb.connect(str(database)) as con:
        con.execute("""
            set timezone = 'UTC';
            create table people_days as
                select (date '2026-08-20' + n::integer) as report_date, k as user_key, 17::tinyint as outlook,
                    case when k > 1 then 'x' end as note
                from range(20) as days(n), range(3) as keys(k);
            create table publish_info as select 'build' as name, 'admin' as value;
            create table data_dictionary (table_name varchar);
        """)
        con.execute(change)
    before = sorted(path for path in folder.iterdir() if path.is_dir())
    facts = {**FACTS, "publish_id": name}
    sizes = write_parquet(database, folder / name, [PEOPLE_BY_DAY], facts, before[-1] if before else None)
    months = sorted((folder / name / "people_days").iterdir())
    assert sizes["people_days"] == sum(path.stat().st_size for path in months)
    with duckdb.connect(str(database), read_only=True) as con:
        read = f"read_parquet('{folder / name / 'people_days'}/*.parquet')"
        assert con.sql(f"from {read} order by all").fetchall() == con.sql("from people_days order by all").fetchall()
        assert con.sql(f"from {read}").types == con.sql("from people_days").types
    return folder / name / "people_days"


def test_people_by_day_are_cut_by_month(tmp_path: Path) -> None:
    months = people_by_day(tmp_path, "1")
    assert sorted(path.name for path in months.iterdir()) == ["2026-08.parquet", "2026-09.parquet"]
    assert table_files(tmp_path / "1") == {
        "data_dictionary": [tmp_path / "1" / "data_dictionary.parquet"],
        "people_days": [months / "2026-08.parquet", months / "2026-09.parquet"],
        "publish_info": [tmp_path / "1" / "publish_info.parquet"],
    }


@pytest.mark.parametrize(
    "change",
    [
        "update people_days set outlook = 16 where report_date = date '2026-09-01' and user_key = 1",
        "update people_days set note = 'null' where report_date = date '2026-09-01' and user_key = 1",
        "delete from people_days where report_date = date '2026-09-01' and user_key = 1",
        "insert into people_days from people_days where report_date = date '2026-09-01' and user_key = 1",
        "update people_days set user_key = 3 - user_key where report_date = date '2026-09-01' and user_key > 0",
    ],
)
def test_only_a_month_that_changed_is_written(tmp_path: Path, change: str) -> None:
    first = people_by_day(tmp_path, "1")
    same, other = people_by_day(tmp_path, "2"), people_by_day(tmp_path, "3", change)
    inodes = [[path.stat().st_ino for path in sorted(months.iterdir())] for months in (first, same, other)]
    assert inodes[0] == inodes[1]
    assert (inodes[1][0] == inodes[2][0], inodes[1][1] == inodes[2][1]) == (True, False)
    assert metadata(other / "2026-08.parquet")["publish_id"] == "1"
    assert metadata(other / "2026-09.parquet")["publish_id"] == "3"


def test_other_columns_are_another_content(tmp_path: Path) -> None:
    first = people_by_day(tmp_path, "1")
    second = people_by_day(tmp_path, "2", "alter table people_days rename column note to remark")
    assert not {path.stat().st_ino for path in first.iterdir()} & {path.stat().st_ino for path in second.iterdir()}


@pytest.mark.parametrize("damage", [b"", b"PAR1 of another kind", None])
def test_a_file_that_cannot_be_read_or_linked_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    first = people_by_day(tmp_path, "1")
    if damage is None:
        monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError("not on this file system")))
    else:
        (first / "2026-08.parquet").write_bytes(damage)
    second = people_by_day(tmp_path, "2")
    assert (first / "2026-08.parquet").stat().st_ino != (second / "2026-08.parquet").stat().st_ino


def test_a_table_of_people_without_a_day_is_a_file_without_rows(tmp_path: Path) -> None:
    months = people_by_day(tmp_path, "1", "delete from people_days")
    assert [path.name for path in months.iterdir()] == ["none.parquet"]
