"""Tenants side by side: what stops one of them stops no other, and where one waits the others go on.

Microsoft's limits are each tenant's own, so a first sync of many tenants is mostly waiting, which they can do together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.graph.budget import WaitObserver
from pipelines.graph.errors import SignInError
from pipelines.settings import Settings, SettingsError, TenantSettings
from pipelines.side_by_side import side_by_side
from pipelines.sync.extract import open_fetcher
from pipelines.sync.fetch import Fetcher
from pipelines.warehouse.landing import Landing

T = TypeVar("T")
# What ends the work on one tenant: nothing else could be asked of it either.
TENANT_ERRORS = (SignInError, SettingsError)
# How often it is told how many tenants are done and how many wait.
TELL_SECONDS = 60.0


@dataclass(frozen=True)
class TenantWork:
    """How the tenants of one run are worked on.

    sleep (seconds) and on_wait pace the requests of one tenant at a time; where several are worked on at once, sleep is
    called for at most a second at a time, by several threads, and on_progress is told every minute how things stand.
    on_failure is told of each tenant that could not be signed in to, in one sentence.
    """

    settings: Settings
    tenants: list[TenantSettings]
    landing: Landing
    run_id: str | None
    sleep: Callable[[float], None]
    on_wait: WaitObserver | None = None
    on_failure: Callable[[str], None] = lambda _: None
    on_progress: Callable[[str], None] = lambda _: None

    def for_each(self, work: Callable[[Fetcher], T]) -> list[T]:
        """Do it for every tenant; returns what came of those that could be signed in to, in their order.

        With several tenants the work is called in threads, for at most ``tenants_at_once`` of them at a time. A tenant
        that could not be signed in to is noted in landing/, so that the ledger and the end of the run know of it. When
        there is none left to go on with, the error is raised.
        """
        if min(len(self.tenants), self.settings.tenants_at_once) == 1:
            ended = [self._work_on(tenant, work, self.sleep, self.on_wait) for tenant in self.tenants]
        else:
            waits = _Waits(self.sleep, len(self.tenants), self.on_progress)
            ended = side_by_side(
                lambda tenant: self._work_on(tenant, work, waits.sleep, None),
                self.tenants,
                at_once=self.settings.tenants_at_once,
                stop=waits.stop,
                on_tick=waits.tell,
            )
        errors = [one.error for one in ended if one.error is not None]
        for one in ended:
            if one.error is not None:
                reason = one.error.message if isinstance(one.error, SignInError) else one.error
                self.on_failure(f"Tenant {one.tenant.label} is left out: {reason}")
        if errors and len(errors) == len(ended):
            raise errors[0] if len(errors) == 1 else SignInError(" ".join(map(str, errors)))
        return [found for one in ended for found in one.found]

    def _work_on(
        self,
        tenant: TenantSettings,
        work: Callable[[Fetcher], T],
        sleep: Callable[[float], None],
        on_wait: WaitObserver | None,
    ) -> _Ended[T]:
        with open_fetcher(
            self.settings, tenant, self.landing, run_id=self.run_id, sleep=sleep, on_wait=on_wait
        ) as fetcher:
            try:
                return _Ended(tenant, (work(fetcher),))
            except TENANT_ERRORS as error:
                fetcher.note_failed_sign_in(error)
                return _Ended(tenant, error=error)


@dataclass(frozen=True)
class _Ended(Generic[T]):
    """What came of one tenant: a result, or the error without one."""

    tenant: TenantSettings
    found: tuple[T, ...] = ()
    error: SignInError | SettingsError | None = None


class _Stopped(BaseException):
    """The run was stopped while a tenant waited."""


class _Waits:
    """The waits of all tenants: left when the run is stopped, told of together."""

    def __init__(self, sleep: Callable[[float], None], tenants: int, on_progress: Callable[[str], None]) -> None:
        self.stop = threading.Event()
        self._sleep = sleep
        self._tenants = tenants
        self._on_progress = on_progress
        self._told = time.monotonic()
        self._lock = threading.Lock()
        self._left: dict[int, float] = {}

    def sleep(self, seconds: float) -> None:
        """Sleep in short pieces, so that a stopped run need not wait."""
        with self._noted(seconds):
            left = seconds
            while left > 0:
                if self.stop.is_set():
                    raise _Stopped
                self._sleep(min(left, 1.0))
                left -= 1.0

    def tell(self, done: int) -> None:
        """Every minute: how many tenants are done, how many wait, and how long the first of them still does."""
        now = time.monotonic()
        if now - self._told < TELL_SECONDS:
            return
        self._told = now
        with self._lock:
            waiting = [until - now for until in self._left.values()]
        wait = (
            f"; {len(waiting)} wait for Microsoft, the next goes on in {max(min(waiting), 0):.0f} s" if waiting else ""
        )
        self._on_progress(f"{done} of {self._tenants} tenants are done{wait}.")

    @contextmanager
    def _noted(self, seconds: float) -> Iterator[None]:
        thread = threading.get_ident()
        with self._lock:
            self._left[thread] = time.monotonic() + seconds
        try:
            yield
        finally:
            with self._lock:
                del self._left[thread]
