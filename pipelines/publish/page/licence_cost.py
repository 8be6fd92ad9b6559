"""The panels of licences over time and by department: what waste comes and goes, and who costs what."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from pipelines.publish.page import charts
from pipelines.publish.page.facts import Facts, values
from pipelines.publish.page.licences import money, totals
from pipelines.publish.page.model import Column, Panel, Row, Variant, number
from pipelines.publish.page.where import SUPPRESSED


def waste_panel(facts: Facts) -> Panel:
    """Per month: what was on the reclaim list, and of it what was new; what was taken back."""
    found = facts.table("waste_monthly", "waste_month, product_name")
    rows: list[Row] = []
    for row in found:
        label = f"{row['waste_month']:%b %Y}" + ("" if row["is_complete"] else " (so far)")
        new = row["new_waste"]
        old = None if row["reclaimable"] is None else row["reclaimable"] - (new or 0)
        cells = values(
            row, "realised", "reclaimable_monthly_cost", "realised_monthly_saving", "currency", "is_suppressed"
        )
        rows.append([label, row["product_name"], "On the list before", old, *cells, 0])
        rows.append(
            [label, row["product_name"], "New on the list", new, None, None, None, None, row["is_suppressed"], 1]
        )
    known = [row for row in found if row["reclaimable"] is not None]
    finding, empty = "", ""
    if any(row["is_suppressed"] for row in found):
        # Months that leave out different products cannot be compared.
        empty = "Hidden: some months would tell of small groups, and the rest alone would mislead. See the admin copy."
    elif known:
        newest = max(row["waste_month"] for row in known)
        last = [row for row in known if row["waste_month"] == newest]
        back = [row["realised"] for row in last if row["realised"] is not None]
        finding = f"{newest:%B %Y}: {number(sum(row['reclaimable'] for row in last))} licences on the list"
        saved = {currency: amount for currency, amount in totals(last, "realised_monthly_saving").items() if amount}
        if back:
            finding += f"; {number(sum(back))} of the month before were taken back"
            finding += f", which saves {money(saved)} a month" if saved else ""
        finding += "."
    else:
        empty = "Nothing to take back was found yet, or use cannot be judged: see the tables above."
    columns = [
        Column("month", "Month"),
        Column("product", "Product"),
        Column("part", "What"),
        Column("licences", "Licences", "int"),
        Column("realised", "Taken back since the month before", "int"),
        Column("cost", "Cost a month", "money"),
        Column("saving", "Saved a month", "money"),
        Column("currency", "Currency"),
        SUPPRESSED,
        Column("part_order", "order", "int", hidden=True),
    ]
    spec = charts.stacked(
        ["On the list before", "New on the list"],
        ["var(--suite)", "var(--warn)"],
        label="month",
        part="part",
        value="licences",
        title="Licences to take back",
        sort=list(dict.fromkeys(row[0] for row in rows)),
    )
    note = (
        "At the end of each month; the first month is compared with none. Licences held twice over are not in it. "
        "Earlier months are judged by the days stored until then, so idle licences join once enough days are stored."
    )
    title = "Does waste grow or shrink?"
    return Panel(
        "lic-waste", title, columns, [Variant({}, finding, empty=empty)], rows, spec, "Stacked bars by month.", note
    )


def department_cost_panel(facts: Facts) -> Panel:
    """What the licences of each department cost a month; currencies apart."""
    found = [row for row in facts.table("license_cost_by_department", "department, product_name") if not row["is_free"]]
    priced = [row for row in found if row["monthly_cost"] is not None]
    currencies = {row["currency"] for row in priced}
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for row in priced:
        sums[row["department"], row["currency"]].append(row["monthly_cost"])
    licences: dict[str, int] = defaultdict(int)
    unknown: dict[str, int] = defaultdict(int)
    for row in found:
        licences[row["department"]] += row["licenses"]
        unknown[row["department"]] += row["licenses"] if row["monthly_cost"] is None else 0
    rows: list[Row] = [
        [
            department if len(currencies) == 1 else f"{department} ({currency})",
            sum(costs, Decimal(0)),
            currency,
            licences[department],
            unknown[department],
        ]
        for (department, currency), costs in sums.items()
    ]
    rows.sort(key=lambda row: row[1], reverse=True)
    finding, empty = "", ""
    if rows:
        finding = f"{money(totals(priced, 'monthly_cost'))} a month in all; most in {rows[0][0]}."
    elif found:
        empty = "No prices are known. docs/rules.md says where they go."
    else:
        empty = "No paid licence is held by anybody the directory knows, or the tenant is too small to be split."
    columns = [
        Column("department", "Department"),
        Column("monthly_cost", "Cost a month", "money"),
        Column("currency", "Currency"),
        Column("licences", "Licences", "int"),
        Column("unpriced", "Of them without a price", "int"),
    ]
    title = f"Cost a month, {next(iter(currencies))}" if len(currencies) == 1 else "Cost a month"
    longest = float(rows[0][1]) if rows else 0.0
    spec = charts.bars(
        label="department", value="monthly_cost", title=title, unit=",.0f", inside_from=max(longest / 20, 0.01)
    )
    note = "Licences held, at your prices; licences without a price are not in the cost."
    question = "Which department holds licences for how much?"
    variant = Variant({}, finding, empty=empty)
    return Panel("lic-departments", question, columns, [variant], rows, spec, "Bars, one per department.", note)
