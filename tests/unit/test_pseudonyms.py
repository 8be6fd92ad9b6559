"""Pseudonyms: keyed hashes that stay the same for a person, their key, and nothing of a name in the admin build."""

from __future__ import annotations

import hmac
import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_publish import model

from pipelines.publish.pseudonym_key import fingerprint, read_key
from pipelines.publish.pseudonyms import Pseudonyms, published_with
from pipelines.publish.release import Release, publish_release
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.publish import PublishedTable
from pipelines.warehouse.releases import drop_other_releases

KEY = bytes(range(32))
NAMES = ["canary.one@contoso.com", "canary.two@contoso.com", "Canary One", "Canary Two", "0b1ec7-canary-id-1",
         "0b1ec7-canary-id-2", "canary.unknown@contoso.com"]  # fmt: skip
USERS = """
    create schema if not exists intermediate;
    create or replace table intermediate.int_people as
        select 't1' as tenant_id, unnest([1, 2]) as user_key, unnest(['0B1EC7-canary-id-2', null]) as manager_id;
    create or replace table main.users (
        tenant_id varchar, user_key integer, user_id varchar, user_principal_name varchar, display_name varchar,
        manager_name varchar, department varchar, job_title varchar, created_at timestamptz
    );
    insert into main.users values
        ('t1', 1, '0b1ec7-canary-id-1', 'canary.one@contoso.com', 'Canary One', 'Canary Two', 'Sales', 'Clerk',
            '2024-03-15 10:11:12+00'),
        ('t1', 2, '0b1ec7-canary-id-2', 'canary.two@contoso.com', 'Canary Two', null, 'Sales', 'Chief', null),
        ('t1', -7, null, 'canary.unknown@contoso.com', null, null, null, 'Clerk', null);
"""
MARKS = {"user_key": "key", "user_id": "person", "user_principal_name": "person", "display_name": "person",
         "manager_name": "manager", "job_title": "rare", "created_at": "month"}  # fmt: skip


def pseudonym(person: str, key: bytes = KEY) -> str:
    """By the standard library's HMAC."""
    return "p-" + hmac.digest(key, person.encode(), "sha256").hex()[:16]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("set timezone = 'UTC'")
        opened.execute(USERS)
        yield opened


def published(con: duckdb.DuckDBPyConnection, key: bytes = KEY, least: int = 2) -> list[dict[str, Any]]:
    table = PublishedTable(
        "users", "main", "users", False, personal=tuple(MARKS.items()), grain=("user_key",), is_admin_only=True
    )
    result = con.sql(Pseudonyms(con, key, least).select(table))
    return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]


def test_each_person_has_one_pseudonym_by_hmac(con: duckdb.DuckDBPyConnection) -> None:
    unknown, *known = published(con)
    one, two = sorted(known, key=lambda row: row["job_title"] is None)
    name = pseudonym("t1\n0b1ec7-canary-id-1")
    assert (one["user_id"], one["user_principal_name"], one["display_name"]) == (name, name, name)
    assert one["user_key"] == int(name[2:14], 16)
    assert one["manager_name"] == two["display_name"] == pseudonym("t1\n0b1ec7-canary-id-2")
    assert two["manager_name"] is None
    assert unknown["user_principal_name"] == pseudonym("t1\ncanary.unknown@contoso.com")
    assert unknown["user_key"] == -int(unknown["user_principal_name"][2:14], 16), "negative as ever"
    assert unknown["user_id"] is None, "null stays null"
    assert {row["user_key"] for row in published(con)}.isdisjoint(row["user_key"] for row in published(con, KEY[::-1]))


def test_what_singles_out_goes_and_moments_are_cut(con: duckdb.DuckDBPyConnection) -> None:
    rows = published(con)
    assert sorted(str(row["job_title"]) for row in rows) == ["Clerk", "Clerk", "None"], "there is one chief"
    assert {row["department"] for row in rows} == {"Sales", None}
    assert [row["created_at"].isoformat() for row in rows if row["created_at"]] == ["2024-03-01T00:00:00+00:00"]
    assert {row["job_title"] for row in published(con, least=3)} == {None}


def test_rows_stand_in_the_order_of_the_pseudonyms(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into main.users select 't1', n + 10, 'id' || n, null, null, null, null, null, null "
                "from range(50) as r(n)")  # fmt: skip
    keys = [row["user_key"] for row in published(con)]
    assert keys == sorted(keys), "the order of keys and names would tell who is who"


def test_a_renamed_person_keeps_the_pseudonym(con: duckdb.DuckDBPyConnection) -> None:
    before = {row["user_key"] for row in published(con)}
    con.execute("update main.users set user_principal_name = 'other@contoso.com', display_name = 'Canary Married' "
                "where user_key = 1")  # fmt: skip
    assert {row["user_key"] for row in published(con)} == before


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=100), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_the_hash_is_hmac_sha256(key: bytes, name: str) -> None:
    with duckdb.connect() as con:
        con.execute(USERS)
        con.execute("update main.users set user_principal_name = ? where user_key = -7", [name])
        lower = con.execute("select lower(?)", [name]).fetchall()[0][0]
        Pseudonyms(con, key, 2)
        (found,) = con.execute("select person from pseudonyms where user_key = -7").fetchall()
    assert found == (pseudonym(f"t1\n{lower}", key),)


def test_somebody_who_is_not_in_users_stops_it(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table main.days as select 9 as user_key")
    table = PublishedTable("days", "main", "days", False, personal=(("user_key", "key"),), is_admin_only=True)
    with pytest.raises(duckdb.Error, match="unknown user_key") as caught:
        con.execute(Pseudonyms(con, KEY, 2).select(table)).fetchall()
    assert KEY.hex() not in str(caught.value)


def test_two_people_with_one_pseudonym_stop_it(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into main.users select * replace (3 as user_key) from main.users where user_key = 1")
    with pytest.raises(SettingsError, match="Two people would have the same pseudonym"):
        Pseudonyms(con, KEY, 2)


def test_a_table_of_people_without_a_mark_is_not_published(con: duckdb.DuckDBPyConnection) -> None:
    pseudonyms = Pseudonyms(con, KEY, 2)
    with pytest.raises(RuntimeError, match=r"No column of users is marked"):
        pseudonyms.select(PublishedTable("users", "main", "users", False, is_admin_only=True))
    with pytest.raises(RuntimeError, match="Nobody knows"):
        pseudonyms.select(PublishedTable("users", "main", "users", False, personal=(("user_id", "x"),)))


# --- the key --------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: read_key(path), range(8)))
    assert len(keys) == 1
    assert len(*keys) == 32
    assert read_key(tmp_path / "another") not in keys
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_a_lost_key_is_not_made_anew_unasked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"is gone: there is no .*key. Restore it from your backup"):
        read_key(tmp_path / "key", published_with="0011223344556677")
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("content", [b"", b"abcd\n", b"x" * 64, b"\xff" * 64])
def test_a_damaged_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SettingsError, match=r"M365_PSEUDONYM_KEY_FILE: .*key (holds no key|cannot be read)"):
        read_key(tmp_path / "key")


def test_a_place_where_no_key_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"M365_PSEUDONYM_KEY_FILE: .* cannot be (read|made)"):
        read_key(tmp_path / "file" / "key")


def test_fingerprints_tell_keys_apart_and_not_what_they_are() -> None:
    assert fingerprint(KEY) == fingerprint(KEY) != fingerprint(KEY[::-1])
    assert fingerprint(KEY) not in KEY.hex()


def test_the_key_may_not_lie_in_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("M365_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "data")
    monkeypatch.setenv("M365_PSEUDONYM_KEY_FILE", str(tmp_path / "elsewhere" / "key"))
    assert load_settings().pseudonymize is False
    monkeypatch.setenv("M365_PSEUDONYMIZE", "1")
    with pytest.raises(SettingsError, match="inside the data folder"):
        load_settings()
    monkeypatch.delenv("M365_PSEUDONYM_KEY_FILE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert load_settings().pseudonym_key_file == tmp_path / "config" / "m365-usage" / "pseudonym.key"


# --- a release ------------------------------------------------------------------------------------------------


def marked(name: str, marks: dict[str, str], **facts: Any) -> dict[str, Any]:
    metas: dict[str, dict[str, str]] = {"app": {}, **{column: {"personal": kind} for column, kind in marks.items()}}
    plain = {"data_type": "string", "description": "It."}
    columns = {column: {**plain, "name": column, "config": {"meta": meta}} for column, meta in metas.items()}
    return {**model(name, "main", **facts), "description": f"One row per {name}.", "columns": columns}


MANIFEST = {
    "nodes": {
        "1": model("tenants", "main", meta={"audience": "shareable"}),
        "2": marked("users", MARKS),
        "3": marked("days", {"user_key": "key"}, meta={"audience": "admin", "grain": ["user_key"]}),
        "4": marked("app_days", {"user_key": "key"}, materialized="view"),
        "5": model("shareable__tenants", "shareable", meta={"audience": "shareable", "published_as": "tenants"}),
    }
}


@pytest.fixture(name="settings")
def settings_of_a_release(tmp_path: Path) -> Settings:
    found = Settings(data_dir=tmp_path / "data", lock_wait_seconds=0, pseudonym_key_file=tmp_path / "key")
    with open_warehouse(found.warehouse_path) as con:
        con.execute(USERS)
        con.execute("""
            create schema shareable;
            create table main.tenants as select 't1' as tenant_id, 'Contoso' as name, 'contoso.com' as domain,
                date '2026-08-29' as data_through, now() as last_synced_at, false as is_concealed_now;
            create table main.days as select unnest([1, 1, 2, -7]) as user_key;
            create view main.app_days as select user_key, 'word' as app from warehouse.main.days;
            create table shareable.shareable__tenants as from main.tenants;
        """)
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    return found


def publish(settings: Settings, **changes: Any) -> Release:
    return publish_release(settings.model_copy(update=changes), settings.data_dir.parent / "manifest.json")


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(
        str((settings.data_dir / "published_admin/m365_usage.duckdb").resolve()), read_only=True
    ) as con:
        return con.execute(sql).fetchall()


def named(folder: Path) -> set[str]:
    """The names that stand in any file of the folder: bytes as they are, tables and cells read."""
    text = ""
    for path in folder.resolve().rglob("*.*"):
        text += path.read_bytes().decode(errors="replace") if path.is_file() else ""
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                tables = [name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()]
                text += repr([con.execute(f"from {name}").fetchall() for name in tables])
        elif path.suffix == ".parquet":
            text += repr(duckdb.sql(f"from '{path}'").fetchall())
        elif path.suffix == ".xlsx":
            text += repr([list(page.values) for page in openpyxl.load_workbook(path).worksheets])
    return {name for name in NAMES if name.lower() in text.lower()}


def test_no_file_of_the_admin_build_names_anybody(settings: Settings) -> None:
    publish(settings)
    assert named(settings.data_dir / "published_admin") == set(NAMES)
    release = publish(settings, pseudonymize=True)
    admin = settings.data_dir / "published_admin"
    assert named(admin) == set()
    key = (settings.pseudonym_key_file).read_text().strip()
    assert all(
        key not in path.read_bytes().decode(errors="replace") for path in admin.resolve().rglob("*.*") if path.is_file()
    )
    assert release.rows["admin"]["app_days"] == 4
    assert rows(settings, "select count(*) from app_days join users using (user_key)") == [(4,)]
    facts = dict(rows(settings, "from publish_info"))
    assert facts["people"] == "pseudonyms"
    assert facts["pseudonym_key"] == published_with(admin) == fingerprint(bytes.fromhex(key))
    book = openpyxl.load_workbook(admin / "m365_usage.xlsx")
    text = repr(list(book["Read me"].values))
    assert "People are pseudonyms here" in text
    assert "Names people" not in text
    assert '"People are pseudonyms."' in (admin / "m365_usage.html").read_text(encoding="utf-8")


def test_what_is_said_of_the_columns_is_true_there(settings: Settings) -> None:
    publish(settings, pseudonymize=True)
    (comment,) = rows(settings, "select comment from duckdb_columns() where column_name = 'display_name'")
    assert comment == ("It. In this release the person's pseudonym.",)
    described = rows(
        settings,
        "select type, meaning from data_dictionary where table_name = 'app_days' and column_name = 'user_key'",
    )
    assert described == [
        ("bigint", "It. In this release a pseudonym: a number for the same person in every table and release.")
    ]


def test_switched_on_earlier_releases_with_names_go(settings: Settings) -> None:
    publish(settings)
    publish(settings, today=date(2026, 1, 1))
    first = publish(settings, pseudonymize=True)
    assert first.notes == ("People are pseudonyms now; earlier releases that named them were removed: 2.",)
    assert named(settings.data_dir / "releases") == set()
    people = rows(settings, "select user_key, display_name, manager_name from users")
    second = publish(settings, pseudonymize=True)
    assert second.notes == ()
    assert rows(settings, "select user_key, display_name, manager_name from users") == people
    kept = sorted(path.name for path in (settings.data_dir / "releases").iterdir())
    assert kept == sorted([first.publish_id, second.publish_id])
    # Switched off, the next release has names again.
    publish(settings)
    assert named(settings.data_dir / "published_admin") == set(NAMES)
    assert dict(rows(settings, "from publish_info"))["people"] == "named"


def test_another_key_and_a_key_for_all_to_read_are_told(settings: Settings) -> None:
    publish(settings, pseudonymize=True)
    before = set(rows(settings, "select display_name from users where display_name is not null"))
    settings.pseudonym_key_file.write_text(KEY.hex() + "\n")
    settings.pseudonym_key_file.chmod(0o644)
    changed = publish(settings, pseudonymize=True)
    assert [note.split(":")[0] for note in changed.notes] == [
        "The key of the pseudonyms is another one than before",
        "The key of the pseudonyms can be read by others",
    ]
    assert before.isdisjoint(rows(settings, "select display_name from users"))


def test_a_lost_key_leaves_the_release_that_stands(settings: Settings) -> None:
    release = publish(settings, pseudonymize=True)
    settings.pseudonym_key_file.unlink()
    with pytest.raises(SettingsError, match="is gone"):
        publish(settings, pseudonymize=True)
    assert dict(rows(settings, "from publish_info"))["publish_id"] == release.publish_id


def test_a_forgotten_person_is_in_no_release_under_any_name(settings: Settings) -> None:
    publish(settings, pseudonymize=True)
    (gone,) = rows(settings, "select manager_name from users where manager_name is not null")
    with open_warehouse(settings.warehouse_path) as con:
        con.execute("delete from main.users where user_key = 2; delete from main.days where user_key = 2")
        con.execute("update main.users set manager_name = null; update intermediate.int_people set manager_id = null")
    publish(settings, pseudonymize=True)
    drop_other_releases(settings.data_dir)
    assert gone not in rows(settings, "select display_name from users union select manager_name from users")
    assert len(list((settings.data_dir / "releases").iterdir())) == 1
