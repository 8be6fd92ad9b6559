"""The user's own lists as assets: what only they know about their tenants."""

from collections.abc import Iterator

import dagster as dg

from pipelines.defs.extract.columns import raw_metadata
from pipelines.defs.owners import OWNERS
from pipelines.defs.resources import Workplace, readable_errors
from pipelines.rules import RULES_FILE, load_rules
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.own_lists import OWN_LISTS, load_own_lists
from pipelines.warehouse.tables import table_descriptions

_DESCRIPTIONS = table_descriptions()


def _file(name: str) -> dg.AssetKey:
    return dg.AssetKey(["rules_folder", name.replace(".", "_")])


files = [
    dg.AssetSpec(
        _file(own_list.file_name),
        group_name="rules",
        owners=OWNERS,
        kinds={"csv"},
        description=f"{own_list.file_name} in the rules folder, if there is one.",
    )
    for own_list in OWN_LISTS
]


@dg.multi_asset(
    name="rules",
    pool="duckdb",
    specs=[
        dg.AssetSpec(
            dg.AssetKey(["rules", own_list.table]),
            deps=[_file(own_list.file_name)],
            group_name="rules",
            owners=OWNERS,
            kinds={"duckdb"},
            description=_DESCRIPTIONS["raw", own_list.table],
            metadata=raw_metadata("rules", own_list.table),
        )
        for own_list in OWN_LISTS
    ],
)
def rules(workplace: Workplace) -> Iterator[dg.MaterializeResult[None]]:
    """Read the lists of the rules folder anew, and see that its thresholds can be used."""
    settings = workplace.settings()
    with readable_errors(), open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        load_rules(settings.rules_dir)
        rows = load_own_lists(con, settings.rules_dir)
    for own_list in OWN_LISTS:
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["rules", own_list.table]),
            metadata={
                "dagster/row_count": rows[own_list.file_name],
                "dagster/table_name": f"raw.{own_list.table}",
                "file": dg.MetadataValue.path(str(settings.rules_dir / own_list.file_name)),
                "thresholds": dg.MetadataValue.path(str(settings.rules_dir / RULES_FILE)),
            },
        )
