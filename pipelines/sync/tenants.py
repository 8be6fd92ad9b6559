"""One tenant after another: what stops one of them stops no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pipelines.graph.budget import WaitObserver
from pipelines.graph.errors import SignInError
from pipelines.settings import Settings, SettingsError, TenantSettings
from pipelines.sync.extract import open_fetcher
from pipelines.sync.fetch import Fetcher
from pipelines.warehouse.landing import Landing

T = TypeVar("T")
# What ends the work on one tenant: nothing else could be asked of it either.
TENANT_ERRORS = (SignInError, SettingsError)


@dataclass(frozen=True)
class TenantWork:
    """How the tenants of one run are worked on.

    on_failure is told of a tenant that could not be signed in to, in one sentence.
    """

    settings: Settings
    tenants: list[TenantSettings]
    landing: Landing
    run_id: str | None
    sleep: Callable[[float], None]
    on_wait: WaitObserver | None = None
    on_failure: Callable[[str], None] = lambda _: None

    def for_each(self, work: Callable[[Fetcher], T]) -> list[T]:
        """Do it for every tenant; returns what came of those that could be signed in to.

        A tenant that could not is noted in landing/, so that the ledger and the end of the run know of it. When
        there is none left to go on with, the error is raised.
        """
        done, errors = [], []
        for tenant in self.tenants:
            with open_fetcher(
                self.settings, tenant, self.landing, run_id=self.run_id, sleep=self.sleep, on_wait=self.on_wait
            ) as fetcher:
                try:
                    done.append(work(fetcher))
                except TENANT_ERRORS as error:
                    fetcher.note_failed_sign_in(error)
                    errors.append(error)
                    reason = error.message if isinstance(error, SignInError) else error
                    self.on_failure(f"Tenant {tenant.label} is left out: {reason}")
        if errors and not done:
            raise errors[0] if len(errors) == 1 else SignInError(" ".join(map(str, errors)))
        return done
