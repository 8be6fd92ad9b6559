"""The throttle budget: how many report requests may still be sent, kept on disk and shared by processes.

Microsoft allows 14 CSV report requests per report and app, and 40 per report over all apps of the tenant, in
ten minutes (Graph "throttling limits"). Asking for a day and asking for a period count against the same
report. The counts live in a small SQLite file, so that a restarted run does not earn a refusal.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from pyrate_limiter import Rate, RateItem, SQLiteBucket

# Called with the seconds still to wait and the report's name.
WaitObserver = Callable[[float, str], None]


class RequestBudget:
    """A sliding window of requests per (tenant, app, report) and per (tenant, report).

    clock: seconds since the epoch. sleep: both can be replaced in tests. on_wait is told of every wait before
    it begins.
    """

    def __init__(
        self,
        path: Path,
        *,
        per_app: int = 14,
        per_tenant: int = 40,
        window_seconds: float = 600.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        on_wait: WaitObserver | None = None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._per_app = per_app
        self._per_tenant = per_tenant
        # The service counts a request when it arrives, we when it leaves: keep a little more distance.
        self._window_ms = int((window_seconds + min(max(window_seconds * 0.02, 0.2), 5.0)) * 1000)
        self._clock = clock
        self._sleep = sleep
        self._on_wait = on_wait
        self._lock = FileLock(f"{path}.lock")
        self._buckets: dict[str, SQLiteBucket] = {}

    def acquire(self, tenant_id: str, client_id: str, report: str) -> float:
        """Take one request out of the budget, waiting until there is one. Returns the seconds waited."""
        limits = (
            (self._bucket(f"{tenant_id}/{report}", self._per_tenant), self._per_tenant),
            (self._bucket(f"{tenant_id}/{client_id}/{report}", self._per_app), self._per_app),
        )
        waited = 0.0
        while True:
            # Both windows are looked at, and the request noted in both, at one instant: that of its sending.
            with self._lock:
                now = int(self._clock() * 1000)
                pause = max(self._milliseconds_until_free(bucket, limit, now) for bucket, limit in limits) / 1000
                if pause <= 0:
                    for bucket, _ in limits:
                        bucket.leak(now)
                        bucket.put(RateItem(report, now))
                    return waited
            if self._on_wait:
                self._on_wait(pause, report)
            self._sleep(pause)
            waited += pause

    def close(self) -> None:
        """Close the files."""
        for bucket in self._buckets.values():
            bucket.close()  # type: ignore[no-untyped-call]
        self._buckets.clear()

    def _milliseconds_until_free(self, bucket: SQLiteBucket, limit: int, now: int) -> int:
        """Until the request that is ``limit`` requests back has left the window; 0 when it has."""
        blocking = bucket.peek(limit - 1)
        return 0 if blocking is None else max(blocking.timestamp + self._window_ms + 1 - now, 0)

    def _bucket(self, name: str, limit: int) -> SQLiteBucket:
        table = "budget_" + re.sub(r"[^a-z0-9]", "_", name.lower())
        if table not in self._buckets:
            bucket = SQLiteBucket.init_from_file(
                [Rate(limit, self._window_ms)], table=table, db_path=str(self._path), use_file_lock=True
            )
            # It makes a lock of its own on the same file; one lock for all buckets can be held over several.
            bucket.lock = self._lock  # type: ignore[assignment]
            self._buckets[table] = bucket
        return self._buckets[table]
