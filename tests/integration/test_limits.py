"""Microsoft's real limits, on a clock that only sleeping moves."""

from __future__ import annotations

from pathlib import Path

from pipelines.simulator import Limits, SimulatorServer
from pipelines.sync.extract import extract_report_days, extract_report_periods, open_fetcher, plan_report_days
from pipelines.warehouse.landing import Landing
from tests.integration.conftest import Rig, tenant

WINDOW = 600.0
# The service counts a request when it arrives, we when it leaves: the budget keeps a little distance.
MARGIN = 5.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000_000.0
        self.slept = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def test_a_first_sync_earns_no_refusal_and_waits_no_longer_than_it_must(tmp_path: Path) -> None:
    clock = Clock()
    with SimulatorServer(tenant(), limits=Limits(), cert_dir=tmp_path / "simulator", clock=clock) as server:
        rig = Rig(server, tmp_path)
        rig.overrides["throttle_window_seconds"] = WINDOW
        target, landing = rig.tenant_settings(server.tenant), Landing(tmp_path / "landing")
        plan = plan_report_days(rig.settings, target, landing)
        assert "28 report requests" in plan.describe(14, WINDOW)
        assert plan.minutes(14, WINDOW) == 10
        for fetch in ("days", "the same days again, restarted"):
            with open_fetcher(rig.settings, target, landing, sleep=clock.sleep, clock=clock) as fetcher:
                if fetch == "days":
                    extract_report_days(fetcher, plan)
                    # 14 at once, the other 14 when the first window has passed.
                    assert WINDOW <= clock.slept <= WINDOW + MARGIN + 1
                else:
                    # A new process knows what the old one has asked: the periods wait for the next window.
                    extract_report_periods(fetcher)
                    assert 2 * WINDOW <= clock.slept <= 2 * (WINDOW + MARGIN + 1)
        assert [record.status for record in server.requests if record.status == 429] == []
        asked = [record for record in server.requests if "getM365AppUserDetail" in record.path]
        assert len(asked) == 32
