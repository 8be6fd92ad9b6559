"""The tables of licences: whose can be taken back, how many are used, which products there are."""

from __future__ import annotations

from typing import Any

from pipelines.publish.page.facts import Facts, values
from pipelines.publish.page.licences import NO_LICENCES, REASONS, money, totals, why_no_savings
from pipelines.publish.page.model import Column, Panel, Variant, number, percent
from pipelines.publish.page.where import SUPPRESSED

_WHY_UNKNOWN = {
    "not_measurable": "Use of this product is not in the report",
    "no_data": "No data yet",
    "concealed": "Names are concealed",
}


def people_panel(facts: Facts) -> Panel:
    """Whose licences can be taken back; admin build only."""
    columns = [
        Column("user_principal_name", "Person"),
        Column("department", "Department"),
        Column("product_name", "Product"),
        Column("reason", "Reason"),
        Column("held_since", "Held since", "date"),
        Column("last_use_on", "Last use", "date"),
        Column("last_activity_date", "Last activity at all", "date"),
        Column("removable", "Remove"),
        Column("monthly_saving", "Saving a month", "money"),
        Column("currency", "Currency"),
    ]
    found = facts.table("reclaimable_licenses", "monthly_saving desc nulls last, user_principal_name, product_name")
    rows = []
    for row in found:
        cells: list[Any] = values(row, *(column.key for column in columns))
        cells[3] = REASONS.get(row["reason"], row["reason"])
        rows.append(cells)
    twice = sum(1 for row in found if row["reason"] == "duplicate_assignment")
    finding = ""
    if rows:
        saving = totals([row for row in found if row["monthly_saving"]], "monthly_saving")
        finding = f"{number(len(rows) - twice)} licences" + (
            f", {money(saving)} a month." if saving else ", at unknown cost."
        )
        finding += f" {twice} more are assigned twice over, which costs nothing." if twice else ""
    empty = "" if rows else "Nothing to take back: every licence that can be judged is used."
    if not rows and facts.concealed:
        empty = why_no_savings(facts)
    return Panel(
        "lic-people",
        "Whose licences can be taken back?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        note="Check before you remove anything; keep lists are in docs/rules.md.",
        kind="table",
        search=True,
    )


def utilization_panel(facts: Facts) -> Panel:
    """How many of the holders use what they hold."""
    found = facts.table("license_utilization", "measurable desc, holders desc, product_name")
    columns = [
        Column("product_name", "Product"),
        Column("holders", "Holders", "int"),
        Column("active_28d", "Active in 28 days", "int"),
        Column("inactive_28d", "Not active", "int"),
        Column("utilization_rate", "Active of the holders", "rate"),
        Column("disabled_accounts", "Accounts disabled", "int"),
        Column("monthly_cost", "Cost a month", "money"),
        Column("inactive_monthly_cost", "Cost of the not active", "money"),
        Column("currency", "Currency"),
        Column("remark", "Remark"),
        SUPPRESSED,
    ]
    rows = []
    for row in found:
        row = row | {"remark": _WHY_UNKNOWN.get(row["unknown_reason"] or "", "")}
        rows.append(values(row, *(column.key for column in columns)))
    known = [row for row in found if row["utilization_rate"] is not None]
    finding = ""
    if known:
        low = min(known, key=lambda row: row["utilization_rate"])
        share = percent(low["utilization_rate"])
        finding = f"Least used: {low['product_name']}, {share} of {number(low['holders'])} holders."
    empty = "" if rows else why_no_savings(facts)
    return Panel(
        "lic-utilization",
        "Are the licences used?",
        columns,
        [Variant({}, finding, empty=empty)],
        rows,
        note="Active: used an app of the licence in the last 28 days.",
        kind="table",
    )


def inventory_table(facts: Facts) -> Panel:
    """All products that people can hold."""
    columns = [
        Column("product_name", "Product"),
        Column("enabled", "Purchased", "int"),
        Column("assigned", "Assigned", "int"),
        Column("unassigned", "Spare", "int"),
        Column("over_assigned", "Over-assigned", "int"),
        Column("assigned_on_expired", "On expired", "int"),
        Column("warning", "In grace", "int"),
        Column("unit_price", "Price a month", "price"),
        Column("currency", "Currency"),
        Column("renewal_date", "Renewal", "date"),
        Column("remark", "Remark"),
    ]
    rows = []
    for row in facts.inventory:
        marks = {"is_free": "free", "is_trial": "trial", "looks_unlimited": "looks unlimited: confirm"}
        remark = ", ".join(text for key, text in marks.items() if row[key])
        remark = remark or ("price unknown" if row["unit_price"] is None else "")
        rows.append(values(row | {"remark": remark}, *(column.key for column in columns)))
    finding = f"{len(rows)} products that people can hold." if rows else ""
    return Panel(
        "lic-table",
        "Which products do we have?",
        columns,
        [Variant({}, finding, empty="" if rows else NO_LICENCES)],
        rows,
        kind="table",
    )
