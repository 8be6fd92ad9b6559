"""The charts over time, as Vega-Lite specifications without data: lines per day, week or month, and levels as steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.publish.page.charts import Spec, colours_of, scale_of

_SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right"]
SMALL_HEIGHT = 110
# As wide in every small chart, so that they stand in line.
_SMALL_AXIS = {"tickCount": 3, "minExtent": 34}


def lines(
    names: Sequence[str],
    *,
    x: str,
    series: str,
    y: str,
    y_title: str,
    unit: str = ",d",
    unsettled_from: str = "",
    small: bool = False,
) -> Spec:
    """One line per series over days, weeks or months: broken where there is no data, dashed where figures may change.

    Rows carry ``settling`` (may still change) and ``joins`` (settled, next to one that is not). unsettled_from: from
    which date on all may still change, which is shaded. small: one of several small charts, without a legend.
    """
    legend = {"legend": None} if small else {}
    colour = {"field": series, "type": "nominal", **colours_of(names, **legend)}
    tip = [
        {"field": series, "type": "nominal", "title": "What"},
        {**_moment(x), "title": "Date"},
        {"field": y, "type": "quantitative", "format": unit, "title": y_title},
    ]

    def value(key: str) -> Spec:
        axis = {"format": unit, **(_SMALL_AXIS if small else {"tickCount": 5})}
        if unit == ",d":
            axis["tickMinStep"] = 1
        title = None if small else y_title
        return {"field": key, "type": "quantitative", "title": title, "axis": axis, "scale": {"zero": True}}

    def layer(mark: Spec, key: str, **more: Any) -> Spec:
        return {"mark": mark, "encoding": {"x": _dates(x, small=small), "y": value(key), "color": colour, **more}}

    shape = {"field": series, "type": "nominal", "scale": scale_of(names, _SHAPES[: len(names)]), "title": None}
    shape |= legend
    size = 14 if small else 26
    return {
        "height": SMALL_HEIGHT if small else 260,
        "transform": [
            {"calculate": f"datum.settling ? null : datum.{y}", "as": "settled_value"},
            {"calculate": f"datum.settling || datum.joins ? datum.{y} : null", "as": "settling_value"},
        ],
        "layer": [
            *([] if small or not unsettled_from else _shade(x, y, unsettled_from)),
            layer({"type": "line", "strokeWidth": 2}, "settled_value"),
            layer({"type": "line", "strokeWidth": 2, "strokeDash": [3, 3]}, "settling_value"),
            {
                "transform": [{"filter": f"isValid(datum.{y})"}],
                **layer({"type": "point", "size": size, "filled": True, "opacity": 1}, y, shape=shape, tooltip=tip),
            },
        ],
    }


def _shade(x: str, y: str, since: str) -> list[Spec]:
    """The days at the end that may still change, behind the lines, and the words for them above."""
    # A date is text before Vega has parsed it, and an instant after.
    is_late = f"time(toDate(datum.{x})) >= time(toDate('{since}'))"
    found = [{"filter": f"datum.settling && isValid(datum.{y}) && {is_late}"}]
    # No time unit: it would reach to the end of the last day, where no line is.
    first, last = (
        {"field": x, "type": "temporal", "aggregate": end, "scale": {"type": "utc"}} for end in ("min", "max")
    )
    return [
        {
            "transform": found,
            "mark": {"type": "rect", "color": "var(--shade)"},
            "encoding": {"x": first, "x2": {"field": x, "aggregate": "max"}},
        },
        {
            "transform": found,
            "mark": {"type": "text", "align": "right", "baseline": "bottom", "dy": -4, "color": "var(--muted)"},
            "encoding": {"x": last, "y": {"value": 0}, "text": {"value": "may still change"}},
        },
    ]


def steps(levels: dict[str, tuple[str, str]], *, x: str) -> Spec:
    """Levels over time as steps, for one of several small charts. levels: column -> name and colour.

    A day without a reading is a gap: a level that nobody read is not known. Rows carry ``alone`` (no reading on the
    days beside it), of which a line would show nothing.
    """
    names = [name for name, _ in levels.values()]
    label = " : ".join(f"datum.level === '{key}' ? '{name}'" for key, (name, _) in levels.items()) + " : ''"
    colour = {
        "field": "what",
        "type": "nominal",
        "scale": scale_of(names, [shade for _, shade in levels.values()]),
        "legend": None,
    }
    tip = [
        {"field": "what", "type": "nominal", "title": "What"},
        {**_moment(x), "title": "Date"},
        {"field": "units", "type": "quantitative", "format": ",d", "title": "Licences"},
    ]
    y: Spec = {"field": "units", "type": "quantitative", "title": None, "scale": {"zero": True}}
    y["axis"] = {"format": ",d", "tickMinStep": 1, **_SMALL_AXIS}
    place = {"x": _dates(x, small=True), "y": y, "color": colour}
    dash = {"field": "what", "type": "nominal", "scale": scale_of(names, [[5, 3], [1, 0]]), "legend": None}
    return {
        "height": SMALL_HEIGHT,
        "transform": [{"fold": list(levels), "as": ["level", "units"]}, {"calculate": label, "as": "what"}],
        "layer": [
            {
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
                "encoding": {**place, "strokeDash": dash},
            },
            {
                "transform": [{"filter": "isValid(datum.units)"}],
                # All can be pointed at.
                "mark": {"type": "point", "size": 30, "filled": True},
                "encoding": {
                    **place,
                    "tooltip": tip,
                    "opacity": {"condition": {"test": "datum.alone", "value": 1}, "value": 0},
                },
            },
        ],
    }


def _moment(key: str) -> Spec:
    # UTC throughout: a report date must not slip to the day before, west of Greenwich.
    return {"field": key, "type": "temporal", "timeUnit": "utcyearmonthdate", "format": "%a %-d %b %Y"}


def _dates(key: str, *, small: bool = False) -> Spec:
    # Days and weeks are of the last half year; months may be of any.
    form = "%b %Y" if key == "month_start" else "%-d %b"
    axis = {"format": form, "grid": False, "labelOverlap": True, "tickCount": 3 if small else 7, "labelFlush": True}
    return {"field": key, "type": "temporal", "timeUnit": "utcyearmonthdate", "title": None, "axis": axis}
