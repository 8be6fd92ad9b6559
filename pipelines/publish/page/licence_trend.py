"""The panel of licences over time: what was bought and what was assigned, product by product."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.publish.page.facts import Facts
from pipelines.publish.page.licences import NO_LICENCES
from pipelines.publish.page.lines import steps
from pipelines.publish.page.model import MINUS, Column, Panel, Row, Variant, day
from pipelines.publish.page.read import PERIODS, Record

# Columns of license_inventory_daily -> what a reader calls them, and the colour of the line.
LEVELS = {"enabled": ("Purchased", "var(--muted)"), "assigned": ("Assigned", "var(--suite)")}
_PRODUCTS = 12


def trend_panel(facts: Facts) -> Panel:
    """Purchased and assigned licences over time, a small chart per paid product."""
    paid = [row for row in facts.inventory if facts.is_paid(row) and (row["enabled"] or row["assigned"])]
    chosen = {str(row["sku_id"]): str(row["product_name"]) for row in paid[:_PRODUCTS]}
    found = facts.table("license_inventory_daily", "observed_on")
    last: date | None = max((row["observed_on"] for row in found), default=None)
    readings = [row for row in found if row["sku_id"] in chosen]
    rows: list[Row] = []
    variants = []
    for period in sorted(PERIODS, reverse=True):
        since = last - timedelta(days=period - 1) if last else None
        in_period = [row for row in readings if since and row["observed_on"] >= since]
        if not rows and since and last:
            rows = _rows(chosen, in_period, last)
        days = {row["observed_on"] for row in in_period}
        empty = "" if days else NO_LICENCES
        if len(days) == 1:
            empty = f"Licences were read on one day only, {day(min(days))}: a course shows with the next syncs."
        told = "" if empty else _finding(chosen, in_period)
        variants.append(Variant({"period": str(period)}, told, since=since.isoformat() if since else "", empty=empty))
    columns = [
        Column("product", "Product"),
        Column("observed_on", "Day", "date"),
        *(Column(key, name, "int") for key, (name, _) in LEVELS.items()),
        Column("alone", "alone", "bool", hidden=True),
    ]
    note = "Solid: assigned; dashed: purchased. Paid products, each on its own scale. A day that was not read is a gap."
    if len(paid) > _PRODUCTS:
        note += f" The {_PRODUCTS} with the most licences of {len(paid)}; license_inventory_daily has all."
    return Panel(
        "lic-trend",
        "How do purchases and assignments develop?",
        columns,
        variants,
        rows,
        steps(LEVELS, x="observed_on"),
        "Small charts, one per product: a dashed step line of purchased and a solid one of assigned licences.",
        note,
        date_column="observed_on",
        each="product",
    )


def _rows(chosen: dict[str, str], readings: list[Record], last: date) -> list[Row]:
    """A row per product and day since its first reading; days without one have no figures."""
    rows: list[Row] = []
    for sku_id, name in chosen.items():
        own = {row["observed_on"]: row for row in readings if row["sku_id"] == sku_id}
        if not own:
            continue
        first = min(own)
        for place in range((last - first).days + 1):
            when = first + timedelta(days=place)
            row = own.get(when, {})
            alone = bool(row) and not {when - timedelta(days=1), when + timedelta(days=1)} & set(own)
            rows.append([name, when, *(row.get(key) for key in LEVELS), alone])
    return rows


def _finding(chosen: dict[str, str], readings: list[Record]) -> str:
    """What changed between the first and the last reading of a period."""
    days = sorted({row["observed_on"] for row in readings})
    changes = []
    for sku_id, name in chosen.items():
        own = [row for row in readings if row["sku_id"] == sku_id]
        parts = [
            f"{own[-1][key] - own[0][key]:+,d} {what.lower()}".replace("-", MINUS)
            for key, (what, _) in LEVELS.items()
            if own and own[-1][key] is not None and own[0][key] is not None and own[-1][key] != own[0][key]
        ]
        if parts:
            changes.append(f"{name} {' and '.join(parts)}")
    between = f"Between {day(days[0])} and {day(days[-1])}"
    return f"{between}: {'; '.join(changes)}." if changes else f"{between} nothing changed."
