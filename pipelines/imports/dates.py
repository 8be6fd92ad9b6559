"""Dates: in file names, and in cells that a spreadsheet or an admin centre wrote in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

import duckdb

_IN_NAME = re.compile(r"(?<!\d)(20\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")

_TIMES = (" %I:%M:%S %p", " %I:%M %p", " %H:%M:%S", " %H:%M", "")
_MONTH_FIRST = tuple(f"%m/%d/%Y{time}" for time in _TIMES)
_DAY_FIRST = tuple(f"{day}{time}" for day in ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y") for time in _TIMES)
# Ways to write a date, the likeliest first: ISO 8601; as Microsoft's portals do; as European spreadsheets do.
STYLES = ("iso", "month_first", "day_first")


def dates_in_name(name: str) -> list[date]:
    """The different dates in a file's name, year first (2026-10-12, 20261012, 2026_10_12), in their order.

    Dates in other orders are left alone: 10_12_2026 may be two different days.
    """
    found = []
    for year, _, month, day in _IN_NAME.findall(name):
        try:
            found.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return list(dict.fromkeys(found))


def timestamp_sql(cell: str, style: str) -> str:
    """SQL for the instant in a text cell, NULL where there is none; the session's time zone must be UTC."""
    if style == "iso":
        return f"try_cast({cell} as timestamptz)"
    formats = ", ".join(f"'{each}'" for each in (_MONTH_FIRST if style == "month_first" else _DAY_FIRST))
    return f"cast(try_strptime(trim({cell}), [{formats}]) as timestamptz)"


def fitting_styles(con: duckdb.DuckDBPyConnection, table: str, cells: Iterable[str]) -> list[str]:
    """The ways to read dates that fit every cell of the named columns, the likeliest first; all when all are empty."""
    columns = list(cells)
    if not columns:
        return list(STYLES)
    misfits = ", ".join(
        " + ".join(
            f"count(*) filter (where nullif(trim({cell}), '') is not null and {timestamp_sql(cell, style)} is null)"
            for cell in columns
        )
        for style in STYLES
    )
    counted = con.execute(f"select {misfits} from {table}").fetchone()
    assert counted is not None
    return [style for style, missed in zip(STYLES, counted, strict=True) if not missed]
