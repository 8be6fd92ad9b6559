"""Helpers: a simulated tenant that can be changed, the product's own clients of it, plans and their apply."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines.actions.apply import Limits, apply_plan
from pipelines.actions.log import ActionLog
from pipelines.actions.plan import Plan, Step, Target, in_order
from pipelines.actions.plan_file import write_plan
from pipelines.actions.planning.making import make_plan, make_step, seen_before
from pipelines.actions.results import ApplyResult, Fate, StepResult
from pipelines.graph.client import GraphClient
from pipelines.graph.write import GraphWriter
from pipelines.settings import Settings, TenantSettings
from pipelines.simulator import (
    ACTION_PERMISSIONS,
    ACTIONS_APP,
    Pace,
    RequestRecord,
    SimulatorServer,
    Tenant,
)
from pipelines.simulator import (
    Limits as WireLimits,
)
from tests.integration.conftest import tenant

Json = dict[str, Any]
WRITES = ("POST", "PATCH", "PUT", "DELETE")


@dataclass
class ActionsRig:
    """One data folder, one server, and everything that acts on them."""

    server: SimulatorServer
    data_dir: Path
    overrides: dict[str, object] = field(default_factory=dict)
    naps: list[float] = field(default_factory=list)

    def settings(self, **overrides: object) -> Settings:
        told = {**self.server.settings(), **self.server.action_settings()}
        values: dict[str, Any] = {
            "allow_actions": True,
            **{name.removeprefix("M365_").lower(): value for name, value in told.items()},
            "data_dir": self.data_dir,
            **self.overrides,
            **overrides,
        }
        return Settings(_env_file=None, **values)

    @property
    def tenant(self) -> TenantSettings:
        return self.settings().tenants()[0]

    @contextmanager
    def reader(self) -> Iterator[GraphClient]:
        """The client that plans: the app that reads."""
        client = GraphClient.connect(self.tenant, self.settings(), None, self.naps.append)
        yield client
        client.close()

    @contextmanager
    def writer(self, **options: Any) -> Iterator[GraphWriter]:
        """The client that applies; it notes its naps instead of taking them."""
        client = GraphWriter(self.settings(), self.tenant, sleep=self.naps.append, **options)
        yield client
        client.close()

    @property
    def log(self) -> ActionLog:
        return ActionLog(self.data_dir / "actions" / "log")

    def records(self, kind: str = "outcome") -> list[Json]:
        return [record for record in self.log.records() if record["kind"] == kind]

    def plan(self, *steps: Step, by: str = "reader") -> Plan:
        """A plan of these steps, as a planner makes it: each with the state that its target has now."""
        with self.reader() if by == "reader" else self.writer() as client:
            seen = [seen_before(client, step) for step in steps]
        return make_plan(self.tenant.tenant_id, {"kind": "test"}, in_order(seen))

    def apply(
        self, plan: Plan, *, max_changes: int = 25, sleep: Callable[[float], None] | None = None, **options: Any
    ) -> ApplyResult:
        limits = Limits(max_changes, sleep=sleep or self.naps.append)
        with self.writer() as writer:
            return apply_plan(plan, writer, self.log, limits, **options)

    def do(self, *steps: Step, **options: Any) -> list[StepResult]:
        """Plan and apply at once."""
        return list(self.apply(self.plan(*steps), **options).results)

    def writes(self) -> list[RequestRecord]:
        """The writes that reached Graph, refused or not; sign-ins are none."""
        return [
            record for record in self.server.requests if record.method in WRITES and record.path.startswith("/v1.0/")
        ]

    def environment(self, **extra: str) -> dict[str, str]:
        """The environment of somebody who may take action in this tenant."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("M365_", "DAGSTER_"))}
        own = {"M365_ALLOW_ACTIONS": "1", "M365_DATA_DIR": str(self.data_dir), "M365_ENV_FILE": os.devnull}
        told = {**self.server.settings(), **self.server.action_settings()}
        return {**kept, **told, **own, "COLUMNS": "250", **extra}

    def command(self, *arguments: str, answer: str | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run m365-usage as a user would. answer: what is typed."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [str(Path(sys.executable).with_name("m365-usage")), *arguments],
            env=self.environment(**extra),
            cwd=self.data_dir,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )

    def user(self, user_id: str) -> Json:
        return next(user for user in self.server.tenant.users() if user["id"] == user_id)

    def users(self, wanted: Callable[[Json], Any] = lambda _: True, *, synced: bool | None = False) -> list[Json]:
        """Employees who are nobody's administrator, for whom it is true; in the cloud only, or synced (None: both)."""
        admins = self.server.tenant.admins()
        return [
            user
            for user in self.server.tenant.users()
            if user.get("employeeId")
            and user["id"] not in admins
            and synced in (None, bool(user.get("onPremisesSyncEnabled")))
            and wanted(user)
        ]


# What somebody else's process does: apply a plan, with the product's own parts.
_CHILD = """
import sys
from pathlib import Path
from pipelines.actions.apply import Limits, apply_plan
from pipelines.actions.log import ActionLog
from pipelines.actions.passwords import PasswordFile
from pipelines.actions.plan_file import read_plan
from pipelines.graph.write import GraphWriter
from pipelines.settings import load_settings

settings = load_settings()
writer = GraphWriter(settings, settings.tenants()[0])
log, passwords = ActionLog(settings.actions_dir / "log"), PasswordFile(Path(sys.argv[2]))
apply_plan(read_plan(Path(sys.argv[1])), writer, log, Limits(25), passwords=passwords)
"""


def kill_when(rig: ActionsRig, plan: Plan, is_time: Callable[[], bool]) -> Path:
    """Apply in a child process, and kill it (SIGKILL) at the moment that is asked for; the file of passwords."""
    path = write_plan(rig.data_dir / "actions" / "plans", plan)
    passwords = rig.data_dir / f"{plan.plan_id}.csv"
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(path), str(passwords)], env=rig.environment())
    try:
        end = time.monotonic() + 60
        while not is_time():
            assert child.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < end
            time.sleep(0.005)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    return passwords


def target(user: Json) -> Target:
    return Target(
        user_id=user["id"], user_principal_name=user["userPrincipalName"], display_name=user.get("displayName")
    )


def step(action: str, user: Json, **parameters: Any) -> Step:
    return make_step(action, target(user), parameters, reason="a test")


def direct(user: Json) -> list[str]:
    """The products that somebody holds directly."""
    return [state["skuId"] for state in user["licenseAssignmentStates"] if state["assignedByGroup"] is None]


def inherited(user: Json) -> list[str]:
    return [state["skuId"] for state in user["licenseAssignmentStates"] if state["assignedByGroup"] is not None]


def only_direct(user: Json) -> list[str]:
    return [sku for sku in direct(user) if sku not in inherited(user)]


def company(**facts: Any) -> Tenant:
    return tenant(users=60, **facts)


def without(*permissions: str, **facts: Any) -> Tenant:
    """A company whose app for actions lacks these permissions."""
    app = replace(ACTIONS_APP, permissions=ACTION_PERMISSIONS - set(permissions))
    return company(actions_app=app, **facts)


@contextmanager
def open_rig(folder: Path, content: Tenant | None = None, pace: Pace | None = None) -> Iterator[ActionsRig]:
    """A rig on a server of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    server = SimulatorServer(
        content or company(), WireLimits.generous(), cert_dir=folder / "certificates", pace=pace or Pace.instant()
    )
    with server:
        yield ActionsRig(server, folder / "data")


def fates(results: list[StepResult] | ApplyResult) -> list[Fate]:
    found = results.results if isinstance(results, ApplyResult) else results
    return [result.fate for result in found]


def read_json(path: Path) -> Json:
    return dict(json.loads(path.read_text(encoding="utf-8")))
