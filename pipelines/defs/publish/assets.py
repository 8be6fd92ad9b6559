"""The published databases: the last assets of a run."""

from collections.abc import Iterator

import dagster as dg

from pipelines.defs.resources import Workplace, readable_errors
from pipelines.defs.transform.assets import project
from pipelines.publish.page.names import PAGE_NAME
from pipelines.publish.parquet import PARQUET_FOLDER
from pipelines.publish.release import publish_release
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.sync.outcome import failures_of_run
from pipelines.warehouse.publish import DATABASE_NAME, PublishedTable, published_tables, read_manifest
from pipelines.warehouse.releases import BUILDS

_DESCRIPTIONS = {
    "shareable": "Aggregates only, small groups protected: may be shared. Schema main of one DuckDB file.",
    "admin": "Everything, people by name: for administrators only. Schema main of one DuckDB file.",
}


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
            kinds={"duckdb", "file"},
            description=_DESCRIPTIONS[build],
        )
        for build in BUILDS
    ],
)
def publish(context: dg.AssetExecutionContext, workplace: Workplace) -> Iterator[dg.MaterializeResult[None]]:
    """Copy the marts into a new release and swap the links to it."""
    settings = workplace.settings()
    with readable_errors():
        release = publish_release(settings, project.manifest_path)
    for build, link in BUILDS.items():
        yield dg.MaterializeResult(
            asset_key=["published", build],
            metadata={
                "publish_id": release.publish_id,
                "data_through": release.data_through,
                "file": dg.MetadataValue.path(str(settings.data_dir / link / DATABASE_NAME)),
                "page": dg.MetadataValue.path(str(settings.data_dir / link / PAGE_NAME)),
                "workbook": dg.MetadataValue.path(str(settings.data_dir / link / WORKBOOK_NAME)),
                "parquet": dg.MetadataValue.path(str(settings.data_dir / link / PARQUET_FOLDER)),
                "bytes": sum(release.bytes[build].values()),
                "tables": len(release.rows[build]),
                "dagster/row_count": sum(release.rows[build].values()),
            },
        )
    with readable_errors():
        failures = failures_of_run(settings, context.run_id)
    if failures:
        raise dg.Failure(
            description="What could be had is published, but some requests failed: " + " ".join(failures),
            allow_retries=False,
        )
