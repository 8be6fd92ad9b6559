"""Reading the directory's people: all of them, or only who changed.

A full read is the only one with managers, sign-in activity and a complete set, so it is made daily. Large tenants
read changes instead, and everybody once a week. Source: Graph ``user: delta``; a delta link lives for seven days.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

from pipelines.graph import directory
from pipelines.settings import Settings
from pipelines.sync.fetch import Fetcher
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord

FULL_READ_EVERY = timedelta(days=7)


def extract_people(fetcher: Fetcher, settings: Settings, note: Callable[[FetchRecord], FetchRecord]) -> None:
    """Read who changed where that is enough, else everybody.

    An expired or refused delta link leads to a full read in the same run.
    """
    link = _usable_link(fetcher, settings)
    if link is not None and note(fetcher.fetch_endpoint(directory.users_changed_since(link))).outcome == "ok":
        return
    if _is_large(fetcher, settings):
        # Before the full read, so that what changes meanwhile is in the next delta.
        note(fetcher.fetch_endpoint(directory.USERS_DELTA_LINK))
    full = note(fetcher.fetch_endpoint(directory.users(settings.directory_page_size, with_sign_ins=True)))
    if full.outcome == "refused_permission":
        # No Entra ID P1, or no permission for sign-in activity: people matter more.
        note(fetcher.fetch_endpoint(directory.users(settings.directory_page_size, with_sign_ins=False)))


def _usable_link(fetcher: Fetcher, settings: Settings) -> str | None:
    """The link for changes, if the tenant is large and was read whole within the week."""
    landing, tenant_id = fetcher.landing, fetcher.client.tenant.tenant_id
    full = landing.newest_answer(tenant_id, "users")
    if full is None or fetcher.window.today - full.record.as_of >= FULL_READ_EVERY:
        return None
    return delta_link(landing, tenant_id) if _is_large(fetcher, settings) else None


def _is_large(fetcher: Fetcher, settings: Settings) -> bool:
    full = fetcher.landing.newest_answer(fetcher.client.tenant.tenant_id, "users")
    rows = full.verdict.rows if full is not None and full.verdict is not None else None
    return rows is not None and rows >= settings.delta_users


def delta_link(landing: Landing, tenant_id: str) -> str | None:
    """The link that the newest delta answer ends with; None when there is none."""
    landed = landing.newest_answer(tenant_id, directory.USERS_DELTA)
    if landed is None:
        return None
    last_page = landing.read_body(landed).rstrip().rsplit(b"\n", 1)[-1]
    link = json.loads(last_page).get("@odata.deltaLink")
    return link if isinstance(link, str) else None
