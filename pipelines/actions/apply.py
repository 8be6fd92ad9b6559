"""Applying a plan: every target is read again first, and every change is announced in the log before it is sent.

A plan can be applied as often as one likes: what is done is not done again, what was cut off is looked at afresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock

from pipelines.actions.base import ActionError, Help, State
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.log import ActionLog, History, Outcome, Who
from pipelines.actions.passwords import PasswordSink
from pipelines.actions.permissions import missing_permissions
from pipelines.actions.plan import Plan, Step
from pipelines.actions.results import ApplyResult, Fate, StepResult
from pipelines.graph.claims import claims_of
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError, SignInError
from pipelines.graph.write import GraphWriter, OutcomeUnknownError

# How often a change is tried whose outcome cannot be told from the answer, and seen to be missing.
TRIES = 3
# Seconds between two looks at a change that is not to be seen yet: the directory's copies agree after a while.
LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)

# What of a target the steps before change, as far as the steps after look at it.
_FORESEEN = ("account_enabled", "manager_id", "usageLocation", "usage_location")

Watch = Callable[[StepResult], None]
# Shown what would happen; False ends it before anything is changed.
Confirm = Callable[[ApplyResult], bool]


class ApplyBusyError(RuntimeError):
    """Another apply works on the same tenant."""


@dataclass(frozen=True)
class Limits:
    """What an apply may do at most. max_changes: steps that are tried, whatever becomes of them."""

    max_changes: int
    sleep: Callable[[float], None] = time.sleep
    tries: int = TRIES
    looks: tuple[float, ...] = LOOKS


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
        return _dry_run(plan, client, log, limits)
    with _alone(log.folder.parent, plan.tenant_id):
        if confirm is not None:
            preview = _dry_run(plan, client, log, limits)
            if not confirm(preview):
                return ApplyResult(plan, preview.results, is_cancelled=True)
        run = _Run(plan, client, log, limits, Who(client.tenant.client_id), passwords, tell)
        for step in plan.steps:
            result = run.step(step)
            run.results[step.id] = result
            on_result(result)
    return ApplyResult(plan, tuple(run.results.values()))


def settled_earlier(step: Step, history: History) -> StepResult | None:
    """The result of a step that an apply before this one did; None when it is still to be looked at."""
    if history.outcome is None or not history.outcome.is_settled or history.is_open:
        return None
    return StepResult(step, Fate.of(history.outcome), history.detail, is_earlier=True)


def waits_for(step: Step, results: dict[str, StepResult]) -> StepResult | None:
    """The first step that it builds on and that is not done."""
    return next((results[name] for name in step.depends_on if not results[name].is_settled), None)


def _dry_run(plan: Plan, client: GraphClient, log: ActionLog, limits: Limits) -> ApplyResult:
    """What would happen, as things are now: each target is looked at, and nothing is changed or logged."""
    histories = log.histories(plan)
    results: dict[str, StepResult] = {}
    hoped: dict[str, StepResult] = {}
    for step in plan.steps:
        result = settled_earlier(step, histories.get(step.id, History()))
        if result is None:
            blocker = waits_for(step, hoped)
            facts = list(histories.get(step.id, History()).facts)
            result = _waiting(step, blocker) if blocker else _looked_at(step, client, results, facts)
        if result.fate is Fate.WOULD_CHANGE and _would_change(results) >= limits.max_changes:
            result = StepResult(step, Fate.LEFT, _beyond(limits))
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
        refusal = action.refusal(state, step)
    except SignInError:
        raise
    except (GraphError, ActionError) as error:
        return StepResult(step, Fate.FAILED, _in_words(error, client, step))
    return StepResult(step, Fate.SKIPPED, refusal) if refusal else StepResult(step, Fate.WOULD_CHANGE)


@dataclass
class _Run:
    """One apply that is under way."""

    plan: Plan
    writer: GraphWriter
    log: ActionLog
    limits: Limits
    who: Who
    passwords: PasswordSink | None
    tell: Callable[[str], None]
    results: dict[str, StepResult] = field(default_factory=dict)
    changes: int = 0
    histories: dict[str, History] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.histories = self.log.histories(self.plan)

    def step(self, step: Step) -> StepResult:
        """Do one step, or say why not."""
        history = self.histories.get(step.id, History())
        earlier = settled_earlier(step, history)
        if earlier is not None:
            return earlier
        blocker = waits_for(step, self.results)
        if blocker is not None:
            return _waiting(step, blocker)
        help_ = self._help(step, history)
        correlation_id = self.writer.correlate()
        state: State | None = None
        try:
            state = self._read(step, help_)
            found = self._without_change(step, state, history)
            if found is not None:
                return found
            if self.changes >= self.limits.max_changes:
                return StepResult(step, Fate.LEFT, _beyond(self.limits))
            self.changes += 1
            self.log.intent(self.plan, step, self.who, state, correlation_id)
            detail = self._do(step, state, help_)
            state, is_seen = self._verified(step, help_)
        except SignInError:
            raise
        except OutcomeUnknownError as error:
            return self._note(step, Outcome.UNKNOWN, state, f"{_in_words(error, self.writer, step)} {_AGAIN}")
        except (GraphError, ActionError) as error:
            return self._note(step, Outcome.FAILED, state, _in_words(error, self.writer, step))
        if not is_seen:
            return self._note(step, Outcome.UNKNOWN, state, f"Graph took it, but does not show it yet. {_AGAIN}")
        return self._note(step, Outcome.DONE, state, detail)

    def _without_change(self, step: Step, state: State, history: History) -> StepResult | None:
        """What there is to say where nothing is to be sent."""
        action = ACTIONS[step.action]
        if action.is_done(state, step):
            other = action.not_ours(state, step, history.begun_at if history.is_open else None)
            if other is not None:
                return self._note(step, Outcome.SKIPPED, state, other)
            if history.is_open:
                return self._note(step, Outcome.DONE, state, action.cut_off(step))
            return self._note(step, Outcome.ALREADY, state, action.already(state, step))
        refusal = action.refusal(state, step)
        return self._note(step, Outcome.SKIPPED, state, refusal) if refusal else None

    def _do(self, step: Step, state: State, help_: Help) -> str | None:
        """Make the change, and again where it can be seen that it was not made."""
        action = ACTIONS[step.action]
        for number in range(1, self.limits.tries + 1):
            try:
                return action.do(self.writer, step, state, help_)
            except OutcomeUnknownError:
                help_.was_begun = True
                self.limits.sleep(self.limits.looks[min(number, len(self.limits.looks)) - 1])
                state = self._read(step, help_)
                if action.is_verified and action.is_done(state, step):
                    action.was_seen(step, help_)
                    return "Graph's answer was lost; it was seen to be done."
                if number == self.limits.tries:
                    raise
        raise AssertionError("unreachable")

    def _read(self, step: Step, help_: Help) -> State:
        action = ACTIONS[step.action]
        return action.read(self.writer, action.resumed(step, help_.earlier))

    def _verified(self, step: Step, help_: Help) -> tuple[State, bool]:
        """The state afterwards, and whether the change is to be seen in it."""
        action = ACTIONS[step.action]
        state = help_.seen or self._read(step, help_)
        if not action.is_verified:
            return state, True
        for seconds in self.limits.looks:
            if action.is_done(state, step):
                break
            self.limits.sleep(seconds)
            state = self._read(step, help_)
        return state, action.is_done(state, step)

    def _help(self, step: Step, history: History) -> Help:
        facts = list(history.facts)

        def progress(fact: dict[str, Any]) -> None:
            self.log.progress(self.plan, step, self.who, fact)
            facts.append(fact)

        return Help(
            progress=progress,
            earlier=facts,
            passwords=self.passwords,
            was_begun=history.is_open,
            tell=self.tell,
            sleep=self.limits.sleep,
        )

    def _note(self, step: Step, outcome: Outcome, state: State | None, detail: str | None) -> StepResult:
        request_id = self.writer.statistics.request_id
        self.log.outcome(
            self.plan,
            step,
            self.who,
            outcome,
            after=state,
            detail=detail,
            request_id=request_id,
            correlation_id=self.writer.correlation_id,
            undo=ACTIONS[step.action].undo(step) if outcome is Outcome.DONE else None,
        )
        return StepResult(step, Fate.of(outcome), detail, request_id=request_id)


_AGAIN = "Apply the plan again later: it looks first."


@contextmanager
def _alone(folder: Path, tenant_id: str) -> Iterator[None]:
    """Hold the tenant's lock; the operating system frees it when the process dies."""
    path = folder / "locks" / f"{tenant_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = filelock.FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ApplyBusyError(
            f"Another apply works on tenant {tenant_id} at the moment. Wait until it has ended, and try again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _waiting(step: Step, blocker: StepResult) -> StepResult:
    return StepResult(step, Fate.WAITING, f"Waits for step {blocker.step.id}, which is {blocker.fate.value}.")


def _would_change(results: dict[str, StepResult]) -> int:
    return sum(result.fate is Fate.WOULD_CHANGE for result in results.values())


def _beyond(limits: Limits) -> str:
    return f"Beyond the {limits.max_changes} changes of one apply (--max-changes). Apply the plan again for the rest."


def _in_words(error: GraphError | ActionError, client: GraphClient, step: Step) -> str:
    """Why it did not work, and what to do about it."""
    if not isinstance(error, GraphError):
        return str(error)
    facts = ", ".join(fact for fact in (f"HTTP {error.status}" if error.status else "", error.code or "") if fact)
    message = f"{error.message.rstrip('.')}{f' ({facts})' if facts else ''}."
    if not error.is_permission:
        return message
    missing = missing_permissions(ACTIONS[step.action], _carried(client))
    if missing:
        return f"{message} The app for actions needs {' and '.join(missing)}, with admin consent."
    return (
        f"{message} The app has the permissions for it, so the target is protected: people with an administrator's "
        "role are changed by hand, or by an app that holds a higher role."
    )


def _carried(client: GraphClient) -> set[str]:
    """What the token says it may do; a diagnosis only."""
    roles = claims_of(client.tokens.token()).get("roles")
    return set(map(str, roles)) if isinstance(roles, list) else set()
