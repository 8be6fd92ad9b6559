"""One release: both builds made from the warehouse, then the links swapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.publish.dbt_docs import docs_page
from pipelines.publish.dictionary import dictionary_rows
from pipelines.publish.page.names import DOCS_NAME, PAGE_NAME
from pipelines.publish.page.write import write_page
from pipelines.publish.parquet import PARQUET_FOLDER, table_files, write_parquet
from pipelines.publish.pseudonym_key import fingerprint, is_open_to_others, read_key
from pipelines.publish.pseudonyms import PSEUDONYMS, Pseudonyms, published_with
from pipelines.publish.unchanged import is_unchanged
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.rules import load_rules
from pipelines.settings import Settings
from pipelines.warehouse.compact import compact_warehouse
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.publish import DATABASE_NAME, published_tables, read_manifest, write_database
from pipelines.warehouse.releases import BUILDS, drop_other_releases, make_release, new_publish_id

_FILES = (DATABASE_NAME, PARQUET_FOLDER, WORKBOOK_NAME, PAGE_NAME, DOCS_NAME)


@dataclass(frozen=True)
class Release:
    """What was published. rows: build -> table -> rows. data_through: last observed report date, ISO.

    bytes: build -> file, or folder, of the build -> its size. notes: what whoever runs it should know. is_new: False
    where nothing has changed and the last release of the day stays.
    """

    publish_id: str
    data_through: str
    rows: dict[str, dict[str, int]]
    bytes: dict[str, dict[str, int]]
    notes: tuple[str, ...] = ()
    is_new: bool = True


def publish_release(settings: Settings, manifest_path: Path) -> Release:
    """Copy the marts into a new release and make it the published one.

    manifest_path: dbt's manifest, which says what belongs to which build. With pseudonyms, releases that name people
    go. Without, the last release of the same day stays where nothing has changed since. Raises WarehouseBusyError, and
    SettingsError when pseudonyms are wanted and their key cannot be had.
    """
    # pandas and the like: a second that every other step of a run would wait for, too.
    from pipelines.publish.workbook.write import write_workbook

    manifest = read_manifest(manifest_path)
    docs = docs_page(manifest)
    publish_id = new_publish_id()
    rows: dict[str, dict[str, int]] = {}
    sizes: dict[str, dict[str, int]] = {}
    notes: list[str] = []
    key = _key(settings, notes) if settings.pseudonymize else None
    with open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        found = con.execute("select max(data_through) from main.tenants").fetchone()
        data_through = found[0].isoformat() if found and found[0] else ""
        pseudonyms = Pseudonyms(con, key, load_rules(settings.rules_dir).min_group_size) if key else None

        def facts_of(name: str) -> dict[str, str]:
            return {
                "publish_id": publish_id,
                "data_through": data_through,
                "published_on": settings.today_utc.isoformat(),
                "build": name,
                "people": "none" if name == "shareable" else PSEUDONYMS if key else "named",
            }

        if not key and _stands(settings, con, manifest, docs, facts_of):
            return _published(settings, manifest, data_through)

        def build(name: str, folder: Path) -> None:
            path, facts = folder / DATABASE_NAME, facts_of(name)
            tables, dictionary, copying = published_tables(manifest, name), dictionary_rows(manifest, name), None
            if name == "admin" and key and pseudonyms:
                facts["pseudonym_key"] = fingerprint(key)
                dictionary, copying = pseudonyms.dictionary(dictionary, tables), pseudonyms
            rows[name] = write_database(con, tables, path, facts, dictionary, copying)
            before = (settings.data_dir / BUILDS[name]).resolve() / PARQUET_FOLDER
            write_parquet(path, folder / PARQUET_FOLDER, tables, facts, before)
            workbook = folder / WORKBOOK_NAME
            write_workbook(path, workbook, facts)
            (folder / DOCS_NAME).write_text(docs, encoding="utf-8")
            write_page(path, settings.today_utc, settings.data_dir / "cache")
            sizes[name] = _sizes(folder)

        make_release(settings.data_dir, publish_id, build, keep=settings.keep_releases)
        if key:
            # Beside each other, the figures alone would tell who is behind which pseudonym.
            removed = drop_other_releases(settings.data_dir, lambda release: not published_with(release / "admin"))
            if removed:
                notes.append(f"People are pseudonyms now; earlier releases that named them were removed: {removed}.")
    compact_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds)
    return Release(publish_id, data_through, rows, sizes, tuple(notes))


def _stands(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    docs: str,
    facts_of: Callable[[str], dict[str, str]],
) -> bool:
    """Whether both builds that are published say what new ones would."""
    folders = {name: (settings.data_dir / link).resolve() for name, link in BUILDS.items()}
    if len({folder.parent for folder in folders.values()}) > 1:
        return False
    return all(
        is_unchanged(
            con, published_tables(manifest, name), folder, facts_of(name), dictionary_rows(manifest, name), _FILES
        )
        and (folder / DOCS_NAME).read_text(encoding="utf-8") == docs
        for name, folder in folders.items()
    )


def _published(settings: Settings, manifest: Mapping[str, Any], data_through: str) -> Release:
    """The release that is there."""
    rows, sizes = {}, {}
    for name, link in BUILDS.items():
        folder = (settings.data_dir / link).resolve()
        with duckdb.connect(str(folder / DATABASE_NAME), read_only=True) as con:
            rows[name] = {
                table.name: con.table(table.name).count("*").fetchall()[0][0]
                for table in published_tables(manifest, name)
            }
        sizes[name] = _sizes(folder)
    return Release(folder.parent.name, data_through, rows, sizes, is_new=False)


def _sizes(folder: Path) -> dict[str, int]:
    """The bytes of each file of a build, and of its folder of Parquet."""
    parquet = sum(path.stat().st_size for paths in table_files(folder / PARQUET_FOLDER).values() for path in paths)
    return {
        PARQUET_FOLDER: parquet,
        **{name: (folder / name).stat().st_size for name in _FILES if name != PARQUET_FOLDER},
    }


def _key(settings: Settings, notes: list[str]) -> bytes:
    """The key of the pseudonyms, and what is to be said of it."""
    path = settings.pseudonym_key_file
    before = published_with(settings.data_dir / BUILDS["admin"])
    key = read_key(path, published_with=before)
    if before and before != fingerprint(key):
        notes.append("The key of the pseudonyms is another one than before: everybody has another pseudonym now.")
    if is_open_to_others(path):
        notes.append(f"The key of the pseudonyms can be read by others: chmod 600 {path}")
    return key
