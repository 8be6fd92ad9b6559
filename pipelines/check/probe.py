"""What the checks of one tenant share: a client that does not wait long, and what was found out so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from pipelines.graph.budget import RequestBudget
from pipelines.graph.client import GraphClient
from pipelines.settings import Settings, TenantSettings

# Once more after a broken connection or a 5xx; and no pause longer than this.
ATTEMPTS = 2
LONGEST_PAUSE = 5.0


class BudgetUsedUpError(Exception):
    """No report request may be sent now; the seconds until one may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds


@dataclass
class Probe:
    """One tenant under test. clock: seconds since the epoch.

    claims: what the token says of itself. is_concealed_setting: the tenant's setting, None while unknown.
    concealed_share: of the names in the report that was read. skew: by how many seconds this clock is ahead.
    """

    settings: Settings
    tenant: TenantSettings
    client: GraphClient
    can_write: bool
    clock: Callable[[], float] = time.time
    claims: dict[str, Any] = field(default_factory=dict)
    is_concealed_setting: bool | None = None
    concealed_share: float | None = None
    skew: float | None = None

    def first_page(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        """The first page of an endpoint; raises GraphError."""
        context = self.client.context(path)
        _, page = next(self.client.get_pages(path, context, params))
        return page

    def reach(self, url: str) -> requests.Response:
        """GET an address without a token, for its status and clock; raises what requests raises."""
        begun = self.clock()
        response = self.client.session.get(url)
        self._note_clock(response.raw.headers.getlist("Date"), (begun + self.clock()) / 2)
        return response

    def _note_clock(self, dates: list[str], now: float) -> None:
        try:
            # A proxy may add a date of its own, in front.
            theirs = parsedate_to_datetime(dates[-1]).timestamp()
        except (IndexError, ValueError, TypeError):
            return
        self.skew = now - theirs


@contextmanager
def open_probe(
    settings: Settings, tenant: TenantSettings, *, can_write: bool, clock: Callable[[], float] = time.time
) -> Iterator[Probe]:
    """A probe of the tenant. Its report requests are counted in the data folder, as those of a sync are."""

    def give_up(seconds: float, _: str) -> None:
        raise BudgetUsedUpError(seconds)

    with ExitStack() as stack:
        folder = settings.data_dir if can_write else Path(stack.enter_context(TemporaryDirectory()))
        budget = RequestBudget(
            folder / "throttle-budget.sqlite",
            per_app=settings.throttle_requests,
            per_tenant=settings.throttle_tenant_requests,
            window_seconds=settings.throttle_window_seconds,
            on_wait=give_up,
        )
        stack.callback(budget.close)
        client = GraphClient.connect(
            tenant, settings, budget, lambda seconds: time.sleep(min(seconds, LONGEST_PAUSE)), attempts=ATTEMPTS
        )
        stack.callback(client.close)
        yield Probe(settings, tenant, client, can_write, clock)
