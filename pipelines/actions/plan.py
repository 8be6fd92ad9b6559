"""What a plan is: steps, each with its target, before, after, reason and permission, and a digest over all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Part):
    """Whom a step is about. user_id: None for somebody who is yet to be created."""

    user_id: str | None = None
    user_principal_name: str
    display_name: str | None = None

    @property
    def key(self) -> str:
        """What Graph is asked with."""
        return self.user_id or self.user_principal_name


class Step(_Part):
    """One change.

    parameters: what the action is told. before, after: the state that was seen when the plan was made, and the one
    that is meant; before is None where it could not be seen. evidence: what the reason rests on. monthly_saving:
    None where no price is known. depends_on: steps that must be done (or need not be) first. may_be_skipped: where
    it does not fit, the steps that wait for it go on. only_while: what must still be so of the person, or the step is
    skipped (pipelines.actions.conditions). notes: what a reader should know before saying yes.
    """

    id: str
    action: str
    target: Target
    parameters: dict[str, Any] = Field(default_factory=dict)
    before: dict[str, Any] | None = None
    after: dict[str, Any] = Field(default_factory=dict)
    reason: str
    evidence: dict[str, Any] = Field(default_factory=dict)
    monthly_saving: Decimal | None = None
    currency: str | None = None
    permission: str
    depends_on: tuple[str, ...] = ()
    may_be_skipped: bool = False
    only_while: dict[str, Any] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()


class ByHand(_Part):
    """Something that belongs to the matter and that no step can do, and why."""

    target: Target
    what: str
    why: str


class Plan(_Part):
    """A plan as its file holds it.

    source: what it was made from (``kind`` and the options). data_through, publish_id: of the published tables that
    it rests on, where it does. digest: SHA-256 over everything else, as canonical JSON.
    """

    schema_version: Literal[1] = 1
    plan_id: str
    tenant_id: str
    created_at: datetime
    created_by: str
    source: dict[str, Any]
    data_through: str | None = None
    publish_id: str | None = None
    steps: tuple[Step, ...]
    by_hand: tuple[ByHand, ...] = ()
    notes: tuple[str, ...] = ()
    digest: str = ""

    def signed(self) -> Plan:
        """The same with its digest."""
        return self.model_copy(update={"digest": digest_of(self.model_dump(mode="json"))})

    def savings(self) -> dict[str, Decimal]:
        """What the steps save a month, by currency; steps without a known price add nothing."""
        totals: dict[str, Decimal] = {}
        for step in self.steps:
            if step.monthly_saving is not None and step.currency:
                totals[step.currency] = totals.get(step.currency, Decimal(0)) + step.monthly_saving
        return totals

    def permissions(self) -> tuple[str, ...]:
        """What the app for actions needs for all of it, each permission once."""
        return tuple(sorted({name for step in self.steps for name in step.permission.split(", ")}))


def digest_of(content: dict[str, Any]) -> str:
    """The digest of a plan as it stands in its file: keys sorted, no white space, UTF-8, without the digest itself."""
    rest = {key: value for key, value in content.items() if key != "digest"}
    canonical = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def step_id(number: int) -> str:
    """The id of the nth step, from 1."""
    return f"{number:03d}"


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, numbered anew in their order; depends_on must still be empty."""
    return tuple(step.model_copy(update={"id": step_id(number)}) for number, step in enumerate(steps, 1))


def in_a_chain(steps: Iterable[Step], first: int = 1) -> list[Step]:
    """The steps, numbered from ``first``, each of them waiting for the one before."""
    chained: list[Step] = []
    for number, step in enumerate(steps, first):
        waits = (step_id(number - 1),) if chained else ()
        chained.append(step.model_copy(update={"id": step_id(number), "depends_on": waits}))
    return chained
