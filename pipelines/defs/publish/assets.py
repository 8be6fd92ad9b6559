"""The published databases: the last assets of a run."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines.defs.owners import OWNERS
from pipelines.defs.publish.totals import totals
from pipelines.defs.resources import Workplace, readable_errors
from pipelines.defs.transform.assets import project
from pipelines.publish.page.names import PAGE_NAME
from pipelines.publish.parquet import PARQUET_FOLDER
from pipelines.publish.release import Release, publish_release
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.settings import Settings
from pipelines.sync.outcome import failures_of_run
from pipelines.warehouse.publish import DATABASE_NAME, PublishedTable, published_tables, read_manifest
from pipelines.warehouse.releases import BUILDS

_DESCRIPTIONS = {
    "shareable": "Aggregates only, small groups protected: may be shared. Schema main of one DuckDB file.",
    "admin": "Everything, people by name: for administrators only. Schema main of one DuckDB file.",
}


_FILES = {"page": PAGE_NAME, "workbook": WORKBOOK_NAME, "database": DATABASE_NAME, "parquet": PARQUET_FOLDER}


def _asset_key(table: PublishedTable, build: str) -> dg.AssetKey:
    if build == "shareable":
        return dg.AssetKey(["shareable", f"shareable__{table.source_name}"])
    return dg.AssetKey([table.source_schema if table.source_schema != "main" else "marts", table.source_name])


@dg.multi_asset(
    name="publish",
    pool="duckdb",
    specs=[
        dg.AssetSpec(
            ["published", build],
            deps=[_asset_key(table, build) for table in published_tables(read_manifest(project.manifest_path), build)],
            group_name="published",
            owners=OWNERS,
            kinds={"duckdb", "file"},
            description=_DESCRIPTIONS[build],
        )
        for build in BUILDS
    ],
)
def publish(context: dg.AssetExecutionContext, workplace: Workplace) -> Iterator[dg.MaterializeResult[None]]:
    """Copy the marts into a new release and swap the links to it."""
    settings, started = workplace.settings(), time.monotonic()
    with readable_errors():
        release = publish_release(settings, project.manifest_path)
    for note in release.notes:
        context.log.warning(note)
    if not release.is_new:
        context.log.info("Nothing has changed since the last release of this day: it stays.")
    seconds = round(time.monotonic() - started, 1)
    for build in BUILDS:
        yield dg.MaterializeResult(
            asset_key=["published", build], metadata={**_metadata(settings, release, build), "seconds": seconds}
        )
    with readable_errors():
        failures = failures_of_run(settings, context.run_id)
    if failures:
        raise dg.Failure(
            description="What could be had is published, but some requests failed: " + " ".join(failures),
            allow_retries=False,
        )


def _metadata(settings: Settings, release: Release, build: str) -> dict[str, Any]:
    """The latest totals, where the files are (a page from http may not link to a file), and how large."""
    folder, sizes = settings.data_dir / BUILDS[build], release.bytes[build]
    return {
        **totals(folder),
        **{name: dg.MetadataValue.path(str(folder / file)) for name, file in _FILES.items()},
        "publish_id": release.publish_id,
        "data_through": release.data_through,
        "tables": len(release.rows[build]),
        "rows": dg.MetadataValue.table(
            [dg.TableRecord({"table": name, "rows": rows}) for name, rows in sorted(release.rows[build].items())]
        ),
        "dagster/row_count": sum(release.rows[build].values()),
        "bytes": sum(sizes.values()),
        **{f"{name}_bytes": sizes[file] for name, file in _FILES.items()},
    }
