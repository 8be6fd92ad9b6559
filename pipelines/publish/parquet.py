"""The published tables as Parquet files, for Power BI, Fabric and anything else that reads files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from pipelines.warehouse.publish import OWN_TABLES, PublishedTable

PARQUET_FOLDER = "parquet"


def write_parquet(
    database: Path, folder: Path, tables: Sequence[PublishedTable], facts: Mapping[str, str]
) -> dict[str, int]:
    """Write each table of a published database to a file of its own; returns the bytes of each.

    A view becomes a file like a table, but for one whose rows stand packed in another table. facts become
    metadata of each file, so that it says which release it is of.
    """
    folder.mkdir()
    names = [*(table.name for table in tables if not table.is_packed_elsewhere), *OWN_TABLES]
    metadata = ", ".join(f"{_name(key)}: '{_literal(value)}'" for key, value in facts.items())
    sizes = {}
    with duckdb.connect(str(database), read_only=True) as con:
        for name in names:
            path = folder / f"{name}.parquet"
            con.execute(
                f"copy (from {_name(name)}) to '{_literal(path)}' "
                f"(format parquet, compression zstd, kv_metadata {{{metadata}}})"
            )
            sizes[name] = path.stat().st_size
    return sizes


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return str(value).replace("'", "''")
