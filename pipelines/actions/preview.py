"""What an apply would do, as things are now: each target is looked at, and nothing is changed or logged."""

from __future__ import annotations

from typing import Any

from pipelines.actions.base import ActionError
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.conditions import unmet
from pipelines.actions.explain import in_words
from pipelines.actions.log import ActionLog, History
from pipelines.actions.plan import Plan, Step
from pipelines.actions.results import ApplyResult, Fate, StepResult
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError, SignInError

UNSEEN = "Not looked at: the app that reads may not see this state. Apply looks first, with the app for actions."
# What of a target the steps before change, as far as the steps after look at it.
_FORESEEN = ("account_enabled", "manager_id", "usageLocation", "usage_location")


def settled_earlier(step: Step, history: History) -> StepResult | None:
    """The result of a step that an apply before this one did; None when it is still to be looked at."""
    if history.outcome is None or not history.outcome.is_settled or history.is_open:
        return None
    return StepResult(step, Fate.of(history.outcome), history.detail, is_earlier=True)


def waits_for(step: Step, results: dict[str, StepResult]) -> StepResult | None:
    """The first step that it builds on and that is not done."""
    return next((results[name] for name in step.depends_on if not results[name].is_settled), None)


def dry_run(plan: Plan, client: GraphClient, log: ActionLog, max_changes: int) -> ApplyResult:
    """What would happen, as things are now: each target is looked at, and nothing is changed or logged."""
    histories = log.histories(plan)
    results: dict[str, StepResult] = {}
    hoped: dict[str, StepResult] = {}
    for step in plan.steps:
        result = settled_earlier(step, histories.get(step.id, History()))
        if result is None:
            blocker = waits_for(step, hoped)
            facts = list(histories.get(step.id, History()).facts)
            result = waiting(step, blocker) if blocker else _looked_at(step, client, results, facts)
        if result.fate is Fate.WOULD_CHANGE and _would_change(results) >= max_changes:
            result = StepResult(step, Fate.LEFT, beyond(max_changes))
        results[step.id] = result
        # A preview goes on as if what it would do had worked.
        is_hoped = result.fate is Fate.WOULD_CHANGE
        hoped[step.id] = StepResult(step, Fate.DONE) if is_hoped else result
    return ApplyResult(plan, tuple(results.values()), is_dry=True)


def _looked_at(
    step: Step, client: GraphClient, results: dict[str, StepResult], facts: list[dict[str, Any]]
) -> StepResult:
    earlier = [
        result.step
        for result in results.values()
        if result.fate is Fate.WOULD_CHANGE and result.step.target.key == step.target.key
    ]
    if any(other.action == "create_user" for other in earlier):
        return StepResult(step, Fate.WOULD_CHANGE, "As soon as the account is there.")
    action = ACTIONS[step.action]
    try:
        state = action.look(client, action.resumed(step, facts))
        for other in earlier:
            # As it will be when the steps before are done.
            state |= {key: value for key, value in other.after.items() if key in _FORESEEN and key in state}
        if action.is_done(state, step):
            other_reason = action.not_ours(state, step, None)
            fate = Fate.SKIPPED if other_reason else Fate.ALREADY
            return StepResult(step, fate, other_reason or action.already(state, step))
        refusal = action.refusal(state, step) or unmet(client, step)
    except SignInError:
        raise
    except (GraphError, ActionError) as error:
        if isinstance(error, GraphError) and error.is_permission and not client.tenant.is_for_actions:
            # The app that reads sees less; what it may not see says nothing about what the app for actions may do.
            return StepResult(step, Fate.WOULD_CHANGE, UNSEEN)
        return StepResult(step, Fate.FAILED, in_words(error, client, step))
    return StepResult(step, Fate.SKIPPED, refusal) if refusal else StepResult(step, Fate.WOULD_CHANGE)


def waiting(step: Step, blocker: StepResult) -> StepResult:
    """The result of a step that waits for another."""
    return StepResult(step, Fate.WAITING, f"Waits for step {blocker.step.id}, which is {blocker.fate.value}.")


def _would_change(results: dict[str, StepResult]) -> int:
    return sum(result.fate is Fate.WOULD_CHANGE for result in results.values())


def beyond(max_changes: int) -> str:
    """Why a step is left."""
    return f"Beyond the {max_changes} changes of one apply (--max-changes). Apply the plan again for the rest."
