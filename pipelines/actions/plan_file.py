"""Plans on disk: written whole and for their owner only, read with all that makes one unfit to be applied."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.conditions import strange_conditions
from pipelines.actions.markdown import as_markdown
from pipelines.actions.plan import SCHEMA_VERSION, Plan, digest_of
from pipelines.sign_in import SettingsError
from pipelines.warehouse.atomic import write_atomically


class PlanRefusedError(SettingsError):
    """A plan that must not be applied, and why."""


def write_plan(folder: Path, plan: Plan) -> Path:
    """Write the plan as JSON, and beside it as Markdown; returns the JSON file's path."""
    path = folder / f"{plan.plan_id}.json"
    write_atomically(path.with_suffix(".md"), as_markdown(plan))
    write_atomically(path, json.dumps(plan.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n")
    return path


def read_plan(path: Path) -> Plan:
    """The plan of a file. Raises PlanRefusedError where it is none, or was changed after it was made."""
    content = _content(path)
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise PlanRefusedError(
            f"{path} is a plan of version {version}; this program applies version {SCHEMA_VERSION}. Make it anew."
        )
    if content.get("digest") != digest_of(content):
        raise PlanRefusedError(
            f"{path} was changed after it was made: its digest does not fit. Make a new plan; what is not wanted is "
            "left out when it is made."
        )
    try:
        plan = Plan.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise PlanRefusedError(f"{path} is no plan that can be used: {where}: {first['msg']}.") from None
    ids = [step.id for step in plan.steps]
    earlier: set[str] = set()
    for step in plan.steps:
        if step.action not in ACTIONS:
            raise PlanRefusedError(f"{path} is no plan that can be used: there is no action {step.action}.")
        if strange_conditions(step.only_while):
            raise PlanRefusedError(
                f"{path} is no plan that can be used: step {step.id} has a condition that is not known, "
                f"{strange_conditions(step.only_while)[0]}."
            )
        if not earlier.issuperset(step.depends_on) or ids.count(step.id) > 1:
            raise PlanRefusedError(f"{path} is no plan that can be used: step {step.id} is out of order.")
        earlier.add(step.id)
    return plan


def require_fresh(plan: Plan, days: int, now: datetime | None = None) -> None:
    """Raises PlanRefusedError for a plan older than so many days, or one from the future."""
    now = now or datetime.now(timezone.utc)
    age = now - plan.created_at
    if age > timedelta(days=days):
        raise PlanRefusedError(
            f"The plan {plan.plan_id} is {age.days} days old, and what it rests on may have changed: make a new one. "
            f"Plans are good for {days} days (M365_ACTIONS_PLAN_DAYS)."
        )
    if age < timedelta(minutes=-10):
        raise PlanRefusedError(f"The plan {plan.plan_id} was made in the future: check the clock of this machine.")


def require_tenant(plan: Plan, tenant_ids: list[str]) -> None:
    """Raises PlanRefusedError for a plan of a tenant that is not configured here."""
    if plan.tenant_id not in tenant_ids:
        raise PlanRefusedError(
            f"The plan {plan.plan_id} was made for tenant {plan.tenant_id}, and this configuration is for "
            f"{', '.join(tenant_ids)}."
        )


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PlanRefusedError(f"There is no plan {path}.") from None
    except OSError as error:
        raise PlanRefusedError(f"{path} cannot be read ({error.strerror}).") from None
    except ValueError:
        raise PlanRefusedError(f"{path} is no plan: it is not JSON.") from None
    if not isinstance(content, dict):
        raise PlanRefusedError(f"{path} is no plan.")
    return content
