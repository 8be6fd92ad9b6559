"""What assets work with: the settings, the tenants of this run, and errors that people can read."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import dagster as dg

from pipelines.defs.runs import working_on
from pipelines.defs.telling import tell_of_run
from pipelines.graph.errors import GraphError
from pipelines.settings import Settings, SettingsError, TenantSettings, load_settings
from pipelines.sync.tenants import TenantWork
from pipelines.warehouse.errors import (
    NO_SPACE,
    ForgottenError,
    OwnListError,
    RefusedBodyError,
    WarehouseBusyError,
    WarehouseOutdatedError,
    is_out_of_space,
)
from pipelines.warehouse.landing import Landing
from pipelines.window import ReportWindow

# How often a long wait is told.
COUNTDOWN_SECONDS = 60.0

READABLE_ERRORS = (
    SettingsError,
    GraphError,
    OwnListError,
    RefusedBodyError,
    ForgottenError,
    WarehouseBusyError,
    WarehouseOutdatedError,
)


class Workplace(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The settings as they are when a run starts: environment and .env."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Workplace"]:
        """While the run works, it can be told from one that was killed; when it ends, people are told."""
        run = context.run
        if context.instance is None or run is None:
            yield self
            return
        with working_on(context.instance, run.run_id):
            try:
                yield self
            finally:
                tell_of_run(context.instance, run, _warner(context))

    def settings(self) -> Settings:
        """All settings; raises dg.Failure with one sentence when they cannot be used."""
        with readable_errors():
            return load_settings()

    def tenants(self, only: str | None = None) -> list[TenantSettings]:
        """The configured tenants, or the one named."""
        with readable_errors():
            return self.settings().chosen_tenants(only)

    def work(self, context: dg.AssetExecutionContext, only: str | None = None) -> TenantWork:
        """The tenants of this run, side by side; the run's log is told of waits and of tenants left out."""
        return TenantWork(
            settings=self.settings(),
            tenants=self.tenants(only),
            landing=self.landing(),
            run_id=context.run_id,
            sleep=countdown(context),
            on_wait=waiting_logger(context),
            on_failure=context.log.error,
            on_progress=context.log.info,
        )

    def landing(self) -> Landing:
        """The landing folder."""
        return Landing(self.settings().landing_dir)


class SyncConfig(dg.Config):
    """What one run is to do. first_day and last_day (ISO dates) narrow the report window."""

    tenant: str | None = None
    full: bool = False
    first_day: str | None = None
    last_day: str | None = None

    def days(self, window: ReportWindow) -> list[date]:
        """The report dates of the window that the run may ask for."""
        first = date.fromisoformat(self.first_day) if self.first_day else window.start
        last = date.fromisoformat(self.last_day) if self.last_day else window.end
        return [day for day in window.days if first <= day <= last]


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn an error that has an explanation into a failure that shows just that, and is not retried."""
    try:
        yield
    except READABLE_ERRORS as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
    except Exception as error:
        if not is_out_of_space(error):
            raise
        raise dg.Failure(description=NO_SPACE, allow_retries=False) from None


def _warner(context: dg.InitResourceContext) -> Callable[[str], None]:
    def warn(sentence: str) -> None:
        if context.log is not None:
            context.log.warning(sentence)

    return warn


def waiting_logger(context: dg.AssetExecutionContext) -> Callable[[float, str], None]:
    """Tell the run's log of every wait for the request limit."""

    def on_wait(seconds: float, report: str) -> None:
        context.log.info(f"Microsoft's request limit for {report} is used up; going on in {seconds:.0f} s.")

    return on_wait


def countdown(context: dg.AssetExecutionContext) -> Callable[[float], None]:
    """A sleep that tells the log every minute how long it still takes, and that a stopped run can leave."""

    def sleep(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        told = seconds
        while (left := deadline - time.monotonic()) > 0:
            if told - left >= COUNTDOWN_SECONDS:
                told = left
                context.log.info(f"Still {left:.0f} s to wait.")
            time.sleep(min(left, 1.0))

    return sleep
