"""Applying a plan: every target is read again first, and every change is announced in the log before it is sent.

A plan can be applied as often as one likes: what is done is not done again, what was cut off is looked at afresh.
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.actions.lock import ApplyBusyError, tenant_lock
from pipelines.actions.log import ActionLog, Who
from pipelines.actions.passwords import PasswordSink
from pipelines.actions.plan import Plan
from pipelines.actions.preview import dry_run
from pipelines.actions.results import ApplyResult, StepResult
from pipelines.actions.run import Limits, Run
from pipelines.graph.client import GraphClient
from pipelines.graph.write import GraphWriter

__all__ = ["ApplyBusyError", "Limits", "apply_plan"]

Watch = Callable[[StepResult], None]
# Shown what would happen; False ends it before anything is changed.
Confirm = Callable[[ApplyResult], bool]


def apply_plan(
    plan: Plan,
    client: GraphClient,
    log: ActionLog,
    limits: Limits,
    confirm: Confirm | None = None,
    *,
    passwords: PasswordSink | None = None,
    on_result: Watch = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> ApplyResult:
    """Do what a plan says and has not been done, as far as it still fits.

    client: a GraphWriter; with any other client it is a dry run, which changes and logs nothing. confirm: asked once,
    with what would happen. passwords: where those of new people go. Raises ApplyBusyError, and SignInError where
    there is no token; what Graph refuses is the result of its step.
    """
    if not isinstance(client, GraphWriter):
        return dry_run(plan, client, log, limits.max_changes)
    with tenant_lock(log.folder.parent, plan.tenant_id):
        if confirm is not None:
            preview = dry_run(plan, client, log, limits.max_changes)
            if not confirm(preview):
                return ApplyResult(plan, preview.results, is_cancelled=True)
        run = Run(plan, client, log, limits, Who(client.tenant.client_id), passwords, tell)
        for step in plan.steps:
            result = run.step(step)
            run.results[step.id] = result
            on_result(result)
    return ApplyResult(plan, tuple(run.results.values()), tried=run.changes)
