"""What an apply found and did, step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pipelines.actions.log import Outcome
from pipelines.actions.plan import Plan, Step


class Fate(str, Enum):
    """What became of a step, or would. The first five are outcomes and stand in the log; waiting: something that it
    builds on is not done; left: more changes than allowed at once; would_change: in a preview or a dry run.
    """

    DONE = "done"
    ALREADY = "already"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    LEFT = "left"
    WOULD_CHANGE = "would_change"

    @classmethod
    def of(cls, outcome: Outcome) -> Fate:
        """The fate that is this outcome."""
        return cls(outcome.value)


@dataclass(frozen=True)
class StepResult:
    """One step and what became of it. is_earlier: an apply before this one did it; request_id: Graph's own."""

    step: Step
    fate: Fate
    detail: str | None = None
    is_earlier: bool = False
    request_id: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether what waits for it may go on."""
        is_settled = self.fate in (Fate.DONE, Fate.ALREADY)
        return is_settled or (self.fate is Fate.SKIPPED and self.step.may_be_skipped)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "step_id": self.step.id,
            "action": self.step.action,
            "user_principal_name": self.step.target.user_principal_name,
            "user_id": self.step.target.user_id,
            "outcome": self.fate.value,
            "detail": self.detail,
            "is_earlier": self.is_earlier,
            "request_id": self.request_id,
        }


@dataclass(frozen=True)
class ApplyResult:
    """All steps of a plan. is_dry: nothing was to be changed; is_cancelled: somebody said no; tried: changes that were
    announced and sent just now, whatever became of them.
    """

    plan: Plan
    results: tuple[StepResult, ...]
    is_dry: bool = False
    is_cancelled: bool = False
    tried: int = 0

    @property
    def counts(self) -> Counter[Fate]:
        """How many steps came to what."""
        return Counter(result.fate for result in self.results)

    @property
    def changes(self) -> int:
        """How many changes were made just now."""
        return sum(result.fate is Fate.DONE and not result.is_earlier for result in self.results)

    @property
    def exit_code(self) -> int:
        """1 when something failed or is not known, else 0: what was skipped or left is no failure."""
        counts = self.counts
        return 1 if counts[Fate.FAILED] or counts[Fate.UNKNOWN] else 0

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "plan_id": self.plan.plan_id,
            "tenant_id": self.plan.tenant_id,
            "digest": self.plan.digest,
            "is_dry_run": self.is_dry,
            "is_cancelled": self.is_cancelled,
            "changes": self.changes,
            "counts": {fate.value: count for fate, count in sorted(self.counts.items())},
            "exit_code": self.exit_code,
            "steps": [result.to_json() for result in self.results],
        }
