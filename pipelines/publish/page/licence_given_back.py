"""The panel of licences that steps of plans took back: what later reads of the directory confirm, and what it saves."""

from __future__ import annotations

from pipelines.publish.page.facts import Facts, values
from pipelines.publish.page.licences import money, totals
from pipelines.publish.page.model import Column, Panel, Variant, number
from pipelines.publish.page.read import Record


def given_back_panel(facts: Facts) -> Panel | None:
    """What plans took back, month by month; admin build only, and None where no step ever freed a licence."""
    found = facts.table("realised_savings", "saving_month desc, product_name, sku_id")
    if not found or not facts.db.has("action_log"):
        return None
    columns = [
        Column("saving_month", "Month", "date"),
        Column("product_name", "Product"),
        Column("taken_back", "Taken back", "int"),
        Column("assigned_again", "Given again", "int"),
        Column("still_free", "Still free", "int"),
        Column("realised_monthly_saving", "Saving a month", "money"),
        Column("currency", "Currency"),
    ]
    newest = [row for row in found if row["saving_month"] == found[0]["saving_month"]]
    return Panel(
        "lic-given-back",
        "What have we taken back?",
        columns,
        [Variant({}, f"{_steps(facts.table('action_log', 'ended_at'))} {_free(newest)}")],
        [values(row, *(column.key for column in columns)) for row in found],
        note="Only licences that steps of plans freed, and that a read of the directory has seen free since. It is "
        "money once fewer units are bought, or none more for somebody new.",
        kind="table",
    )


def _steps(log: list[Record]) -> str:
    """What was done, and what is confirmed; sessions, mailboxes and files are not to be seen in the directory."""
    done = [row for row in log if row["done_at"] is not None]
    plans = len({row["plan_digest"] for row in done})
    confirmed = sum(row["is_confirmed"] is True for row in done)
    reversed_ = sum(row["reversed_on"] is not None for row in done)
    told = f"Steps done: {number(len(done))}, of plans: {number(plans)}; confirmed since: {number(confirmed)}"
    return told + (f"; undone since: {number(reversed_)}." if reversed_ else ".")


def _free(rows: list[Record]) -> str:
    """What is free by now, and its price; currencies are never added."""
    units = sum(row["still_free"] for row in rows)
    saving = totals(rows, "realised_monthly_saving")
    unpriced = sum(row["still_free"] for row in rows if row["realised_monthly_saving"] is None)
    cost = f"{money(saving)} a month" if saving else "at unknown cost"
    more = f" ({number(unpriced)} of them without a price)" if saving and unpriced else ""
    return f"Free by now: {number(units)} licences, {cost}{more}." if units else "None of it is free any more."
