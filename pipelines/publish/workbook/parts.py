"""The rows of a sheet: how many, cut to what Excel takes, and read a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import pandas as pd

from pipelines.publish.workbook.cells import kind_of
from pipelines.publish.workbook.model import Sheet

# DuckDB hands out vectors of 2,048 rows.
_VECTORS = 8


@dataclass(frozen=True)
class Part:
    """What stands on one sheet. suffix: added to names; note: said of it; columns: name -> kind of cell."""

    sql: str
    rows: int
    columns: Mapping[str, str]
    suffix: str = ""
    note: str = ""

    def frames(self, con: duckdb.DuckDBPyConnection) -> Iterator[pd.DataFrame]:
        """Its rows in order, a piece at a time."""
        con.execute(self.sql)
        while len(frame := con.fetch_df_chunk(_VECTORS)):
            yield frame


def parts_of(con: duckdb.DuckDBPyConnection, sheet: Sheet, most: int) -> Iterator[Part]:
    """The sheet's rows as they fit on sheets of ``most`` rows: whole, by year, or cut."""
    result = con.sql(sheet.sql)
    types = {name: str(kind) for name, kind in zip(result.columns, result.types, strict=True)}
    columns = {name: kind_of(name, kind) for name, kind in types.items()}
    # Excel knows no time zones; the Read me sheet says that instants are UTC.
    shown = ", ".join(
        f'"{name}" at time zone \'UTC\' as "{name}"' if "TIME ZONE" in kind else f'"{name}"'
        for name, kind in types.items()
    )
    # Rows keep the order of the sheet's query: DuckDB preserves it through projection, filter and limit.
    sql = f"select {shown} from ({sheet.sql})"
    total = _count(con, sheet.sql)
    if total <= most or not sheet.year_of:
        yield _cut(Part(sql, total, columns), most)
        return
    year = f"year({sheet.year_of})"
    for number, rows in con.execute(f"select {year}, count(*) from ({sheet.sql}) group by 1 order by 1").fetchall():
        note = f"{number} only: Excel has room for no more."
        yield _cut(Part(f"{sql} where {year} = {number}", rows, columns, f"_{number}", note), most)


def _cut(part: Part, most: int) -> Part:
    if part.rows <= most:
        return part
    note = f"{part.note} The first {most:,} of {part.rows:,} rows; the Parquet files have all.".strip()
    return Part(f"{part.sql} limit {most}", most, part.columns, part.suffix, note)


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = con.execute(f"select count(*) from ({sql})").fetchone()
    return int(found[0]) if found else 0
