"""The panels of licences: what is spare, what could be saved, and why."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts, values
from pipelines.publish.page.model import Column, Panel, Row, Variant, number
from pipelines.publish.page.read import Record
from pipelines.publish.page.where import SUPPRESSED

REASONS = {
    "disabled": "Account disabled",
    "never_used": "Never used (180 days)",
    "idle": "Idle for long",
    "overlapping_sku": "Contained in another licence",
    "duplicate_assignment": "Assigned directly and by group",
}
NO_LICENCES = (
    "No licences are known. They need the permission Organization.Read.All (docs/setup.md); "
    "m365-usage check says whether it is there."
)
_PARTS = {"assigned": "Assigned", "spare": "Spare", "over": "Over-assigned", "expired": "Assigned, but expired"}


def money(amounts: dict[str, Decimal]) -> str:
    """Amounts in a sentence; currencies are never added."""
    return " and ".join(f"{amount:,.0f} {currency}" for currency, amount in sorted(amounts.items())) or "unknown cost"


def totals(rows: list[Record], key: str) -> dict[str, Decimal]:
    """The sum of a money column per currency, of the rows where it is known."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row[key] is not None and row["currency"]:
            found[row["currency"]] += row[key]
    return dict(found)


def unpriced(facts: Facts) -> list[Record]:
    """Paid products that somebody holds and whose price is not known."""
    return [row for row in facts.inventory if facts.is_paid(row) and row["unit_price"] is None and row["assigned"]]


def inventory_panel(facts: Facts) -> Panel:
    """What is assigned, spare, over-assigned or on an expired subscription."""
    rows: list[Row] = []
    shown = [row for row in facts.inventory if facts.is_paid(row) and (row["enabled"] or row["assigned"])]
    for row in shown:
        over, expired = row["over_assigned"] or 0, row["assigned_on_expired"] or 0
        parts = {
            "assigned": row["assigned"] - over - expired,
            "spare": row["unassigned"],
            "over": over,
            "expired": expired,
        }
        rows += [[row["product_name"], _PARTS[part], units, order] for order, (part, units) in enumerate(parts.items())]
    spare = sum(row["unassigned"] or 0 for row in shown)
    over = [row["product_name"] for row in shown if row["over_assigned"]]
    expired = [row["product_name"] for row in shown if row["assigned_on_expired"]]
    finding = f"{number(spare)} paid licences are spare." if shown else ""
    if over:
        finding += f" More assigned than bought: {', '.join(over)}."
    if expired:
        finding += f" Still assigned after the subscription ended: {', '.join(expired)}."
    columns = [
        Column("product", "Product"),
        Column("part", "What"),
        Column("units", "Licences", "int"),
        Column("part_order", "order", "int", hidden=True),
    ]
    colours = ["var(--suite)", "var(--none)", "var(--bad)", "var(--warn)"]
    order = list(dict.fromkeys(row[0] for row in rows))
    spec = charts.stacked(
        list(_PARTS.values()), colours, label="product", part="part", value="units", title="Licences", sort=order
    )
    note = "Paid products only; free, trial and unlimited ones are in the table at the end of this view."
    return Panel(
        "lic-inventory",
        "What is assigned, spare, or over-assigned?",
        columns,
        [Variant({}, finding, empty="" if shown else NO_LICENCES)],
        rows,
        spec,
        "Stacked bars, one per product.",
        note,
    )


def savings_panel(facts: Facts) -> Panel:
    """What is paid for and not needed, per product."""
    savings = facts.table("license_savings", "exposure desc nulls last, product_name")
    hidden = [row for row in savings if row["is_suppressed"]]
    monthly = totals(savings, "exposure")
    finding = ""
    if savings:
        units = sum(row["exposure_units"] or 0 for row in savings)
        yearly = {currency: amount * 12 for currency, amount in monthly.items()}
        cost = f"{money(monthly)} a month, {money(yearly)} a year" if monthly else "at unknown cost"
        finding = f"{number(units)} licences are paid for and not needed today: {cost}."
        if hidden:
            finding += f" {len(hidden)} products are not in this: their figures would tell of small groups."
    columns = [
        Column("product_name", "Product"),
        Column("unassigned", "Spare", "int"),
        Column("reclaimable", "Can be taken back", "int"),
        Column("exposure_units", "Not needed", "int"),
        Column("exposure", "Cost a month", "money"),
        Column("reassignable", "Of it, can be given to others", "money"),
        Column("reducible_at_renewal", "Saved from the renewal on", "money"),
        Column("currency", "Currency"),
        Column("renewal_date", "Renewal", "date"),
        SUPPRESSED,
    ]
    rows = [values(row, *(column.key for column in columns)) for row in savings]
    note = (
        "At your prices (docs/rules.md); without a price the cost is unknown. Yearly terms shrink at the renewal only."
    )
    return Panel(
        "lic-savings",
        "What could we save?",
        columns,
        [Variant({}, finding, empty="" if rows else why_no_savings(facts))],
        rows,
        note=note,
        kind="table",
    )


def why_no_savings(facts: Facts) -> str:
    """Why nothing is judged, and what to do."""
    if not facts.inventory:
        return NO_LICENCES
    if facts.concealed:
        return "Names are concealed, so use cannot be joined with licences. Show names in the admin centre, then sync."
    return "Nothing to judge: no paid product whose use the report shows."


def reasons_panel(facts: Facts) -> Panel:
    """Why licences can be taken back, per product."""
    savings = facts.table("license_savings", "product_name")
    rows: list[Row] = []
    for row in savings:
        rows += [
            [row["product_name"], label, row[reason], place, row["is_suppressed"]]
            for place, (reason, label) in enumerate(REASONS.items())
            if row[reason] != 0
        ]
    counts = {label: sum(row[reason] or 0 for row in savings) for reason, label in REASONS.items()}
    found = [(count, label) for label, count in counts.items() if count]
    hidden = any(row["is_suppressed"] for row in savings)
    finding, empty = "", ""
    if found:
        parts = ", ".join(f"{label.lower()} {number(count)}" for count, label in sorted(found, reverse=True))
        finding = f"Of the licences to take back: {parts}." + (
            " Products with small groups are hidden." if hidden else ""
        )
    elif not savings:
        empty = why_no_savings(facts)
    else:
        empty = "Hidden: the figures would tell of small groups. The admin copy has them." if hidden else ""
        empty = empty or "Nothing to take back: every licence that can be judged is used."
    columns = [
        Column("product", "Product"),
        Column("reason", "Reason"),
        Column("licences", "Licences", "int"),
        Column("part_order", "order", "int", hidden=True),
        SUPPRESSED,
    ]
    colours = ["var(--bad)", "var(--warn)", "var(--outlook)", "var(--onenote)", "var(--none)"]
    spec = charts.stacked(
        list(REASONS.values()), colours, label="product", part="reason", value="licences", title="Licences to take back"
    )
    return Panel(
        "lic-reasons",
        "Why can licences be taken back?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        spec,
        "Stacked bars, one per product, by reason.",
        "Each licence is counted once, with its first reason; one held directly and by group costs nothing twice.",
    )
