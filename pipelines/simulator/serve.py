"""The tenant in the foreground, until somebody stops it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from pipelines.simulator.server import SimulatorServer
from pipelines.simulator.spec import Limits, Pace, TenantSpec
from pipelines.simulator.tenant import Tenant


def serve(
    tenants: TenantSpec | Tenant | Sequence[Tenant],
    limits: Limits | None = None,
    port: int = 0,
    cert_dir: Path | None = None,
    ready: Callable[[SimulatorServer], None] | None = None,
    pace: Pace | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then stop cleanly and put the former signal handlers back.

    `ready` is called once requests are answered. Must run in the main thread, where signals arrive.
    """
    served = Tenant(tenants) if isinstance(tenants, TenantSpec) else tenants
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with SimulatorServer(served, limits, port, cert_dir, pace=pace) as server:
            if ready is not None:
                ready(server)
            while not stopped.wait(0.5):
                pass
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
