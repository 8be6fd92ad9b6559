"""The plans of the policies: made after a sync, and applied where the policies say so and every limit allows."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.actions.apply import ApplyBusyError
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.markdown import money, savings_in_words
from pipelines.actions.plan import Plan
from pipelines.actions.policies.file import load_policies
from pipelines.actions.policies.run import PolicyResult, run_policies
from pipelines.defs.owners import OWNERS
from pipelines.defs.resources import Workplace, countdown, readable_errors

PLANS = dg.AssetKey(["actions_folder", "plans"])
_MOST_PLANS_SHOWN = 5
# What of a step's parameters names a product.
_ABOUT = ("product_name", "sku_part_number", "sku_id")
_OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ActionsConfig(dg.Config):
    """What one run may do. apply: also apply the plans of policies that say apply = "auto"; no limit is lifted by it.
    tenant: only this one, by id or name.
    """

    apply: bool = False
    tenant: str | None = None


@dg.asset(
    key=PLANS,
    group_name="actions",
    owners=OWNERS,
    kinds={"json", "microsoft"},
    deps=[dg.AssetKey(["published", "admin"])],
)
def plans(context: dg.AssetExecutionContext, config: ActionsConfig, workplace: Workplace) -> dg.MaterializeResult[None]:
    """The plans that the policies of policies.toml make today; a dry run unless the run's config says apply."""
    settings = workplace.settings()
    with readable_errors():
        policies = load_policies(settings.rules_dir)
        try:
            results = run_policies(
                settings,
                policies,
                only_tenant=config.tenant,
                applies=config.apply,
                sleep=countdown(context),
            )
        except ApplyBusyError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from None
    # Only here: most installations have no policies, and every run would load it.
    from pipelines.notify.policies import tell_of_policies

    for sentence in tell_of_policies(settings, results):
        context.log.warning(sentence)
    _fail_where_needed(results)
    return dg.MaterializeResult(metadata=metadata_of(results, settings.actions_dir / "plans"))


def metadata_of(results: list[PolicyResult], folder: Path) -> dict[str, Any]:
    """Counts to plot, a table of the policies, and the new plans to read, without names."""
    new = [plan for result in results for plan in result.new]
    fates = Counter(fate for result in results for done in result.applied for fate in done.counts.elements())
    table = [
        dg.TableRecord(
            {
                "policy": result.policy.name,
                "tenant": result.tenant.label,
                "state": result.state.value,
                "new_plans": len(result.new),
                "open_plans": len(result.open),
                "steps_left": result.steps_left,
                "limit": result.limit,
                "changes": result.changes,
                "saving_a_month": "; ".join(savings_in_words(plan) for plan in result.new),
            }
        )
        for result in results
    ]
    return {
        "new_plans": len(new),
        "new_steps": sum(len(plan.steps) for plan in new),
        "steps_left": sum(result.steps_left for result in results),
        "changes": sum(result.changes for result in results),
        **{f"steps_{fate.value}": count for fate, count in sorted(fates.items())},
        **_savings(results),
        "policies": dg.MetadataValue.table(table) if table else "There are no policies.",
        "plans": dg.MetadataValue.md("\n\n".join(map(_nameless, new[:_MOST_PLANS_SHOWN])) or "None."),
        "folder": dg.MetadataValue.path(str(folder)),
    }


def _nameless(plan: Plan) -> str:
    """The plan for Dagster's own records, which outlast forgetting: people are numbers; its file says who they are."""
    people: dict[str, int] = {}
    lines = [
        f"**{plan.plan_id}**: {len(plan.steps)} steps, saving a month {savings_in_words(plan)}\n",
        "| step | person | what | about | saving a month | waits for |",
        "|---|---|---|---|---:|---|",
    ]
    for step in plan.steps:
        person = people.setdefault(step.target.key, len(people) + 1)
        about = next((str(step.parameters[name]) for name in _ABOUT if step.parameters.get(name)), "")
        saving = "" if step.monthly_saving is None else money(step.monthly_saving, step.currency)
        cells = (step.id, f"{person}", ACTIONS[step.action].words, about, saving, ", ".join(step.depends_on))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    if plan.by_hand:
        lines.append(f"\n{len(plan.by_hand)} things are left to be done by hand.")
    return "\n".join(lines)


def _savings(results: list[PolicyResult]) -> dict[str, float]:
    """What the new plans save a month, by currency: never added over currencies."""
    totals: dict[str, float] = {}
    for result in results:
        for plan in result.new:
            for currency, amount in plan.savings().items():
                name = f"planned_monthly_saving_{currency}"
                totals[name] = totals.get(name, 0.0) + float(amount)
    return totals


def _fail_where_needed(results: list[PolicyResult]) -> None:
    problems = [f"{result.policy.name}: {_clean(result.problem)}" for result in results if result.problem]
    for result in results:
        failed = sum(done.exit_code for done in result.applied if not done.is_dry)
        if failed and not result.problem:
            problems.append(
                f"{result.policy.name}: steps failed or their outcome is not known; m365-usage actions log says which."
            )
    if problems:
        raise dg.Failure(description=" ".join(problems), allow_retries=False)


def _clean(problem: str) -> str:
    """A reason without names and ids of people, which would outlast forgetting."""
    from pipelines.notify.alerts import clean

    return _OBJECT_ID.sub("\u2026", clean(problem))
