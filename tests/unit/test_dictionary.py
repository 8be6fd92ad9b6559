"""The data dictionary: one text for comments, table and page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_publish import model

from pipelines.publish.dictionary import as_markdown, dictionary_rows, main, split_description
from pipelines.publish.release import publish_release
from pipelines.settings import Settings
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.publish import DATABASE_NAME


def described(name: str, folder: str, audience: str, *columns: str, **facts: Any) -> dict[str, Any]:
    node = model(name, folder, meta={"audience": audience, "grain": ["day"], **facts})
    node["description"] = f"One row per day: the {audience} build's own. More | text."
    node["columns"] = {
        column: {"name": column, "data_type": "bigint", "description": f"The {column}.\n  Do not sum over days."}
        for column in columns
    }
    return node


MANIFEST = {
    "nodes": {
        "1": described("usage", "main", "shareable", "day", "users"),
        "2": described("people", "main", "admin", "day", "name"),
        "3": described("shareable__usage", "shareable", "shareable", "day", "users", published_as="usage"),
        "4": model("int_days", "intermediate", meta={}),
    }
}


@pytest.mark.parametrize(
    ("text", "meaning", "additivity"),
    [
        ("The day.", "The day.", None),
        ("Units held. Licences; may be added over SKUs.", "Units held.", "Licences; may be added over SKUs."),
        ("Share of e.g. days. Not additive.", "Share of e.g. days.", "Not additive."),
        ("Distinct people: not additive.", "Distinct people: not additive.", "Distinct people: not additive."),
        ("People. Null: unknown. Do not sum\nover days.", "People. Null: unknown.", "Do not sum over days."),
    ],
)
def test_meaning_and_additivity_are_told_apart(text: str, meaning: str, additivity: str | None) -> None:
    assert split_description(text) == (meaning, additivity)


def test_each_build_describes_its_own_tables() -> None:
    shareable = dictionary_rows(MANIFEST, "shareable")
    assert {row[0] for row in shareable} == {"usage", "data_dictionary", "publish_info"}
    assert {row[0] for row in dictionary_rows(MANIFEST, "admin")} == {row[0] for row in shareable} | {"people"}
    assert [row[1:5] + row[6:] for row in shareable if row[0] == "usage"] == [
        ("day", 1, "bigint", True, "The day.", "Do not sum over days."),
        ("users", 2, "bigint", False, "The users.", "Do not sum over days."),
    ]


def test_the_page_has_every_table_and_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = as_markdown(MANIFEST)
    assert "| [people](#people) ● | day: the admin build's own |" in page
    assert "| [usage](#usage) | day:" in page
    assert "| **day** | bigint | The day. Do not sum over days. |\n| name | bigint | The name." in page
    assert "int_days" not in page
    monkeypatch.setattr("sys.argv", ["dictionary", "only one"])
    with pytest.raises(SystemExit, match="MANIFEST PAGE"):
        main()


def test_the_published_table_and_comments_are_the_dictionary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path, lock_wait_seconds=0)
    with open_warehouse(settings.warehouse_path) as con:
        con.execute("""
            create schema shareable;
            create table main.tenants as select 't1' as tenant_id, date '2026-08-29' as data_through;
            create table main.usage as select 1::bigint as day, 2::bigint as users;
            create table main.people as select 1::bigint as day, 2::bigint as name;
            create table shareable.shareable__usage as from main.usage;
        """)
    monkeypatch.setattr("pipelines.publish.release.read_manifest", lambda _: MANIFEST)
    publish_release(settings, tmp_path / "manifest.json")
    with duckdb.connect(str(tmp_path / "published" / DATABASE_NAME), read_only=True) as con:
        found = con.execute("from data_dictionary order by table_name, position").fetchall()
        assert found == sorted(dictionary_rows(MANIFEST, "shareable"), key=lambda row: (row[0], row[2]))
        commented = con.execute(
            "select table_name, column_name from duckdb_columns() where not internal and comment is not null"
        ).fetchall()
    assert set(commented) == {row[:2] for row in found}
