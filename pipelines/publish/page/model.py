"""What the page is made of: views of panels, each with its rows and the sentences that go with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Row = Sequence[Any]
MINUS = "\u2212"
Spec = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of a panel.

    kind: text, long (text), app, bool, date, time, int, float, rate, change, points (of a rate), money or
    price. hidden: for charts only.
    """

    key: str
    label: str
    kind: str = "text"
    hidden: bool = False


@dataclass(frozen=True)
class Variant:
    """What a panel says for one choice of the reader.

    when: the choice ("days": "weekdays", …). rows: its own rows, else those of the panel; keep: values that a
    column must have; since: the first date. empty: why nothing is shown, and what to do. parts: app -> what the
    finding says of it in the place of {parts}; of an app whose box is not ticked nothing is said.
    """

    when: Mapping[str, str] = field(default_factory=dict)
    finding: str = ""
    rows: Sequence[Row] | None = None
    keep: Mapping[str, Any] = field(default_factory=dict)
    since: str = ""
    empty: str = ""
    parts: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Panel:
    """One question with its answer: a chart (spec) with a table behind it, or a table, or tiles.

    form: what the chart looks like, for those who do not see it. otherwise: what is said when no variant
    fits the reader's choice. by_app: the row's column that the boxes of the apps filter. each: the column with a small
    chart per value. rows_of: the panel of the same view whose rows this one shows in another way.
    """

    id: str
    title: str
    columns: Sequence[Column]
    variants: Sequence[Variant]
    rows: Sequence[Row] = ()
    spec: Spec | None = None
    form: str = ""
    note: str = ""
    otherwise: str = ""
    by_app: str = ""
    date_column: str = ""
    each: str = ""
    rows_of: str = ""
    kind: str = "chart"
    search: bool = False


@dataclass(frozen=True)
class View:
    """One view of the page. filters: which of days, period, department, apps, app it offers."""

    id: str
    title: str
    question: str
    panels: Sequence[Panel]
    filters: Sequence[str] = ()


def plain(value: Any) -> Any:
    """A value as JSON takes it: dates in ISO form, decimals as numbers, what is no number as null."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def number(value: Any, digits: int = 0) -> str:
    """A number in a sentence; unknown is said, never taken for zero."""
    return "unknown" if value is None else f"{value:,.{digits}f}"


def percent(value: Any) -> str:
    """A rate in a sentence."""
    return "unknown" if value is None else f"{value:.0%}"


def day(value: date | None) -> str:
    """A date in a sentence."""
    return "never" if value is None else f"{value.day} {value:%b %Y}"


def signed(value: float) -> str:
    """A change in a sentence, with the sign that the charts have."""
    return f"{value:+.1%}".replace("-", MINUS)
