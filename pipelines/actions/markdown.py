"""A plan for people to read, with its totals first."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.plan import Plan, Step

# What Markdown or HTML would make something of.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def as_markdown(plan: Plan) -> str:
    """The plan as Markdown."""
    parts = [f"# Plan {_text(plan.plan_id)}", _head(plan), _table(plan)]
    parts += [_section(step) for step in plan.steps]
    if plan.by_hand:
        parts.append("## By hand\n\nNo step can do these:")
        parts.append(
            "\n".join(f"- **{_text(item.target.user_principal_name)}**: {_text(item.what)}. {_text(item.why)}"
                      for item in plan.by_hand)
        )  # fmt: skip
    parts.append(
        "Nothing was changed in the tenant by making this plan. "
        f"`m365-usage actions apply {plan.plan_id}.json` looks at every target again before it changes anything."
    )
    return "\n\n".join(parts) + "\n"


def money(amount: Decimal, currency: str | None) -> str:
    """An amount for people."""
    return f"{amount:,.2f} {currency or ''}".rstrip()


def savings_in_words(plan: Plan) -> str:
    """What the plan saves a month; amounts in different currencies are never added."""
    totals = plan.savings()
    unknown = sum(step.monthly_saving is None and step.action == "remove_license" for step in plan.steps)
    found = " + ".join(money(amount, currency) for currency, amount in sorted(totals.items())) or "nothing known"
    return found + (f" (and {unknown} without a known price)" if unknown else "")


def _head(plan: Plan) -> str:
    source = ", ".join(f"{key} {value}" for key, value in plan.source.items() if value not in (None, [], False))
    rows = [
        f"Tenant: {_text(plan.tenant_id)}",
        f"Made: {plan.created_at:%Y-%m-%d %H:%M} UTC by {_text(plan.created_by)}, from {_text(source)}",
        f"Steps: {len(plan.steps)}, people: {len({step.target.user_principal_name for step in plan.steps})}",
        f"Saving a month: {_text(savings_in_words(plan))}",
        f"Permissions of the app for actions: {_text(', '.join(plan.permissions()) or 'none')}",
        f"Digest: `{plan.digest}`",
    ]
    if plan.data_through:
        rows.insert(2, f"Rests on data through {_text(plan.data_through)} (release {_text(plan.publish_id or '?')})")
    return "\n".join(f"- {row}" for row in [*rows, *map(_text, plan.notes)])


def _table(plan: Plan) -> str:
    if not plan.steps:
        return "There is nothing to do."
    lines = ["| step | person | what | reason | saving a month | waits for |", "|---|---|---|---|---:|---|"]
    for step in plan.steps:
        saving = "" if step.monthly_saving is None else money(step.monthly_saving, step.currency)
        cells = (
            step.id,
            step.target.user_principal_name,
            ACTIONS[step.action].describe(step),
            step.reason,
            saving,
            ", ".join(step.depends_on),
        )
        lines.append("| " + " | ".join(map(_text, cells)) + " |")
    return "\n".join(lines)


def _section(step: Step) -> str:
    name = step.target.display_name
    person = f"{step.target.user_principal_name}{f' ({name})' if name else ''}"
    rows = [
        f"Person: {_text(person)}",
        f"Reason: {_text(step.reason)}",
        f"Before: {_facts(step.before) if step.before is not None else 'not seen; apply looks first'}",
        f"After: {_facts(step.after)}",
        f"Permission: {_text(step.permission)}",
        f"Undo: {_text(ACTIONS[step.action].undo(step))}",
    ]
    if step.evidence:
        rows.insert(2, f"Evidence: {_facts(step.evidence)}")
    if step.only_while:
        rows.append(f"Only while: {_facts(step.only_while)}")
    rows += [f"Note: {_text(note)}" for note in step.notes]
    title = _text(ACTIONS[step.action].describe(step))
    return f"## {step.id}: {title}\n\n" + "\n".join(f"- {row}" for row in rows)


def _facts(facts: dict[str, Any]) -> str:
    return "; ".join(f"{_text(key)} = {_text(_value(value))}" for key, value in facts.items() if key != "exists")


def _value(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _text(value: object) -> str:
    """A text as such: on one line, and nothing of it is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
