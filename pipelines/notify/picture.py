"""The picture of the digest: a line for the suite and one for Teams, drawn without a browser and without a network."""

from __future__ import annotations

import struct
import zlib
from typing import Any

Row = dict[str, Any]

SUITE, TEAMS = "Office suite", "Teams"
_COLOURS = {SUITE: "#1f4e8c", TEAMS: "#8a4fbf"}
_WIDTH, _HEIGHT = 500, 190
_SCALE = 1.1
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Names of lines closer than this share of the height would cover each other.
_APART = 0.09


def draw(lines: list[Row]) -> bytes | None:
    """PNG of rows with day, what, people and settling; None when there is no figure to draw."""
    # Working days only: weekends would drown everything else.
    rows = [row for row in lines if row["day"].weekday() < 5]
    if not any(row["people"] is not None for row in rows):
        return None
    # Seconds to load, and only ever needed here.
    import vl_convert

    return squeezed(bytes(vl_convert.vegalite_to_png(_specification(rows), scale=_SCALE)))


def squeezed(png: bytes) -> bytes:
    """The same picture in a third of the bytes, so that it fits into a card of Teams: packed as well as can be."""
    place, before, data, after = len(_SIGNATURE), b"", b"", b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        chunk, kind = png[place : place + length + 12], png[place + 4 : place + 8]
        place += len(chunk)
        if kind == b"IDAT":
            data += chunk[8:-4]
        elif data:
            after += chunk
        else:
            before += chunk
    packed = b"IDAT" + zlib.compress(zlib.decompress(data), 9)
    packed = struct.pack(">I", len(packed) - 4) + packed + struct.pack(">I", zlib.crc32(packed))
    return _SIGNATURE + before + packed + after


def _specification(rows: list[Row]) -> Row:
    x = {
        "field": "day",
        "type": "temporal",
        "timeUnit": "utcyearmonthdate",
        "title": None,
        "axis": {"format": "%-d %b", "grid": False, "values": _mondays(rows)},
    }
    scale = {"domain": list(_COLOURS), "range": list(_COLOURS.values())}
    colour = {"field": "what", "type": "nominal", "scale": scale, "legend": None}
    axis = {"tickCount": 4, "format": ",d", "ticks": False, "domain": False}

    def line(field: str, dash: list[int]) -> Row:
        y = {"field": field, "type": "quantitative", "title": None, "axis": axis, "scale": {"zero": True}}
        mark = {"type": "line", "strokeWidth": 2.5, "strokeDash": dash, "point": {"size": 18, "filled": True}}
        return {"mark": mark, "encoding": {"x": x, "y": y, "color": colour}}

    names = {
        "data": {"values": _names(rows)},
        "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 13, "fontWeight": "bold"},
        "encoding": {
            "x": x,
            "y": {"field": "place", "type": "quantitative"},
            "text": {"field": "what"},
            "color": colour,
        },
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "height": _HEIGHT,
        "background": "white",
        "padding": 10,
        "title": {
            "text": "People per working day",
            "subtitle": "Dashed: Microsoft may still correct these days. A gap: no data.",
            "anchor": "start",
            "fontSize": 15,
            "subtitleColor": "#555",
            "offset": 12,
        },
        "config": {"font": "Helvetica, Arial, sans-serif", "view": {"stroke": None}, "axis": {"gridColor": "#e6e6e6"}},
        "data": {"values": _marked(rows)},
        "layer": [line("settled", [1, 0]), line("unsettled", [5, 4]), names],
    }


def _mondays(rows: list[Row]) -> list[str]:
    return sorted({row["day"].isoformat() for row in rows if row["day"].weekday() == 0})


def _marked(rows: list[Row]) -> list[Row]:
    """Each row's figure in one of two columns; the dashed line begins at the last settled day."""
    marked = []
    for what in _COLOURS:
        of_line = [row for row in rows if row["what"] == what]
        for place, row in enumerate(of_line):
            following = of_line[place + 1] if place + 1 < len(of_line) else None
            joins = following is not None and following["settling"]
            marked.append(
                {
                    "what": what,
                    "day": row["day"].isoformat(),
                    "settled": None if row["settling"] else row["people"],
                    "unsettled": row["people"] if row["settling"] or joins else None,
                }
            )
    return marked


def _names(rows: list[Row]) -> list[Row]:
    """The names of the lines, at their ends and in their colours: no legend to look up."""
    names = []
    for what in _COLOURS:
        ends = [row for row in rows if row["what"] == what and row["people"] is not None]
        if ends:
            names.append({"what": what, "day": ends[-1]["day"].isoformat(), "place": float(ends[-1]["people"])})
    top = max((row["people"] for row in rows if row["people"] is not None), default=0)
    if len(names) == 2 and abs(names[0]["place"] - names[1]["place"]) < _APART * top:
        upper, lower = sorted(names, key=lambda name: -name["place"])
        middle = (upper["place"] + lower["place"]) / 2
        upper["place"], lower["place"] = middle + _APART * top / 2, middle - _APART * top / 2
    return names
