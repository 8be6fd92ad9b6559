"""The charts of the workbook, native Excel ones, each with its alternative text."""

from __future__ import annotations

from typing import Any

from xlsxwriter.chart import Chart
from xlsxwriter.workbook import Workbook

from pipelines.publish.workbook.model import Placed

_COLOURS = {
    "Office suite": "#1F4E79",
    "Outlook": "#0F6CBD",
    "Word": "#2B579A",
    "Excel": "#217346",
    "PowerPoint": "#C43E1C",
    "OneNote": "#7719AA",
    "Teams": "#6264A7",
}
_DASHES = ("solid", "dash", "round_dot", "dash_dot", "long_dash", "square_dot")
_MOST_BARS = 15
# The columns by whose values charts are laid out; of the others only the place is known.
LAID_OUT_BY = frozenset({"tenant", "app", "is_free", "looks_unlimited", "unassigned"})
_SIZE = {"width": 760, "height": 340}


def add_charts(book: Workbook, placed: dict[str, Placed]) -> None:
    """Put the charts beside their figures: those of use on the overview, that of licences on its own sheet."""
    overview = placed.get("tbl_overview")
    row = overview.last_row + 2 if overview else 0
    for table, build in (("tbl_suite_daily", _suite), ("tbl_daily_usage", _apps), ("tbl_platforms", _platforms)):
        found = placed.get(table)
        if found is None or overview is None:
            continue
        chart, text = build(book, found)
        _insert(book, overview.sheet, row, 0, chart, text)
        row += 18
    licenses = placed.get("tbl_licences")
    if licenses is not None:
        made = _licenses(book, licenses)
        if made is not None:
            _insert(book, licenses.sheet, licenses.last_row + 2, 0, *made)


def _insert(book: Workbook, sheet: str, row: int, column: int, chart: Chart, text: str) -> None:
    page = book.get_worksheet_by_name(sheet)
    assert page is not None
    page.insert_chart(row, column, chart, {"description": text, "object_position": 3})


def _chart(book: Workbook, kind: dict[str, Any], title: str, unit: str) -> Chart:
    chart = book.add_chart(kind)
    assert chart is not None
    chart.set_title({"name": title, "name_font": {"size": 13}})
    chart.set_legend({"position": "bottom"})
    chart.set_size(_SIZE)
    # A day without data is a gap, not a zero.
    chart.show_blanks_as("gap")
    chart.set_y_axis({"name": unit, "num_format": "#,##0", "min": 0, "major_gridlines": {"visible": True}})
    return chart


def _series(found: Placed, category: str, value: str, first: int, last: int) -> dict[str, Any]:
    return {
        "categories": [found.sheet, first, found.column(category), last, found.column(category)],
        "values": [found.sheet, first, found.column(value), last, found.column(value)],
    }


def _line(name: str, place: int) -> dict[str, Any]:
    # Colour and dash: a print in grey still tells them apart.
    return {"color": _COLOURS.get(name, "#595959"), "width": 2, "dash_type": _DASHES[place % len(_DASHES)]}


def _first_tenant(found: Placed) -> tuple[str, int, int]:
    name, first, last = found.runs("tenant")[0]
    return str(name or ""), first, last


def _by_date(chart: Chart) -> None:
    chart.set_x_axis({"date_axis": True, "num_format": "d mmm", "major_gridlines": {"visible": False}})


def _suite(book: Workbook, found: Placed) -> tuple[Chart, str]:
    tenant, first, last = _first_tenant(found)
    chart = _chart(book, {"type": "line"}, "Is the Office suite or Teams used more?", "people a day")
    for place, (name, column) in enumerate((("Office suite", "active_users"), ("Teams", "teams_users"))):
        chart.add_series(
            {**_series(found, "report_date", column, first, last), "name": name, "line": _line(name, place)}
        )
    _by_date(chart)
    return chart, (
        f"Two lines for {tenant}: people a day in the Office suite and in Teams, which are counted apart. "
        f"The figures are on the sheet {found.sheet}."
    )


def _apps(book: Workbook, found: Placed) -> tuple[Chart, str]:
    tenant, first, last = _first_tenant(found)
    chart = _chart(book, {"type": "line"}, "Which apps are used each day?", "people a day")
    for place, (app, start, end) in enumerate(found.runs("app")):
        if start < first or end > last:
            continue
        name = str(app)
        series = _series(found, "report_date", "active_users", start, end)
        chart.add_series({**series, "name": name, "line": _line(name, place)})
    _by_date(chart)
    return chart, (
        f"One line per app for {tenant}: people a day. The same people are in several lines. "
        f"The figures are on the sheet {found.sheet}."
    )


def _platforms(book: Workbook, found: Placed) -> tuple[Chart, str]:
    tenant, first, last = _first_tenant(found)
    chart = _chart(book, {"type": "column"}, "On what do people use each app?", "people in 28 days")
    colours = {"desktop_users": "#1F4E79", "mobile_users": "#C55A11", "web_users": "#7F7F7F"}
    for column, colour in colours.items():
        name = column.removesuffix("_users").capitalize()
        series = _series(found, "app", column, first, last)
        chart.add_series({**series, "name": name, "fill": {"color": colour}, "gap": 80})
    return chart, (
        f"Columns for {tenant}: people who used each app on a desktop, on a mobile device and in a browser in 28 days. "
        f"The figures are on the sheet {found.sheet}."
    )


def _licenses(book: Workbook, found: Placed) -> tuple[Chart, str] | None:
    """Assigned and spare units of the products of the first tenant that cost money."""
    tenant, first, last = _first_tenant(found)
    flags = zip(*(found.known[name] for name in ("is_free", "looks_unlimited", "unassigned")), strict=True)
    paid = 0
    for is_free, looks_unlimited, unassigned in flags:
        if is_free or looks_unlimited or unassigned is None:
            break
        paid += 1
    last = min(last, first + min(paid, _MOST_BARS) - 1)
    if last < first:
        return None
    chart = _chart(book, {"type": "bar", "subtype": "stacked"}, "What is assigned, what is spare?", "")
    for column, colour in (("assigned", "#1F4E79"), ("unassigned", "#F4B183")):
        series = _series(found, "product_name", column, first, last)
        chart.add_series({**series, "name": column, "fill": {"color": colour}, "gap": 50})
    # The first product on top.
    chart.set_y_axis({"reverse": True, "interval_unit": 1})
    chart.set_size({**_SIZE, "height": 140 + 28 * (last - first + 1)})
    chart.set_x_axis({"num_format": "#,##0", "min": 0})
    return chart, (
        f"Stacked bars for {tenant}: units assigned and unassigned of the {last - first + 1} products with most "
        "assignments that cost money. The figures are in the table above."
    )
