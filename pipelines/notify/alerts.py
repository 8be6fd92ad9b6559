"""What is wrong, told once: each alert when it begins, and once more when it is over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.notify.message import Message, Mood
from pipelines.notify.situation import TenantSituation
from pipelines.settings import Settings

# As in the check of the raw data: Microsoft is about two days behind, beyond this the data are stale.
STALE_AFTER_DAYS = 4
_MOST_PRODUCTS = 8
_MOST_WORDS = 600
_ADDRESS = re.compile(r"[^\s\"'<>()]+@[^\s\"'<>()]+")
_REQUEST_ID = re.compile(r" ?\[request-id [^\]]*\]")
_OF_DBT = "dbt stopped"
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")

RUN_FAILED = "run_failed"
# What a resolved alert says.
_RESOLVED = {
    RUN_FAILED: ("The run works again", "The last run went well, and its result is published."),
    "stale": ("The data are fresh again", "New report days have come in."),
    "expiring": ("No day is about to be lost any more", "The days in question are stored, or past saving."),
    "concealed": ("Names are shown again", "Microsoft's reports name people again; the whole window is fetched anew."),
    "over_assigned": ("No licences are over-assigned any more", "Every product has the licences that are assigned."),
}


@dataclass(frozen=True)
class Alert:
    """Something that is wrong. key: kind and tenant; while it stays, nothing more is said."""

    kind: str
    tenant_id: str
    title: str
    text: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = field(default=())

    @property
    def key(self) -> str:
        """What the state file calls it."""
        return f"{self.kind}:{self.tenant_id}" if self.tenant_id else self.kind

    def message(self, settings: Settings) -> Message:
        """The message that tells of it."""
        return Message(self.title, Mood.PROBLEM, self.text, self.facts, link=settings.notify_page_url)


def resolved(key: str, settings: Settings) -> Message:
    """The message that an alert is over."""
    kind, _, tenant_id = key.partition(":")
    title, text = _RESOLVED.get(kind, ("A problem is over", "What was reported is no longer so."))
    facts = (("Tenant", tenant_id),) if tenant_id else ()
    return Message(title, Mood.RESOLVED, (text,), facts, link=settings.notify_page_url)


def alerts(settings: Settings, tenants: Sequence[TenantSituation]) -> list[Alert]:
    """All that is wrong with what is published and what is landed."""
    found: list[Alert] = []
    for tenant in tenants:
        found += [*_stale(settings, tenant), *_expiring(tenant), *_concealed(tenant), *_over_assigned(tenant)]
    return found


def run_failed(job: str, failures: Sequence[str]) -> Alert:
    """A run that failed, with its reasons; what could be somebody's name in them is left out."""
    reasons = list(dict.fromkeys(map(clean, failures)))
    text = tuple(reasons[:3]) or ("Its log says why.",)
    more = (f"And {len(reasons) - 3} more.",) if len(reasons) > 3 else ()
    last = "What is published stays as it is. The run's page in the Dagster UI has the whole log."
    return Alert(RUN_FAILED, "", f"The {job} run failed", (*text, *more, last))


def clean(failure: str) -> str:
    """A reason without addresses of people, and without the values that a database quotes: they may be somebody's."""
    text = _ADDRESS.sub("\u2026", _REQUEST_ID.sub("", " ".join(failure.split())))
    if text.startswith(_OF_DBT):
        text = _QUOTED.sub("\u2026", text)
    return text if len(text) <= _MOST_WORDS else text[: _MOST_WORDS - 1] + "\u2026"


def _stale(settings: Settings, tenant: TenantSituation) -> list[Alert]:
    if tenant.data_through is None:
        return []
    days = (settings.today_utc - tenant.data_through).days
    if days <= STALE_AFTER_DAYS:
        return []
    text = (
        f"The newest day with data is {tenant.data_through}, {days} days ago. Microsoft is about two days behind; "
        f"more than {STALE_AFTER_DAYS} means that no run has brought anything new.",
        "See that the schedule runs (m365-usage ui, or your own), and what m365-usage check says.",
    )
    return [Alert("stale", tenant.tenant_id, f"The data of {tenant.name} are stale", text)]


def _expiring(tenant: TenantSituation) -> list[Alert]:
    if not tenant.expiring:
        return []
    count = len(tenant.expiring)
    days = ", ".join(str(day) for day in tenant.expiring)
    title = f"{'A day' if count == 1 else f'{count} days'} of {tenant.name} will be lost"
    text = (
        f"Not stored yet, and Microsoft serves report days for four weeks only: {days}.",
        "Run m365-usage sync today; m365-usage status says why they are missing.",
    )
    return [Alert("expiring", tenant.tenant_id, title, text, (("Days", days),))]


def _concealed(tenant: TenantSituation) -> list[Alert]:
    if not tenant.is_concealed:
        return []
    text = (
        "Microsoft's reports show hashes in place of names, so that use cannot be joined with people and licences: "
        "departments, idle licences and reclaim lists stand still. Tenant totals stay right.",
        "Microsoft 365 admin centre > Settings > Org settings > Services > Reports: clear the box that conceals "
        "names. Days that are fetched while it is on stay without names.",
    )
    return [Alert("concealed", tenant.tenant_id, f"Names are concealed in the reports of {tenant.name}", text)]


def _over_assigned(tenant: TenantSituation) -> list[Alert]:
    if not tenant.over_assigned:
        return []
    products = list(tenant.over_assigned.items())
    facts = [(name, f"{count:,} too many") for name, count in products[:_MOST_PRODUCTS]]
    if len(products) > _MOST_PRODUCTS:
        facts.append(("Others", f"{len(products) - _MOST_PRODUCTS} more products"))
    total = sum(tenant.over_assigned.values())
    text = (
        f"{total:,} more licences are assigned than are paid for. Buy more, or take some back: reclaimable_licenses "
        "in the admin build lists those that are not used.",
    )
    return [
        Alert("over_assigned", tenant.tenant_id, f"Licences of {tenant.name} are over-assigned", text, tuple(facts))
    ]
