"""Several tenants at once: nobody waits for another's request limit, and a stopped run waits for none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from pipelines.simulator import Tenant
from pipelines.sync.extract import extract_report_days, plan_report_days
from pipelines.sync.fetch import Fetcher
from pipelines.sync.tenants import TELL_SECONDS, TenantWork
from pipelines.warehouse.landing import Landing
from tests.integration.conftest import Rig, tenant


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig(*companies())


def companies() -> list[Tenant]:
    return [tenant(users=20), tenant(2, users=20), tenant(3, users=20)]


def work_on(rig: Rig, sleep: Callable[[float], None], said: list[str], **settings: object) -> TenantWork:
    found = [rig.tenant_settings(company) for company in companies()]
    changed = rig.settings.model_copy(update=settings)
    return TenantWork(changed, found, Landing(rig.data_dir / "landing"), "run", sleep=sleep, on_progress=said.append)


def test_one_that_waits_lets_the_others_go_on(rig: Rig) -> None:
    """The first may go on only when the others have their days."""
    others_done = threading.Semaphore(0)
    work = work_on(rig, time.sleep, [])
    first = work.tenants[0].tenant_id

    def extract(fetcher: Fetcher) -> tuple[str, int]:
        mine = fetcher.client.tenant.tenant_id
        if mine == first:
            assert others_done.acquire(timeout=60)
            assert others_done.acquire(timeout=60)
        plan = plan_report_days(rig.settings, fetcher.client.tenant, fetcher.landing)
        found = extract_report_days(fetcher, replace(plan, never_fetched=plan.never_fetched[:3]))
        others_done.release()
        return mine, sum(record.outcome == "ok" for record in found.records)

    assert work.for_each(extract) == [(one.tenant_id, 3) for one in work.tenants]
    rig.load()
    assert rig.query(
        "select tenant_id, count(distinct report_date)::int from ledger.fetches group by all order by all"
    ) == [(one.tenant_id, 3) for one in sorted(work.tenants, key=lambda one: one.tenant_id)]


def test_waits_are_told_together_and_left_when_the_run_is_stopped(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sync.tenants.TELL_SECONDS", 0.0)
    said: list[str] = []
    pieces: list[float] = []
    all_wait = threading.Barrier(3)

    def sleep(seconds: float) -> None:
        pieces.append(seconds)
        time.sleep(0.01)

    work = work_on(rig, sleep, said)

    def wait_for_hours(fetcher: Fetcher) -> None:
        all_wait.wait(60)
        fetcher.client.sleep(36_000)

    def stop_when_told(sentence: str) -> None:
        said.append(sentence)
        if "3 wait" in sentence:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(work, on_progress=stop_when_told).for_each(wait_for_hours)
    assert said[-1].startswith("0 of 3 tenants are done; 3 wait for Microsoft, the next goes on in ")
    assert max(pieces) <= 1.0
    assert TELL_SECONDS == 60.0


def test_what_breaks_for_one_beyond_a_sign_in_ends_the_run(rig: Rig) -> None:
    def fail(fetcher: Fetcher) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        work_on(rig, time.sleep, []).for_each(fail)


def test_one_at_a_time_when_asked_for_and_then_each_wait_is_whole(rig: Rig) -> None:
    """Whoever is given the wait tells people of it; in pieces of a second nobody would be told."""
    order: list[str] = []
    waits: list[float] = []
    work = work_on(rig, waits.append, [], tenants_at_once=1)

    def note(fetcher: Fetcher) -> None:
        assert threading.current_thread() is threading.main_thread()
        order.append(fetcher.client.tenant.tenant_id)
        fetcher.client.sleep(600)

    work.for_each(note)
    assert order == [one.tenant_id for one in work.tenants]
    assert waits == [600, 600, 600]
