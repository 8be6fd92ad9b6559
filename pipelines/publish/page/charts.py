"""The charts, as Vega-Lite specifications without data: the page gives each the rows it shows.

Colours are custom properties of the style sheet, so that one drawing serves light, dark and paper. A height in steps
names the column whose values it is for (of), and the column that they need a figure in (with); the page counts those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Spec = dict[str, Any]

SERIES_COLOURS = {
    "Office suite": "var(--suite)",
    "Outlook": "var(--outlook)",
    "Word": "var(--word)",
    "Excel": "var(--excel)",
    "PowerPoint": "var(--powerpoint)",
    "OneNote": "var(--onenote)",
    "Teams": "var(--teams)",
    "Windows": "var(--outlook)",
    "Mac": "var(--powerpoint)",
    "Mobile": "var(--excel)",
    "Web": "var(--onenote)",
}
_HEAT = ["var(--heat1)", "var(--heat2)", "var(--heat3)", "var(--heat4)", "var(--heat5)"]
_HEAT_INK = ["var(--heat-ink1)"] * 3 + ["var(--heat-ink2)"] * 2
_FIFTHS = [0.2, 0.4, 0.6, 0.8]


def scale_of(names: Sequence[str], values: Sequence[Any]) -> Spec:
    """A scale that gives each name its colour, or shape."""
    return {"domain": list(names), "range": list(values)}


def colours_of(names: Sequence[str], colours: Sequence[str] | None = None, **more: Any) -> Spec:
    """The colours of series or parts: their own, else those of apps and platforms."""
    found = colours or [SERIES_COLOURS.get(name, "var(--suite)") for name in names]
    return {"scale": scale_of(names, found), "title": None, "legend": {"orient": "top", "columns": 6}, **more}


def bars(*, label: str, value: str, title: str, unit: str = ".0%", mean: str = "", inside_from: float = 0.08) -> Spec:
    """Bars side by side in the order of the rows, each with its number; mean: the column of a rule to compare with."""
    y: Spec = {"field": label, "type": "nominal", "title": None, "sort": None}
    y["axis"] = {"labelLimit": 230, "ticks": False, "domain": False}
    x = {"field": value, "type": "quantitative", "title": title, "axis": {"format": unit, "tickCount": 5}}
    mark = {"type": "bar", "color": "var(--suite)", "height": {"band": 0.7}}
    tip = [
        {"field": label, "type": "nominal", "title": "What"},
        {"field": value, "type": "quantitative", "format": unit, "title": title},
    ]
    text = {"field": value, "type": "quantitative", "format": unit}
    layer: list[Spec] = [
        {"mark": mark, "encoding": {"y": y, "x": x, "tooltip": tip}},
        # At the foot of the bar, clear of the rule; a bar too short for its number has it in ink.
        {
            "mark": {"type": "text", "align": "left", "dx": 6},
            "encoding": {
                "y": y,
                "x": {"datum": 0},
                "text": text,
                "color": {
                    "condition": {"test": f"datum.{value} >= {inside_from}", "value": "var(--panel)"},
                    "value": "var(--ink)",
                },
            },
        },
    ]
    if mean:
        rule = {"mark": {"type": "rule", "strokeDash": [4, 3], "color": "var(--ink)"}}
        layer.append({**rule, "encoding": {"x": {"aggregate": "max", "field": mean, "type": "quantitative"}}})
    return {
        "height": {"step": 28, "of": label, "with": value},
        "transform": [{"filter": f"isValid(datum.{value})"}],
        "layer": layer,
    }


def stacked(
    names: Sequence[str],
    colours: Sequence[str],
    *,
    label: str,
    part: str,
    value: str,
    title: str,
    as_share: bool = False,
    upright: bool = False,
    sort: Any = None,
    count: str = "",
) -> Spec:
    """Bars in parts, in the order of names. as_share: every bar is as long, upright: they stand.

    count: the column with the number that is told, where value is below zero to be drawn on the other side.
    """
    along: Spec = {"field": value, "type": "quantitative", "title": title, "stack": "normalize" if as_share else "zero"}
    along["axis"] = {"format": "%", "tickCount": 5} if as_share else {"format": ",d", "tickCount": 5, "tickMinStep": 1}
    across: Spec = {"field": label, "type": "nominal", "title": None, "sort": sort}
    across["axis"] = {"labelLimit": 230, "ticks": False, "domain": False, "labelAngle": 0}
    tip = [
        {"field": label, "type": "nominal", "title": "Where"},
        {"field": part, "type": "nominal", "title": "What"},
        {"field": count or value, "type": "quantitative", "format": ",d", "title": "Count"},
    ]
    encoding: Spec = {
        "color": {"field": part, "type": "nominal", **colours_of(names, colours)},
        "order": {"field": "part_order", "type": "quantitative"},
        "tooltip": tip,
        **({"x": across, "y": along} if upright else {"y": across, "x": along}),
    }
    size: Spec = {"height": 260} if upright else {"height": {"step": 28, "of": label, "with": value}}
    mark = {"type": "bar", "stroke": "var(--panel)", "strokeWidth": 1}
    return {**size, "transform": [{"filter": f"isValid(datum.{value})"}], "mark": mark, "encoding": encoding}


def dots(parts: dict[str, str], colours: Sequence[str], *, label: str, title: str) -> Spec:
    """Two dots and the line between them for each row: before and now. parts: column -> name, the older first."""
    before, now = parts
    names = list(parts.values())
    y: Spec = {"field": label, "type": "nominal", "title": None, "sort": None}
    y["axis"] = {"labelLimit": 230, "ticks": False, "domain": False, "grid": True}
    along = {"type": "quantitative", "title": title, "axis": {"format": ".0%", "tickCount": 5}}
    along["scale"] = {"zero": False, "nice": True, "padding": 12}
    tip = [
        {"field": label, "type": "nominal", "title": "What"},
        *({"field": key, "type": "quantitative", "format": ".0%", "title": name} for key, name in parts.items()),
    ]
    which = f"datum.key === '{before}' ? '{names[0]}' : '{names[1]}'"
    return {
        "height": {"step": 28, "of": label, "with": now},
        "transform": [{"filter": f"isValid(datum.{before}) && isValid(datum.{now})"}],
        "encoding": {"y": y},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 3, "color": "var(--none)"},
                "encoding": {"x": {"field": before, **along}, "x2": {"field": now}},
            },
            {
                "transform": [{"fold": list(parts), "as": ["key", "share"]}, {"calculate": which, "as": "part"}],
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {
                    "x": {"field": "share", **along},
                    "color": {"field": "part", "type": "nominal", **colours_of(names, colours)},
                    "tooltip": tip,
                },
            },
        ],
    }


def heat_map(
    *, row: str, column: str, columns: Sequence[str], value: str, title: str, rows: Sequence[str] | None = None
) -> Spec:
    """A grid of rates with the number in each cell; rows without any are left out, what is hidden is said to be."""
    y: Spec = {
        "field": row,
        "type": "nominal",
        "title": None,
        "axis": {"labelLimit": 230, "ticks": False, "domain": False},
    }
    y["sort"] = list(rows) if rows else None
    x: Spec = {"field": column, "type": "nominal", "title": None, "sort": list(columns)}
    x["axis"] = {"orient": "top", "labelAngle": 0, "ticks": False, "domain": False, "labelOverlap": True}
    steps = {"type": "threshold", "domain": _FIFTHS}
    number = {"field": value, "type": "quantitative"}
    tip = [
        {"field": row, "type": "nominal", "title": "Where"},
        {"field": column, "type": "nominal", "title": "What"},
        {**number, "format": ".0%", "title": title},
    ]
    fill = {**number, "scale": {**steps, "range": _HEAT}, "legend": None}
    ink = {**number, "scale": {**steps, "range": _HEAT_INK}, "legend": None}
    known = [{"filter": f"isValid(datum.{value})"}]
    mark = {"type": "rect", "stroke": "var(--panel)", "strokeWidth": 2}
    return {
        "height": {"step": 32, "of": row, "with": value},
        "transform": [
            {"joinaggregate": [{"op": "valid", "field": value, "as": "known"}], "groupby": [row]},
            {"filter": "datum.known > 0"},
        ],
        "encoding": {"x": x, "y": y},
        "resolve": {"scale": {"color": "independent"}},
        "layer": [
            {"transform": known, "mark": mark, "encoding": {"color": fill, "tooltip": tip}},
            {
                "transform": known,
                "mark": {"type": "text"},
                "encoding": {"text": {**number, "format": ".0%"}, "color": ink},
            },
            {
                "transform": [{"filter": f"!isValid(datum.{value}) && datum.is_suppressed"}],
                "mark": {"type": "text", "fontSize": 11, "color": "var(--muted)"},
                "encoding": {"text": {"value": "hidden"}},
            },
        ],
    }


def calendar(names: Sequence[str], colours: Sequence[str], weeks: Sequence[str]) -> Spec:
    """A square per day, a column per week: the state of each report day."""
    week_days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    x = {
        "field": "week",
        "type": "ordinal",
        "sort": list(weeks),
        "title": "Week from",
        "axis": {"labelOverlap": True, "labelAngle": 0},
    }
    y = {"field": "week_day", "type": "ordinal", "sort": week_days, "title": None, "axis": {"ticks": False}}
    when = {"field": "report_date", "type": "temporal", "timeUnit": "utcyearmonthdate", "format": "%a %-d %b %Y"}
    tip = [
        {**when, "title": "Day"},
        {"field": "state", "type": "nominal", "title": "State"},
        {"field": "rows", "type": "quantitative", "format": ",d", "title": "Rows"},
    ]
    return {
        "height": {"step": 22, "of": "week_day"},
        "mark": {"type": "rect", "stroke": "var(--panel)", "strokeWidth": 2},
        "encoding": {"x": x, "y": y, "color": {"field": "state", "type": "nominal", **colours_of(names, colours)}}
        | {"tooltip": tip},
    }
