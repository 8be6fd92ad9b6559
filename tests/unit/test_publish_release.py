"""One release of both builds, from a warehouse and dbt's manifest to the links."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest
from test_publish import model

from pipelines.publish.release import publish_release
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.settings import Settings
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.publish import DATABASE_NAME

MANIFEST = {
    "nodes": {
        "1": model("tenants", "main"),
        "2": model("users", "main"),
        "3": model("names", "main", materialized="view"),
        "4": model("shareable__tenants", "shareable", meta={"audience": "shareable", "published_as": "tenants"}),
    }
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, keep_releases=2, lock_wait_seconds=0, today=date(2026, 8, 31))


@pytest.fixture
def manifest(tmp_path: Path, settings: Settings) -> Path:
    with open_warehouse(settings.warehouse_path) as con:
        con.execute("""
            create schema shareable;
            create table main.tenants as select 't1' as tenant_id, 'Contoso' as name,
                'contoso.com' as domain, date '2026-08-29' as data_through, timestamptz '2026-08-31 06:00:00+00' as
                last_synced_at, false as is_concealed_now;
            create table main.users as select range as user_key, 'Canary Person' as name from range(3);
            create view main.names as select name from warehouse.main.users;
            create table shareable.shareable__tenants as from main.tenants;
        """)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFEST))
    return path


def facts(path: Path) -> dict[str, str]:
    with duckdb.connect(str(path), read_only=True) as con:
        return dict(con.execute("from publish_info").fetchall())


def test_both_builds_carry_the_same_release(settings: Settings, manifest: Path) -> None:
    release = publish_release(settings, manifest)
    assert release.rows == {"shareable": {"tenants": 1}, "admin": {"tenants": 1, "users": 3, "names": 3}}
    assert release.data_through == "2026-08-29"
    for build, link in (("shareable", "published"), ("admin", "published_admin")):
        path = settings.data_dir / link / DATABASE_NAME
        assert release.bytes[build][DATABASE_NAME] == path.stat().st_size
        assert facts(path) == {
            "publish_id": release.publish_id,
            "data_through": "2026-08-29",
            "published_on": "2026-08-31",
            "build": build,
            "people": "named" if build == "admin" else "none",
        }


def test_the_shareable_build_names_nobody(settings: Settings, manifest: Path) -> None:
    publish_release(settings, manifest)
    assert b"Canary Person" not in (settings.data_dir / "published" / DATABASE_NAME).read_bytes()
    assert b"Canary Person" in (settings.data_dir / "published_admin" / DATABASE_NAME).read_bytes()


def test_a_warehouse_without_any_day_can_be_published(settings: Settings, manifest: Path) -> None:
    with open_warehouse(settings.warehouse_path) as con:
        con.execute("update main.tenants set data_through = null")
    assert publish_release(settings, manifest).data_through == ""


def test_readers_see_the_new_figures_after_the_next_release(settings: Settings, manifest: Path) -> None:
    first = publish_release(settings, manifest)
    with duckdb.connect(str(settings.data_dir / "published_admin" / DATABASE_NAME), read_only=True) as reader:
        with open_warehouse(settings.warehouse_path) as con:
            con.execute("delete from main.users where user_key > 0")
        second = publish_release(settings, manifest)
        assert reader.execute("select count(*) from names").fetchone() == (3,)
    assert second.publish_id != first.publish_id
    assert second.rows["admin"]["names"] == 1
    with duckdb.connect(str(settings.data_dir / "published_admin" / DATABASE_NAME), read_only=True) as reader:
        assert reader.execute("select count(*) from names").fetchone() == (1,)


@pytest.mark.parametrize(
    "change",
    [
        "update {schema}tenants set last_synced_at = timestamptz '2026-08-31 09:00:00+00'",
        "create table main.sync_runs as select 1",
    ],
)
def test_a_release_stays_where_nothing_has_changed_but_the_time(
    settings: Settings, manifest: Path, change: str
) -> None:
    first = publish_release(settings, manifest)
    with open_warehouse(settings.warehouse_path) as con:
        for schema in ("main.", "shareable.shareable__") if "{schema}" in change else ("",):
            con.execute(change.format(schema=schema))
    second = publish_release(settings, manifest)
    assert not second.is_new
    assert (second.publish_id, second.rows, second.bytes) == (first.publish_id, first.rows, first.bytes)
    assert [path.name for path in (settings.data_dir / "releases").iterdir()] == [first.publish_id]


@pytest.mark.parametrize(
    "change",
    [
        "update main.users set name = 'Somebody else' where user_key = 1",
        "delete from main.users where user_key = 1",
        "insert into main.users from main.users where user_key = 1",
        "update shareable.shareable__tenants set name = 'Fabrikam'",
        "alter table main.users rename column name to display_name",
    ],
)
def test_whatever_changed_makes_a_new_release(settings: Settings, manifest: Path, change: str) -> None:
    first = publish_release(settings, manifest)
    with open_warehouse(settings.warehouse_path) as con:
        con.execute("drop view main.names")
        con.execute(change)
        con.execute("create view main.names as select 1 as name")
    second = publish_release(settings, manifest)
    assert (second.publish_id != first.publish_id, second.is_new) == (True, True)


def test_so_do_another_day_a_missing_file_and_a_newer_program(
    settings: Settings, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = [publish_release(settings, manifest)]
    tomorrow = settings.model_copy(update={"today": date(2026, 9, 1)})
    releases.append(publish_release(tomorrow, manifest))
    (settings.data_dir / "published" / WORKBOOK_NAME).unlink()
    releases.append(publish_release(tomorrow, manifest))
    monkeypatch.setattr("pipelines.publish.unchanged._SOURCES", settings.data_dir / "program")
    (settings.data_dir / "program").mkdir()
    (settings.data_dir / "program" / "page.html").write_text("a newer page")
    releases.append(publish_release(tomorrow, manifest))
    assert len({release.publish_id for release in releases}) == 4
