"""What a reader has to know before any figure."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.publish.page.facts import Facts
from pipelines.publish.page.licences import unpriced
from pipelines.publish.page.model import day
from pipelines.publish.page.read import Record
from pipelines.publish.sample import is_sample

# So many spans of days are named.
_SPANS = 6


def banners(facts: Facts) -> list[dict[str, str]]:
    """What a reader has to know first, most severe first."""
    found = []
    if facts.concealed:
        found.append(
            _banner(
                "bad",
                "Names are concealed.",
                "Departments, and licences judged by use, are off: the report's names cannot be joined with people. "
                "Totals of single days are right. To show names: Microsoft 365 admin centre > Settings > "
                "Org settings > Reports.",
            )
        )
    pseudonyms = "select 1 from publish_info where name = 'people' and value = 'pseudonyms'"
    if facts.db.records(pseudonyms, needs=["publish_info"]):
        text = "The same one for a person everywhere; only the warehouse tells who is meant. docs/privacy.md says how."
        found.append(_banner("info", "People are pseudonyms.", text))
    # Days older than every period on this page are nobody's concern here any more.
    absent = [row for row in facts.report_days if not row["is_observed"] and row["state"] != "late"]
    lost = [row for row in absent if row["state"] == "lost"]
    other = [row for row in absent if row["state"] != "lost"]
    if other:
        text = f"{_dates(other)}. The next sync asks for them again; Microsoft forgets a day after about four weeks."
        found.append(_banner("warn", f"Days missing: {len(other)}.", text))
    if lost:
        found.append(_banner("warn", f"Days lost: {len(lost)}.", f"{_dates(lost)}. Microsoft no longer offers them."))
    missing = unpriced(facts)
    if missing:
        names = ", ".join(sorted(row["product_name"] for row in missing)[:4])
        names += f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        text = f"{names}. Their cost is unknown, so savings are too low. docs/rules.md says where prices go."
        found.append(_banner("info", f"Products in use without a price: {len(missing)}.", text))
    if is_sample(facts.tenant.get("domain")):
        text = f"{facts.tenant['domain']} is a made-up tenant: its people, use and licences are nobody's."
        found.append(_banner("sample", "Sample data.", text))
    return found


def _banner(tone: str, title: str, text: str) -> dict[str, str]:
    return {"tone": tone, "title": title, "text": text}


def _dates(rows: list[Record]) -> str:
    """The days, those that follow each other as one span."""
    spans: list[list[date]] = []
    for found in sorted({row["report_date"] for row in rows}):
        if spans and found - spans[-1][-1] == timedelta(days=1):
            spans[-1].append(found)
        else:
            spans.append([found])
    told = [day(span[0]) if len(span) == 1 else f"{day(span[0])} to {day(span[-1])}" for span in spans]
    more = sum(len(span) for span in spans[_SPANS:])
    return ", ".join(told[:_SPANS]) + (f" and {more} more" if more else "")
