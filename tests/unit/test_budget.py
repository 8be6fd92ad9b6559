"""The throttle budget: never more than allowed in any window, and no longer a wait than that needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.graph.budget import RequestBudget

START = 1_800_000_000.0
REPORT = "getM365AppUserDetail"


class FakeTime:
    """A clock that only sleeping and hand moves."""

    def __init__(self) -> None:
        self.now = START
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@contextmanager
def open_budget(path: Path, time: FakeTime, **options: object) -> Iterator[RequestBudget]:
    budget = RequestBudget(path, clock=time, sleep=time.sleep, **options)  # type: ignore[arg-type]
    try:
        yield budget
    finally:
        budget.close()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "budget.sqlite"


def most_in_any_window(stamps: list[float], window: float) -> int:
    return max(sum(1 for other in stamps if stamp <= other < stamp + window) for stamp in stamps)


def taker(budget: RequestBudget, time: FakeTime, stamps: list[float]) -> Callable[..., float]:
    def take(tenant: str = "t", app: str = "a", report: str = REPORT) -> float:
        waited = budget.acquire(tenant, app, report)
        stamps.append(time.now)
        return waited

    return take


def test_a_first_sync_of_28_days_waits_once_and_no_longer_than_needed(path: Path, time: FakeTime) -> None:
    stamps: list[float] = []
    with open_budget(path, time) as budget:
        take = taker(budget, time, stamps)
        waits = [take() for _ in range(28)]
    assert [round(stamp - START) for stamp in stamps] == [0] * 14 + [605] * 14
    assert most_in_any_window(stamps, 600) == 14
    assert sum(waits) == pytest.approx(605, abs=0.1)
    assert len(time.naps) == 1


def test_the_window_slides(path: Path, time: FakeTime) -> None:
    stamps: list[float] = []
    with open_budget(path, time, per_app=3, window_seconds=100) as budget:
        take = taker(budget, time, stamps)
        for _ in range(3):
            take()
            time.now += 40
        # The first request leaves the window of 102 s before the second does.
        assert take() == 0
        assert take() == pytest.approx(22, abs=0.1)
        assert take() == pytest.approx(40, abs=0.1)
    assert most_in_any_window(stamps, 100) == 3


@pytest.mark.parametrize(
    ("window", "margin"), [(600.0, 5.0), (100.0, 2.0), (10.0, 0.2), (2.0, 0.2), (0.5, 0.2), (3600.0, 5.0)]
)
def test_the_margin_is_small(path: Path, time: FakeTime, window: float, margin: float) -> None:
    with open_budget(path, time, per_app=1, window_seconds=window) as budget:
        assert budget.acquire("t", "a", REPORT) == 0
        assert budget.acquire("t", "a", REPORT) == pytest.approx(window + margin, abs=0.01)


def test_a_wait_is_announced_before_it_begins(path: Path, time: FakeTime) -> None:
    told: list[tuple[float, str, int]] = []

    def on_wait(seconds: float, report: str) -> None:
        told.append((round(seconds), report, len(time.naps)))

    with open_budget(path, time, per_app=2, on_wait=on_wait) as budget:
        for _ in range(3):
            budget.acquire("t", "a", REPORT)
    assert told == [(605, REPORT, 0)]


def test_tenants_apps_and_reports_have_budgets_of_their_own(path: Path, time: FakeTime) -> None:
    with open_budget(path, time, per_app=2, per_tenant=100) as budget:
        for tenant, app, report in (
            ("t1", "a1", REPORT),
            ("t2", "a1", REPORT),
            ("t1", "a2", REPORT),
            ("t1", "a1", "getM365AppUserCounts"),
        ):
            assert [budget.acquire(tenant, app, report) for _ in range(2)] == [0, 0]
        assert budget.acquire("t1", "a1", REPORT) > 600


def test_the_tenant_s_limit_counts_all_its_apps(path: Path, time: FakeTime) -> None:
    with open_budget(path, time) as budget:
        assert sum(budget.acquire("t", f"app{n % 4}", REPORT) for n in range(40)) == 0
        assert budget.acquire("other", "app0", REPORT) == 0
        assert budget.acquire("t", "app9", REPORT) == pytest.approx(605, abs=0.1)


def test_a_request_counts_for_the_tenant_when_it_is_sent_not_when_it_began_to_wait(path: Path, time: FakeTime) -> None:
    stamps: list[float] = []
    with open_budget(path, time, per_app=2, per_tenant=3) as budget:
        take = taker(budget, time, stamps)
        for app in "AAABBC":
            take(app=app)
    assert most_in_any_window(stamps, 600) == 3


def test_a_request_that_waits_for_the_tenant_takes_nothing_from_its_app_meanwhile(path: Path, time: FakeTime) -> None:
    stamps: list[float] = []
    with open_budget(path, time, per_app=2, per_tenant=2) as budget:
        take = taker(budget, time, stamps)
        for app in "BBAAA":
            take(app=app)
    assert most_in_any_window(stamps, 600) == 2


def test_a_restart_keeps_the_count(path: Path, time: FakeTime) -> None:
    with open_budget(path, time) as budget:
        for _ in range(14):
            budget.acquire("t", "a", REPORT)
    time.now += 100
    with open_budget(path, time) as budget:
        assert budget.acquire("t", "a", REPORT) == pytest.approx(505, abs=0.1)


def test_two_instances_on_one_file_share_the_count(path: Path, time: FakeTime) -> None:
    stamps: list[float] = []
    with open_budget(path, time) as first, open_budget(path, time) as second:
        for n in range(20):
            taker(first if n % 2 else second, time, stamps)()
    assert most_in_any_window(stamps, 600) == 14


def test_what_left_the_window_is_forgotten_on_disk(path: Path, time: FakeTime) -> None:
    with open_budget(path, time, per_app=2, window_seconds=10) as budget:
        for _ in range(50):
            budget.acquire("t", "a", REPORT)
        bucket = next(iter(budget._buckets.values()))
        assert bucket.count() <= 4


@given(
    limit=st.integers(1, 6),
    tenant_limit=st.integers(1, 10),
    steps=st.lists(st.tuples(st.sampled_from("ABC"), st.floats(0, 40)), min_size=1, max_size=30),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_too_many_in_any_window_and_never_a_wait_without_need(
    tmp_path_factory: pytest.TempPathFactory, limit: int, tenant_limit: int, steps: list[tuple[str, float]]
) -> None:
    time, stamps = FakeTime(), []
    path = tmp_path_factory.mktemp("budget") / "b.sqlite"
    window, margin = 50.0, 1.0
    with open_budget(path, time, per_app=limit, per_tenant=tenant_limit, window_seconds=window) as budget:
        for app, pause in steps:
            time.now += pause
            asked = time.now
            waited = budget.acquire("t", app, REPORT)
            if waited:
                # An instant before, one of the two windows was still full.
                just_before = time.now - 0.02
                recent = [name for name, at in stamps if at > just_before - window - margin]
                assert len(recent) >= tenant_limit or recent.count(app) >= limit
            assert time.now - asked == pytest.approx(waited, abs=0.001)
            stamps.append((app, time.now))
    assert most_in_any_window([at for _, at in stamps], window) <= tenant_limit
    for app in {name for name, _ in stamps}:
        assert most_in_any_window([at for name, at in stamps if name == app], window) <= limit


_PROCESS = """
import sys, time
from pathlib import Path
from pipelines.graph.budget import RequestBudget
read = []
def clock():
    read.append(time.time())
    return read[-1]
budget = RequestBudget(Path(sys.argv[1]), per_app=1, window_seconds=0.15, clock=clock)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3):
    budget.acquire("t", "a", "r")
    print(read[-1], flush=True)
budget.close()
"""


def test_processes_that_wake_at_the_same_instant_share_the_count(path: Path) -> None:
    """One request at a time for three processes: all of them wait for the same moment, again and again."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 3
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    stamps = sorted(float(line) for answer in answers for line in answer.split())
    assert len(stamps) == 9
    assert most_in_any_window(stamps, 0.15) == 1
