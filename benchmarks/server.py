"""The company's reports on loopback TLS, until this process's input ends: python -m benchmarks.server FOLDER

The simulator answers, so that the product's own client is measured; it runs in a process of its own, whose time
counts for nobody. The settings of a client are printed as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

from benchmarks.report import TODAY
from pipelines.simulator import Limits, SimulatorServer, Tenant, TenantSpec
from pipelines.simulator.fixtures import FixtureFolder


def main() -> None:
    """Serve the folder, or made-up people where it is a number of them."""
    wanted = sys.argv[1]
    spec = TenantSpec(today=TODAY, users=int(wanted) if wanted.isdigit() else 300)
    tenant = Tenant(spec) if wanted.isdigit() else Tenant(spec, _KeptFolder(Path(wanted)))
    with SimulatorServer(tenant, limits=Limits.generous()) as server:
        print(json.dumps(server.settings()), flush=True)
        sys.stdin.read()


class _KeptFolder(FixtureFolder):
    """Files are read once; reading them again for every answer would be the server's time, not the client's."""

    @cache  # noqa: B019 - one folder a process
    def _report(self, function: str, name: str, columns: tuple[str, ...]) -> bytes:
        return super()._report(function, name, columns)


if __name__ == "__main__":
    main()
