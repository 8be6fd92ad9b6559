"""One apply under way: step after step, each announced in the log before it is sent and seen to be done after."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipelines.actions.base import ActionError, Help, State
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.conditions import unmet
from pipelines.actions.explain import in_words
from pipelines.actions.log import ActionLog, History, Outcome, Who
from pipelines.actions.passwords import PasswordSink
from pipelines.actions.plan import Plan, Step
from pipelines.actions.preview import beyond, settled_earlier, waiting, waits_for
from pipelines.actions.results import Fate, StepResult
from pipelines.graph.errors import GraphError, SignInError
from pipelines.graph.write import GraphWriter, OutcomeUnknownError

# How often a change is tried whose outcome cannot be told from the answer, and seen to be missing.
TRIES = 3
# Seconds between two looks at a change that is not to be seen yet: the directory's copies agree after a while.
LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(frozen=True)
class Limits:
    """What an apply may do at most. max_changes: steps that are tried, whatever becomes of them."""

    max_changes: int
    sleep: Callable[[float], None] = time.sleep
    tries: int = TRIES
    looks: tuple[float, ...] = LOOKS


@dataclass
class Run:
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
            return waiting(step, blocker)
        help_ = self._help(step, history)
        correlation_id = self.writer.correlate()
        try:
            state = self._read(step, help_)
            found = self._without_change(step, state, history)
        except SignInError:
            raise
        except (GraphError, ActionError) as error:
            return self._note(step, Outcome.FAILED, None, in_words(error, self.writer, step))
        if found is not None:
            return found
        if self.changes >= self.limits.max_changes:
            return StepResult(step, Fate.LEFT, beyond(self.limits.max_changes))
        self.changes += 1
        self.log.intent(self.plan, step, self.who, state, correlation_id)
        return self._changed(step, state, help_)

    def _changed(self, step: Step, state: State, help_: Help) -> StepResult:
        """Make the change that was announced, and look whether it is there."""
        try:
            detail = self._do(step, state, help_)
        except SignInError:
            raise
        except OutcomeUnknownError as error:
            return self._note(step, Outcome.UNKNOWN, None, f"{in_words(error, self.writer, step)} {_AGAIN}")
        except (GraphError, ActionError) as error:
            return self._refused(step, error, help_)
        try:
            state, is_seen = self._verified(step, help_)
        except GraphError as error:
            words = f"Graph took it, but it could not be looked at: {in_words(error, self.writer, step)} {_AGAIN}"
            return self._note(step, Outcome.UNKNOWN, None, words)
        if not is_seen:
            return self._note(step, Outcome.UNKNOWN, state, f"Graph took it, but does not show it yet. {_AGAIN}")
        return self._note(step, Outcome.DONE, state, detail)

    def _refused(self, step: Step, error: GraphError | ActionError, help_: Help) -> StepResult:
        """A change that was refused: somebody else may have made it in the same moment."""
        words = in_words(error, self.writer, step)
        action = ACTIONS[step.action]
        if isinstance(error, GraphError) and not error.is_permission and action.is_verified:
            try:
                state = self._read(step, help_)
            except GraphError:
                return self._note(step, Outcome.FAILED, None, words)
            if action.is_done(state, step) and action.not_ours(state, step, None) is None:
                # After an answer that was lost it was this step that made it.
                outcome = Outcome.DONE if help_.was_begun else Outcome.ALREADY
                return self._note(step, outcome, state, action.already(state, step))
            return self._note(step, Outcome.FAILED, state, words)
        return self._note(step, Outcome.FAILED, help_.seen, words)

    def _without_change(self, step: Step, state: State, history: History) -> StepResult | None:
        """What there is to say where nothing is to be sent. Raises GraphError and ActionError."""
        action = ACTIONS[step.action]
        if action.is_done(state, step):
            other = action.not_ours(state, step, history.begun_at if history.is_open else None)
            if other is not None:
                return self._note(step, Outcome.SKIPPED, state, other)
            if history.is_open:
                return self._note(step, Outcome.DONE, state, action.cut_off(step))
            return self._note(step, Outcome.ALREADY, state, action.already(state, step))
        refusal = action.refusal(state, step) or unmet(self.writer, step)
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
        request_id = self.writer.write_request_id
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
