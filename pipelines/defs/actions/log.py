"""The action log as an asset: what was done to tenants, loaded like any source."""

import dagster as dg

from pipelines.defs.extract.columns import raw_metadata
from pipelines.defs.owners import OWNERS
from pipelines.defs.resources import Workplace, readable_errors
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.forgotten import Forgotten
from pipelines.warehouse.load_actions import load_action_log
from pipelines.warehouse.tables import table_descriptions

LOG_FILES = dg.AssetKey(["actions_folder", "log"])

files = dg.AssetSpec(
    LOG_FILES,
    group_name="actions",
    owners=OWNERS,
    kinds={"json"},
    description="The action log, one file a month, which applying a plan appends to; none where nothing was ever done.",
)


@dg.asset(
    key=["actions", "action_log"],
    pool="duckdb",
    deps=[files],
    group_name="actions",
    owners=OWNERS,
    kinds={"duckdb"},
    description=table_descriptions()["raw", "action_log"],
    metadata=raw_metadata("actions", "action_log"),
)
def action_log(workplace: Workplace) -> dg.MaterializeResult[None]:
    """Read the action log anew."""
    settings = workplace.settings()
    folder = settings.actions_dir / "log"
    with readable_errors(), open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        rows = load_action_log(con, folder, Forgotten.beside(settings.landing_dir))
    return dg.MaterializeResult(metadata={"dagster/row_count": rows, "folder": dg.MetadataValue.path(str(folder))})
