"""One company that was synced for the first time by the real command, for all tests that begin where that ended.

Made once per run of the tests, by whichever process wants it first: the whole product for 160 people takes most of a
minute. Nobody changes it; who goes on from there takes a copy.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipelines.simulator import SimulatorServer, Tenant, skus
from pipelines.simulator.written import change
from tests.integration.actions_rig import only_direct
from tests.integration.conftest import SHORT_LIMITS, Rig, tenant

# Per month and in EUR; the others have no price.
PRICES = {skus.E5.sku_id: 57, skus.E3.sku_id: 36}
# What the two people hold, directly and from nowhere else, who were disabled before the sync.
LEFT_SKU = skus.E3.sku_id


@dataclass(frozen=True)
class Synced:
    """The folder of the company's data, and what its sync said and asked: each path with the status of the answer."""

    data_dir: Path
    output: str
    requests: list[tuple[str, int]]

    def copied_to(self, data_dir: Path) -> Path:
        """A copy that may be changed."""
        shutil.copytree(self.data_dir, data_dir, symlinks=True, dirs_exist_ok=True)
        return data_dir


def company() -> Tenant:
    """As it was when it was synced: two of its people are disabled."""
    found = tenant(users=160)
    for user in leaving(found):
        change(found, user["id"], properties={"accountEnabled": False})
    return found


def leaving(content: Tenant) -> list[dict[str, Any]]:
    """Two people of the cloud who hold the product directly and only so, and are nobody's administrator."""
    admins = content.admins()
    found = [
        user
        for user in content.users()
        if user.get("employeeId") and user["id"] not in admins and not user.get("onPremisesSyncEnabled")
        and user["accountEnabled"] and LEFT_SKU in only_direct(user)
    ]  # fmt: skip
    return found[:2]


def synced_once(own: Path) -> Synced:
    """The company's data; made now if this is the first process of the run that asks. own: its temporary folder."""
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, told = shared / "synced", shared / "synced.json"
    with FileLock(shared / "synced.lock"):
        if not told.exists():
            shutil.rmtree(folder, ignore_errors=True)
            told.write_text(json.dumps(_sync(folder)), encoding="utf-8")
    output, requests = json.loads(told.read_text(encoding="utf-8"))
    return Synced(folder, output, [(path, status) for path, status in requests])


def _sync(data_dir: Path) -> tuple[str, list[tuple[str, int]]]:
    rules = data_dir / "rules"
    rules.mkdir(parents=True)
    lines = ["sku,price,currency,per", *(f"{sku_id},{price},EUR,month" for sku_id, price in PRICES.items())]
    (rules / "prices.csv").write_text("\n".join(lines) + "\n")
    with SimulatorServer(
        [company()], limits=SHORT_LIMITS, cert_dir=data_dir.with_name("synced-certificates")
    ) as server:
        done = Rig(server, data_dir).command("sync")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr, [(record.path, record.status) for record in server.requests]
