"""The Dagster UI as operators start it: the graph, a sync that fails with a sentence, and one that goes well."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.simulator import SimulatorServer
from tests.integration.conftest import SHORT_LIMITS, Rig, tenant

# Long, for a machine that does other things, too.
PATIENCE = 600_000
GROUPS = {
    "graph", "landing", "raw", "ledger", "rules", "seeds", "staging", "intermediate", "marts", "shareable", "published",
    "actions",
}  # fmt: skip
NEWEST_RUN = "{ runsOrError(limit: 1) { ... on Runs { results { runId status tags { key value } } } } }"
DONE = ("SUCCESS", "FAILURE", "CANCELED")

pytestmark = pytest.mark.timeout(900)


@dataclass
class Dagster:
    """The UI of one data folder, and the tenant that it reads."""

    rig: Rig
    address: str
    page: Any

    def newest_run(self) -> dict[str, Any]:
        """The newest run, as the UI itself asks for it; empty before the first."""
        answer = self.page.request.post(f"{self.address}/graphql", data={"query": NEWEST_RUN}).json()
        runs = answer["data"]["runsOrError"]["results"]
        return runs[0] if runs else {}

    def sync(self) -> dict[str, Any]:
        """Click through to the job, materialise all of it, and stay on the page of the run until it has ended."""
        before = self.newest_run().get("runId")
        self.page.goto(self.address)
        self.page.locator('a[href="/jobs"]').click()
        self.page.locator('a[href="/locations/m365_usage/jobs/sync"]').first.click()
        self.page.get_by_role("button", name="Materialize all").click(timeout=PATIENCE)
        run = self._wait(lambda run: run and run["runId"] != before)
        self.page.goto(f"{self.address}/runs/{run['runId']}")
        return self._wait(lambda run: run["status"] in DONE)

    def _wait(self, is_so: Any) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE / 1000
        while not is_so(run := self.newest_run()):
            assert time.monotonic() < deadline, run
            self.page.wait_for_timeout(500)
        return run


@pytest.fixture(scope="module")
def dagster(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dagster]:
    """`m365-usage ui` for a small tenant whose app registration has an expired secret, to begin with."""
    data_dir = tmp_path_factory.mktemp("ui")
    company = tenant(users=25, is_secret_expired=True)
    server = SimulatorServer([company], limits=SHORT_LIMITS, cert_dir=data_dir / "simulator")
    server.start()
    rig = Rig(server, data_dir)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (data_dir / "ui.log").open("w") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("m365-usage"), "ui", "--port", str(port)],
            env={**rig.environment(), "M365_WINDOW_DAYS": "4"}, cwd=data_dir, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    try:
        answers(process, f"{address}/server_info", data_dir / "ui.log")
        yield Dagster(rig, address, context.new_page())
    finally:
        context.close()
        end(process)
        server.stop()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while True:
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
        else:
            return


def end(process: subprocess.Popen[bytes]) -> None:
    """As with Ctrl-C, which the whole process group gets."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=30)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_graph_of_all_assets_shows(dagster: Dagster) -> None:
    page = dagster.page
    page.goto(dagster.address)
    page.locator('a[href="/asset-groups"]').click()
    page.locator("svg foreignObject").first.wait_for(timeout=PATIENCE)
    assert set(page.locator("svg foreignObject").all_text_contents()) == GROUPS
    assert page.get_by_text("Materialize all").is_visible()


def test_a_failed_sync_says_in_a_sentence_what_to_do(dagster: Dagster) -> None:
    run = dagster.sync()
    assert run["status"] == "FAILURE"
    page = dagster.page
    page.get_by_text("Failure", exact=True).first.wait_for()
    page.get_by_text("The client secret has expired: make a new one").first.wait_for()
    assert dagster.rig.server.tenant.spec.client_secret not in page.content()


@pytest.mark.soak
def test_the_next_sync_goes_well_and_shows_the_totals(dagster: Dagster) -> None:
    dagster.rig.server.tenant = dagster.rig.server.tenant.replaced(is_secret_expired=False)
    run = dagster.sync()
    assert run["status"] == "SUCCESS", dagster.page.inner_text("body")[-6000:]
    assert {"key": "m365/does", "value": "fetch, load, publish"} in run["tags"]
    page = dagster.page
    page.get_by_text("Success", exact=True).first.wait_for()
    page.goto(f"{dagster.address}/assets/published/shareable")
    for shown in ("Suite: people", "Teams on its own: people", "Paid licences: unassigned", "analytics"):
        page.get_by_text(shown, exact=True).first.wait_for()
    page.goto(f"{dagster.address}/assets/landing/report_requests")
    page.get_by_text("provisional 4").first.wait_for()
    for people in dagster.rig.server.tenant.users():
        assert people["userPrincipalName"] not in page.content()
