"""What every action can do: look at its target, say whether it is done or still fits, do it, and look again."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pipelines.actions.passwords import PasswordSink
from pipelines.actions.plan import Step
from pipelines.graph.client import GraphClient
from pipelines.graph.write import GraphWriter

# The state of a target as far as an action is concerned; JSON, and never a secret.
State = dict[str, Any]


class ActionError(Exception):
    """An action could not do what it was to do; the message says why, and what to do next."""


@dataclass
class Help:
    """What an action may use while it works.

    progress: keeps a fact in the action log at once. earlier: facts kept so far, also by attempts before this one,
    oldest first. passwords: where a new person's goes. was_begun: an attempt before this one was cut off, so that
    the change may be there already. seen: the state after the change, where the action looked at it itself. memory:
    lasts from try to try, and is written down nowhere. tell: a line for whoever watches.
    """

    progress: Callable[[dict[str, Any]], None]
    earlier: list[dict[str, Any]] = field(default_factory=list)
    passwords: PasswordSink | None = None
    was_begun: bool = False
    memory: dict[str, str] = field(default_factory=dict, repr=False)
    seen: State | None = None
    tell: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep


class Action(ABC):
    """One kind of change. name: in plans and the log; words: what it does, for people; permissions: the least
    application permissions for it. watched: parts of the state that must still be as they were when the plan was made.
    is_verified: whether the state shows afterwards that it was done.
    """

    name: ClassVar[str]
    words: ClassVar[str]
    permissions: ClassVar[tuple[str, ...]]
    watched: ClassVar[Mapping[str, str]] = {}
    is_verified: ClassVar[bool] = True

    @property
    def permission(self) -> str:
        """The permissions in one line."""
        return ", ".join(self.permissions)

    def resumed(self, step: Step, facts: list[dict[str, Any]]) -> Step:
        """The step with what attempts before this one kept in the log."""
        return step

    @abstractmethod
    def read(self, client: GraphClient, step: Step) -> State:
        """The target as it is now. Raises GraphError."""

    @abstractmethod
    def is_done(self, state: State, step: Step) -> bool:
        """Whether nothing is left to do."""

    def refusal(self, state: State, step: Step) -> str | None:
        """Why the step does not fit the target as it is; None when it does. Asked only where it is not done."""
        if not state.get("exists", True):
            return "The person is not in the directory any more."
        return self.changed(state, step)

    def changed(self, state: State, step: Step) -> str | None:
        """What is not as it was when the plan was made."""
        before = step.before or {}
        for key, words in self.watched.items():
            if key in before and before[key] != state.get(key):
                return (
                    f"Changed since the plan was made: {words} was {_shown(before[key])}, now {_shown(state.get(key))}."
                )
        return None

    def already(self, state: State, step: Step) -> str:
        """What to say of a target at which nothing is to be done."""
        return "It is so already."

    def not_ours(self, state: State, step: Step, begun_at: str | None) -> str | None:
        """Why a state that looks done was not brought about by this step and must not count; None when it counts.

        begun_at: when an attempt of this step began that was cut off; None where there was none.
        """
        return None

    def cut_off(self, step: Step) -> str:
        """What to say of a change that was made by an attempt which was cut off."""
        return "Done by an apply that was cut off."

    def was_seen(self, step: Step, help_: Help) -> None:  # noqa: B027 - most have nothing to do then
        """Called when a change whose answer was lost was seen to be made."""

    @abstractmethod
    def do(self, writer: GraphWriter, step: Step, state: State, help_: Help) -> str | None:
        """Make the change; returns what is to be said of it, if anything. Raises GraphError or ActionError."""

    def look(self, client: GraphClient, step: Step) -> State:
        """The target for a preview; cheaper than read where that is dear."""
        return self.read(client, step)

    @abstractmethod
    def after(self, step: Step) -> State:
        """The state that is meant."""

    @abstractmethod
    def undo(self, step: Step) -> str:
        """The way back."""

    def describe(self, step: Step) -> str:
        """The step in a few words for a table."""
        details = ", ".join(f"{key} {value}" for key, value in step.parameters.items() if value not in (None, "", []))
        return f"{self.words}: {details}" if details else self.words


def _shown(value: object) -> str:
    if value is None or value == []:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
