"""One release: both builds made from the warehouse, then the links swapped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.publish.dictionary import dictionary_rows
from pipelines.publish.page.names import PAGE_NAME
from pipelines.publish.page.write import write_page
from pipelines.publish.parquet import PARQUET_FOLDER, write_parquet
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.settings import Settings
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.publish import DATABASE_NAME, published_tables, read_manifest, write_database
from pipelines.warehouse.releases import make_release, new_publish_id


@dataclass(frozen=True)
class Release:
    """What was published. rows: build -> table -> rows. data_through: last observed report date, ISO.

    bytes: build -> file, or folder, of the build -> its size.
    """

    publish_id: str
    data_through: str
    rows: dict[str, dict[str, int]]
    bytes: dict[str, dict[str, int]]


def publish_release(settings: Settings, manifest_path: Path) -> Release:
    """Copy the marts into a new release and make it the published one.

    manifest_path: dbt's manifest, which says what belongs to which build. Raises WarehouseBusyError.
    """
    # pandas and the like: a second that every other step of a run would wait for, too.
    from pipelines.publish.workbook.write import write_workbook

    manifest = read_manifest(manifest_path)
    publish_id = new_publish_id()
    rows: dict[str, dict[str, int]] = {}
    sizes: dict[str, dict[str, int]] = {}
    with open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        found = con.execute("select max(data_through) from main.tenants").fetchone()
        data_through = found[0].isoformat() if found and found[0] else ""

        def build(name: str, folder: Path) -> None:
            path = folder / DATABASE_NAME
            facts = {
                "publish_id": publish_id,
                "data_through": data_through,
                "published_on": settings.today_utc.isoformat(),
                "build": name,
            }
            tables = published_tables(manifest, name)
            rows[name] = write_database(con, tables, path, facts, dictionary_rows(manifest, name))
            parquet = write_parquet(path, folder / PARQUET_FOLDER, tables, facts)
            workbook = folder / WORKBOOK_NAME
            write_workbook(path, workbook, facts)
            sizes[name] = {
                DATABASE_NAME: path.stat().st_size,
                PARQUET_FOLDER: sum(parquet.values()),
                WORKBOOK_NAME: workbook.stat().st_size,
                PAGE_NAME: write_page(path, settings.today_utc).stat().st_size,
            }

        make_release(settings.data_dir, publish_id, build, keep=settings.keep_releases)
    return Release(publish_id, data_through, rows, sizes)
