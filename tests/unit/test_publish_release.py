"""One release of both builds, from a warehouse and dbt's manifest to the links."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest
from test_publish import model

from pipelines.publish.release import publish_release
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
