"""What all plans have in common: steps with their permission and way back, a head, and the digest."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from pipelines.actions.base import State
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.people import Person, find_person
from pipelines.actions.plan import ByHand, Plan, Step, Target
from pipelines.graph.client import GraphClient
from pipelines.graph.errors import GraphError
from pipelines.sign_in import SettingsError


def make_step(
    action: str,
    target: Target,
    parameters: dict[str, Any],
    *,
    reason: str,
    before: State | None = None,
    evidence: dict[str, Any] | None = None,
    saving: Decimal | None = None,
    currency: str | None = None,
    notes: Sequence[str] = (),
    may_be_skipped: bool = False,
    only_while: dict[str, Any] | None = None,
) -> Step:
    """A step of this action, still without a number."""
    step = Step(
        id="",
        action=action,
        target=target,
        parameters=parameters,
        before=before,
        reason=reason,
        evidence=evidence or {},
        monthly_saving=saving,
        currency=currency,
        permission=ACTIONS[action].permission,
        notes=tuple(notes),
        may_be_skipped=may_be_skipped,
        only_while=only_while or {},
    )
    return step.model_copy(update={"after": ACTIONS[action].after(step)})


def seen_before(client: GraphClient, step: Step) -> Step:
    """The step with the state that its target has now; without it where the app that reads may not see it."""
    try:
        return step.model_copy(update={"before": ACTIONS[step.action].look(client, step)})
    except GraphError as error:
        if not error.is_permission:
            raise
        note = "The app that reads may not see this state; apply looks at it with the app for actions."
        return step.model_copy(update={"notes": (*step.notes, note)})


def seen_in_turn(client: GraphClient, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps with the states that their targets have now, or will have when the steps before them are done."""
    enabled: dict[str, bool] = {}
    for step in steps:
        seen = seen_before(client, step)
        key = step.target.key
        if seen.before is not None and key in enabled and "account_enabled" in seen.before:
            seen = seen.model_copy(update={"before": {**seen.before, "account_enabled": enabled[key]}})
        if "account_enabled" in step.after:
            enabled[key] = bool(step.after["account_enabled"])
        yield seen


def make_plan(
    tenant_id: str,
    source: dict[str, Any],
    steps: Sequence[Step],
    *,
    by_hand: Sequence[ByHand] = (),
    notes: Sequence[str] = (),
    data_through: str | None = None,
    publish_id: str | None = None,
    created_by: str | None = None,
    now: datetime | None = None,
) -> Plan:
    """The plan of numbered steps. source: its ``kind`` and options. now: for tests."""
    created = (now or datetime.now(timezone.utc)).replace(microsecond=0)
    return Plan(
        plan_id=f"{created:%Y%m%dT%H%M%SZ}-{source['kind']}-{secrets.token_hex(2)}",
        tenant_id=tenant_id,
        created_at=created,
        created_by=created_by or getpass.getuser(),
        source=source,
        data_through=data_through,
        publish_id=publish_id,
        steps=tuple(steps),
        by_hand=tuple(by_hand),
        notes=tuple(notes),
    ).signed()


def the_person(client: GraphClient, name: str) -> Person:
    """The account of this name or id; raises SettingsError when there is none."""
    person = find_person(client, name)
    if person is None:
        raise SettingsError(f"Nobody in tenant {client.tenant.label} is called {name}.")
    return person
