"""Values on their way into cells: typed, and never taken for a formula."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from pipelines.publish.neutral import neutral

# Excel's limit for one cell.
_MAX_TEXT = 32_767
_RATES = ("_rate", "coverage", "stickiness")
_MONEY = ("unit_price", "monthly_cost", "monthly_saving", "exposure", "reassignable", "reducible_at_renewal")

# Counts beside amounts, in one column: neither has decimals.
_MIXED = ("value", "previous")
# Texts that would be wider are wrapped.
MAX_WIDTH = 60

_LINE = 15.0

FORMATS = {
    "date": "yyyy-mm-dd",
    "instant": "yyyy-mm-dd hh:mm",
    "count": "#,##0",
    "decimal": "#,##0.0",
    "money": "#,##0.00",
    "rate": "0.0%",
    "text": "General",
    # Excel shows TRUE and FALSE whatever is said here; others would show 1 and 0.
    "flag": '"TRUE";"TRUE";"FALSE"',
}


def text_cell(value: object) -> str:
    """The value as text that may stand in a cell."""
    return neutral(str(value))[:_MAX_TEXT]


def kind_of(column: str, sql_type: str) -> str:
    """How a column is written and shown, a key of FORMATS, from its name and its type in DuckDB."""
    kind = sql_type.upper()
    if kind == "DATE":
        return "date"
    if kind.startswith("TIMESTAMP"):
        return "instant"
    if kind == "BOOLEAN":
        return "flag"
    if kind.startswith("DECIMAL") or (column in _MONEY and kind == "DOUBLE"):
        return "money"
    if kind in ("DOUBLE", "FLOAT"):
        if column in _MIXED:
            return "count"
        return "rate" if column.endswith(_RATES) else "decimal"
    return "count" if kind.endswith("INT") or kind in ("INTEGER", "UINTEGER") else "text"


def cells(values: pd.Series, kind: str) -> list[object]:
    """The cells of one column, None where there is no value."""
    if kind in ("count", "decimal", "money", "rate"):
        # Excel has no infinity; a rate without a base is no number.
        values = values.astype("float64").replace([float("inf"), float("-inf")], float("nan"))
    present = values.notna()
    if kind == "text":
        values = values.astype("object").where(present, None).map(text_cell, na_action="ignore")
    elif kind in ("date", "instant"):
        values = pd.to_datetime(values)
    return [value if known else None for value, known in zip(values.tolist(), present.tolist(), strict=True)]


def height_of(texts: Iterable[object], width: int) -> float | None:
    """The height of a row in points, in which each of these texts is wrapped at ``width``; None: one line is enough.

    Excel would find it by itself, other programs do not.
    """
    lines = max((math.ceil(len(str(text)) / (width * 1.05)) for text in texts if text is not None), default=1)
    return _LINE * lines if lines > 1 else None


def width_of(header: str, column: list[object], kind: str) -> int:
    """A column's width in characters: wide enough for most cells, never so wide that it hides the next."""
    fixed = {"date": 11, "instant": 16, "flag": 7, "rate": 8}
    if kind in fixed:
        wanted = fixed[kind]
    elif kind == "text":
        lengths = sorted(len(str(value)) for value in column if value is not None)
        wanted = lengths[int(len(lengths) * 0.95)] if lengths else 0
    else:
        most = max((abs(float(str(value))) for value in column if value is not None), default=0)
        wanted = len(f"{most:,.0f}" if kind == "count" else f"{most:,.2f}")
    # The header has a filter button.
    return min(max(wanted + 1, len(header) + 3), MAX_WIDTH)
