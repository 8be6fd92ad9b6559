"""Throttling of CSV report requests: a sliding window per app and tenant, and one per tenant."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from threading import Lock

from pipelines.simulator.spec import Limits
from pipelines.simulator.wire import GraphError


class Throttle:
    """Counts the requests let through, for each report function on its own."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._lock = Lock()
        self._passed: dict[tuple[str, ...], deque[float]] = {}

    def admit(self, tenant_id: str, app_id: str, function: str) -> None:
        """Count one request, or refuse it with 429 and the seconds until the next is let through.

        A refused request is not counted.
        """
        with self._lock:
            now = self._clock()
            waits = []
            windows = (
                (self._window(now, tenant_id, app_id, function), self.limits.report_requests),
                (self._window(now, tenant_id, function), self.limits.tenant_report_requests),
            )
            for passed, allowed in windows:
                if len(passed) >= allowed:
                    waits.append(passed[len(passed) - allowed] + self.limits.window_seconds - now)
            if waits:
                seconds = max(1, math.ceil(max(waits)))
                raise GraphError(429, "TooManyRequests", "Too many requests.", {"Retry-After": str(seconds)})
            for passed, _ in windows:
                passed.append(now)

    def reset(self) -> None:
        """Forget every request."""
        with self._lock:
            self._passed.clear()

    def _window(self, now: float, *key: str) -> deque[float]:
        passed = self._passed.setdefault(key, deque())
        while passed and passed[0] <= now - self.limits.window_seconds:
            passed.popleft()
        return passed
