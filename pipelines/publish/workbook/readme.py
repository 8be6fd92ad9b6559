"""The first sheet: how new the figures are, what to beware of, what the words mean, what is where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from pipelines.publish.pseudonyms import PSEUDONYMS
from pipelines.publish.sample import is_sample
from pipelines.publish.workbook.cells import FORMATS, height_of, text_cell
from pipelines.publish.workbook.model import Sheet

_DOMAINS = "select domain from tenants"
_CONCEALED = "select count(*) from tenants where is_concealed_now"
_MISSING = """
    select r.report_date from report_days as r
    inner join suite_usage_28d as w on w.tenant_id = r.tenant_id
    where r.report_date between w.window_start and w.window_end and not r.is_observed
    group by r.report_date order by r.report_date
"""
_UNPRICED = """
    select count(*) from license_inventory
    where applies_to = 'User' and unit_price is null and not is_free and not coalesce(is_trial, false) and assigned > 0
"""
_DEFINITIONS = (
    ("Active", "At least one intentional action in the app that day, by Microsoft's own flag. Never last activation."),
    ("Office suite", "Outlook, Word, Excel, PowerPoint and OneNote. Teams is in no suite figure."),
    ("People", "Distinct people (active_users). Do not add them over days, apps or platforms: they are the same."),
    ("App-days", "The five apps' days of use summed up (app_user_days): one person counts up to five times a day."),
    ("Empty and 0", "Empty: no data, unknown, or hidden to protect a small group. 0: observed, and no use."),
    ("Licensed", "People who hold a licence that includes the app; no guests, shared mailboxes or service accounts."),
    ("Adoption", "Weekly active share of licensed people, mean of the last complete weeks."),
    ("Unknown price", "Stays empty, so that sums of money are too low rather than wrong. Currencies are never added."),
)
_CAVEATS = (
    "Microsoft's reports are about two days late and corrected for about a week: days that are provisional may change.",
    "All times are UTC. Times are when the data were fetched, dates are Microsoft's report dates.",
    "Activations on shared computers are not counted by Microsoft.",
    "Texts that begin with = + - or @ have an apostrophe before them, so that no program takes them for formulas.",
)
_WIDTH = 110
_BUILDS = {
    "shareable": "Aggregates only, small groups protected: may be shared.",
    "admin": "Names people: keep it as closed as the folder it came from.",
    PSEUDONYMS: "One row per person, under pseudonyms: personal data all the same, so not for everybody.",
}
_PSEUDONYMS = (
    "People are pseudonyms here (M365_PSEUDONYMIZE), the same ones in every release. Who has a licence to give back "
    "is told by the warehouse alone; docs/privacy.md says how to ask it."
)


def banners(con: duckdb.DuckDBPyConnection, tables: frozenset[str]) -> list[str]:
    """What a reader must know before reading any figure; the worst first."""

    def count(sql: str, *needs: str) -> int:
        found = con.execute(sql).fetchone() if tables.issuperset(needs) else None
        return int(found[0]) if found else 0

    found = []
    if "tenants" in tables and any(is_sample(domain) for (domain,) in con.execute(_DOMAINS).fetchall()):
        found.append("Sample data: this tenant is made up.")
    if count(_CONCEALED, "tenants"):
        found.append(
            "Names are concealed in Microsoft's reports: figures per department and per licence are off, totals of "
            "the tenant are right. docs/setup.md says which setting to change."
        )
    if tables.issuperset({"report_days", "suite_usage_28d"}):
        days = [str(day) for (day,) in con.execute(_MISSING).fetchall()]
        if days:
            found.append(f"Days without data in the last 28: {', '.join(days)}. They are in no average.")
    unpriced = count(_UNPRICED, "license_inventory")
    if unpriced:
        found.append(f"Products in use without a price: {unpriced}. Sums of money are too low; see docs/rules.md.")
    return found


def write_readme(
    book: Workbook,
    page: Worksheet,
    con: duckdb.DuckDBPyConnection,
    facts: Mapping[str, str],
    sheets: Sequence[Sheet],
    tables: frozenset[str],
) -> None:
    """Fill the Read me sheet."""
    title = book.add_format({"bold": True, "font_size": 16})
    bold = book.add_format({"bold": True, "valign": "top"})
    top = book.add_format({"valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    warning = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#FFF2CC", "valign": "top"})
    page.hide_gridlines(2)
    page.set_column(0, 0, 22)
    page.set_column(1, 1, _WIDTH)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.write_string(0, 0, "Microsoft 365 usage and licences", title)
    row = 2
    for label, value, number_format in _facts(con, facts, tables):
        page.write_string(row, 0, label, bold)
        _write(book, page, row, value, number_format)
        row += 1
    notes = banners(con, tables)
    if facts.get("people") == PSEUDONYMS:
        notes.insert(0, _PSEUDONYMS)
    for banner in notes:
        page.write_string(row, 0, "Note", warning)
        page.write_string(row, 1, text_cell(banner), warning)
        page.set_row(row, height_of([banner], _WIDTH))
        row += 1
    for heading, pairs in (
        ("What the words mean", _DEFINITIONS),
        ("What to beware of", [("", caveat) for caveat in _CAVEATS]),
    ):
        row += 1
        page.write_string(row, 0, heading, bold)
        for label, text in pairs:
            row += 1
            page.write_string(row, 0, label, top)
            page.write_string(row, 1, text, wrap)
            page.set_row(row, height_of([text], _WIDTH))
        row += 1
    row += 1
    page.write_string(row, 0, "Sheets", bold)
    for sheet in sheets:
        row += 1
        page.write_url(row, 0, f"internal:'{sheet.name}'!A1", string=sheet.name)
        page.write_string(row, 1, sheet.title)


def _facts(
    con: duckdb.DuckDBPyConnection, facts: Mapping[str, str], tables: frozenset[str]
) -> list[tuple[str, object, str]]:
    through = date.fromisoformat(facts["data_through"]) if facts.get("data_through") else None
    found: list[tuple[str, object, str]] = [("Data as of", through or "no report day yet", "date")]
    if "tenants" in tables:
        rows = con.execute("select name, max(last_synced_at at time zone 'UTC') from tenants group by 1 order by 1")
        for name, synced in rows.fetchall():
            found.append(("Tenant", name or "", "text"))
            found.append(("Loaded at (UTC)", synced or "not yet", "instant"))
    if through and facts.get("published_on"):
        found.append(("Days behind", (date.fromisoformat(facts["published_on"]) - through).days, "count"))
    found.append(("Release", facts.get("publish_id", ""), "text"))
    kind = PSEUDONYMS if facts.get("people") == PSEUDONYMS else facts.get("build", "")
    found.append(("Who may see it", _BUILDS.get(kind, ""), "text"))
    return found


def _write(book: Workbook, page: Worksheet, row: int, value: object, kind: str) -> None:
    shown: Format = book.add_format({"num_format": FORMATS[kind], "align": "left"})
    if isinstance(value, str):
        page.write_string(row, 1, text_cell(value), shown)
    elif isinstance(value, int):
        page.write_number(row, 1, value, shown)
    elif isinstance(value, date):
        page.write_datetime(row, 1, value, shown)
