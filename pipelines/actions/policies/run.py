"""Running the policies: plans for all of them, and applying those that may be applied without anybody looking.

A plan is applied by itself only where its policy says ``apply = "auto"``, actions are allowed, the run was told to
apply, and all that is left of the policy's plans fits under its limit and under what the run may still change
(M365_ACTIONS_MAX_CHANGES over all policies of a tenant). Else it stands, for somebody to look at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from pipelines.actions.apply import ApplyBusyError, Limits, apply_plan
from pipelines.actions.log import ActionLog
from pipelines.actions.plan import Plan
from pipelines.actions.plan_file import write_plan
from pipelines.actions.policies.candidates import Directory, read_directory, reading_warehouse
from pipelines.actions.policies.file import Policy
from pipelines.actions.policies.plans import Known, known_plans, plans_of
from pipelines.actions.results import ApplyResult
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError
from pipelines.graph.write import GraphWriter
from pipelines.settings import Settings, SettingsError, TenantSettings
from pipelines.warehouse.errors import OwnListError, WarehouseBusyError


class State(str, Enum):
    """What came of a policy. waiting: plans stand for somebody to look at; over_limit: they would be applied, but hold
    more than may be changed at once; actions_off: they would be applied, but actions are off, or the tenant has no app
    for them; previewed: they would have been applied in a run that applies.
    """

    NOTHING = "nothing"
    WAITING = "waiting"
    OVER_LIMIT = "over_limit"
    ACTIONS_OFF = "actions_off"
    PREVIEWED = "previewed"
    APPLIED = "applied"
    FAILED = "failed"


@dataclass
class PolicyResult:
    """One policy in one tenant. new: plans made now (with paths where they were written); open: plans of the policy
    from before that are not carried out yet; steps_left: over both; problem: why it failed, in a sentence.
    """

    policy: Policy
    tenant: TenantSettings
    state: State = State.NOTHING
    new: list[Plan] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    open: list[Known] = field(default_factory=list)
    limit: int = 0
    steps_left: int = 0
    applied: list[ApplyResult] = field(default_factory=list)
    problem: str | None = None

    @property
    def changes(self) -> int:
        """How many changes were made just now."""
        return sum(result.changes for result in self.applied)

    @property
    def tried(self) -> int:
        """How many changes were tried just now, whatever became of them: this is what limits count."""
        return sum(result.tried for result in self.applied)

    @property
    def has_failed(self) -> bool:
        """Whether something failed, or is not known."""
        return self.state is State.FAILED or any(result.exit_code for result in self.applied if not result.is_dry)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "policy": self.policy.name,
            "kind": self.policy.kind,
            "apply": self.policy.apply,
            "tenant_id": self.tenant.tenant_id,
            "state": self.state.value,
            "limit": self.limit,
            "steps_left": self.steps_left,
            "changes": self.changes,
            "problem": self.problem,
            "new_plans": [plan.model_dump(mode="json") for plan in self.new],
            "open_plans": [known.plan.plan_id for known in self.open],
            "applied": [result.to_json() for result in self.applied],
        }


def run_policies(
    settings: Settings,
    policies: Sequence[Policy],
    *,
    only_tenant: str | None = None,
    writes_plans: bool = True,
    applies: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    tell: Callable[[str], None] = lambda _: None,
) -> list[PolicyResult]:
    """Run every policy in every tenant that it is for; one that fails keeps no other from running.

    writes_plans: False only shows what would be planned. applies: False looks at what would be applied, and changes
    nothing. Raises SettingsError for a policy whose tenant is not configured, and WarehouseBusyError.
    """
    tenants = settings.chosen_tenants(only_tenant)
    for policy in policies:
        if policy.tenant is not None:
            settings.chosen_tenants(policy.tenant)
    results = []
    for tenant in tenants:
        theirs = [policy for policy in policies if policy.tenant is None or tenant.is_called(policy.tenant)]
        if theirs:
            run = _TenantRun(settings, tenant, writes_plans, applies, sleep, tell)
            results += run.all(theirs)
    return results


@dataclass
class _TenantRun:
    settings: Settings
    tenant: TenantSettings
    writes_plans: bool
    applies: bool
    sleep: Callable[[float], None]
    tell: Callable[[str], None]
    budget: int = 0

    def __post_init__(self) -> None:
        # What all policies of the tenant may change in this run, together.
        self.budget = self.settings.actions_max_changes

    @property
    def log(self) -> ActionLog:
        return ActionLog(self.settings.actions_dir / "log")

    @property
    def folder(self) -> Path:
        return self.settings.actions_dir / "plans"

    def all(self, policies: Sequence[Policy]) -> list[PolicyResult]:
        results = [PolicyResult(policy, self.tenant) for policy in policies]
        try:
            with reading_warehouse(self.settings) as con:
                directory = read_directory(con, self.tenant.tenant_id, self.settings.rules_dir, self.settings.today_utc)
        except (SettingsError, OwnListError, WarehouseBusyError) as error:
            for result in results:
                result.state, result.problem = State.FAILED, str(error)
            return results
        for result in results:
            try:
                self._one(result, directory)
            except (GraphError, SettingsError, ApplyBusyError) as error:
                result.state, result.problem = State.FAILED, str(error)
        return results

    def _one(self, result: PolicyResult, directory: Directory) -> None:
        policy, days = result.policy, self.settings.actions_plan_days
        known = known_plans(self.folder, self.log, self.tenant.tenant_id, days)
        result.open = [one for one in known if one.is_open and one.plan.source.get("policy") == policy.name]
        with self._reader() as client:
            result.new = plans_of(policy, directory, client, self.log, known)
        if self.writes_plans:
            result.paths = [write_plan(self.folder, plan) for plan in result.new]
        result.limit = policy.limit(self.budget)
        result.steps_left = sum(len(one.left) for one in result.open) + sum(len(plan.steps) for plan in result.new)
        if not result.steps_left:
            return
        if policy.apply != "auto":
            result.state = State.WAITING
        elif result.steps_left > result.limit:
            result.state = State.OVER_LIMIT
        elif self.applies and not self._is_ready:
            result.state = State.ACTIONS_OFF
        else:
            self._apply(result)

    def _apply(self, result: PolicyResult) -> None:
        """Apply, or look at what would be applied, everything that is left of the policy's plans."""
        plans = [*(one.plan for one in result.open), *result.new]
        is_for_real = self.applies and self.writes_plans
        client = self._writer() if is_for_real else self._looking()
        result.state = State.APPLIED if is_for_real else State.PREVIEWED
        try:
            for plan in plans:
                done = apply_plan(
                    plan, client, self.log, Limits(result.limit - result.tried, sleep=self.sleep), tell=self.tell
                )
                result.applied.append(done)
                self.budget -= done.tried
        except GraphError:
            # Cut off in the middle: how much was tried is not told, so this run changes nothing more.
            self.budget = 0
            raise
        finally:
            client.close()

    def _writer(self) -> GraphWriter:
        return GraphWriter(self.settings, self.tenant, sleep=self.sleep)

    def _looking(self) -> GraphClient:
        """A client that only reads: the app for actions where there is one that may be used, as it sees more."""
        tenant = self.settings.actions_tenant(self.tenant) if self._is_ready else self.tenant
        return GraphClient.connect(tenant, self.settings, None, self.sleep)

    @property
    def _is_ready(self) -> bool:
        return self.settings.allow_actions and self.tenant.actions is not None

    @contextmanager
    def _reader(self) -> Iterator[GraphClient]:
        client = GraphClient.connect(self.tenant, self.settings, None, self.sleep)
        try:
            yield client
        finally:
            client.close()
