"""The columns of the raw tables: their types from schema.sql, their descriptions from the sources of dbt."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from dagster_dbt.dbt_manifest import read_manifest_path

from pipelines.defs.transform.describe import table_schema
from pipelines.defs.transform.project import dbt_project
from pipelines.warehouse.schema import schema_text

_TABLE = re.compile(r"^create table if not exists \w+\.(\w+) \((.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^ {4}([a-z]\w*) (.+?)(?: not null)?(?: default .+?)?,?(?:\s*--.*)?$", re.MULTILINE)


@cache
def raw_types() -> dict[str, dict[str, str]]:
    """Table -> column -> type."""
    return {table: dict(_COLUMN.findall(body)) for table, body in _TABLE.findall(schema_text())}


@cache
def _sources() -> dict[tuple[str, str], Any]:
    manifest = read_manifest_path(dbt_project().manifest_path.resolve())
    return {(node["source_name"], node["name"]): node for node in manifest["sources"].values()}


def raw_metadata(source: str, table: str) -> dict[str, Any]:
    """Name and columns of a table that dbt knows as a source."""
    node = _sources()[source, table]
    schema = table_schema(node, raw_types()[table])
    return {"dagster/table_name": f"{node['schema']}.{table}", "dagster/column_schema": schema}
