"""m365-usage actions plan: a plan file from what is reclaimable, a leaver, a joiner, or single wishes."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.markdown import money, savings_in_words
from pipelines.actions.plan import Plan
from pipelines.actions.plan_file import write_plan
from pipelines.actions.planning.published import open_marts
from pipelines.actions.planning.reclaimable import REASONS, Wanted, plan_reclaimable, read_reclaimable
from pipelines.actions.planning.user import Wishes, plan_user
from pipelines.cli.console import messages, results
from pipelines.graph.client import GraphClient
from pipelines.settings import Settings, SettingsError, TenantSettings, load_settings

Texts = list[str]


def plan(
    reclaimable: Annotated[
        bool, typer.Option("--reclaimable", help="From the published reclaimable licences.")
    ] = False,
    sku: Annotated[Texts | None, typer.Option(help="Only this product, by part number or id; repeat for more.")] = None,
    reason: Annotated[Texts | None, typer.Option(help=f"Only this reason: {', '.join(REASONS)}.")] = None,
    department: Annotated[Texts | None, typer.Option(help="Only this department; repeat for more.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many licences, the dearest first.")] = None,
    user: Annotated[str | None, typer.Option(help="Single steps for this person, by name or object id.")] = None,
    assign: Annotated[Texts | None, typer.Option(help="--user: assign this product.")] = None,
    off: Annotated[Texts | None, typer.Option(help="--assign: leave this service plan (id) out.")] = None,
    remove: Annotated[Texts | None, typer.Option(help="--user: take this product's direct licence back.")] = None,
    add_group: Annotated[Texts | None, typer.Option(help="--user: put into this group (object id).")] = None,
    remove_group: Annotated[Texts | None, typer.Option(help="--user: take out of this group (object id).")] = None,
    tenant: Annotated[str | None, typer.Option(help="Which tenant, by id or name, where there are several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Write a plan file for people to review; only reads, and needs no permission to write.

    Choose one of --reclaimable, --leaver, --joiner and --user.
    """
    settings = load_settings()
    chosen = _the_tenant(settings, tenant)
    if reclaimable == (user is not None):
        raise SettingsError("Say what the plan is to be made from: --reclaimable, or --user NAME.")
    client = GraphClient.connect(chosen, settings, None, time.sleep)
    try:
        with messages().status("Looking at people …"):
            if user is not None:
                wishes = Wishes(
                    assign=tuple(assign or ()),
                    off_plans=tuple(off or ()),
                    remove=tuple(remove or ()),
                    add_groups=tuple(add_group or ()),
                    remove_groups=tuple(remove_group or ()),
                )
                made = plan_user(user, wishes, client)
            else:
                wanted = Wanted(tuple(sku or ()), _reasons(reason), tuple(department or ()), limit)
                made = _from_reclaimable(settings, client, wanted)
    finally:
        client.close()
    path = write_plan(settings.actions_dir / "plans", made)
    if as_json:
        print(json.dumps(made.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    print_plan(made)
    console = messages()
    console.print(f"Plan: {path}\nTo read: {path.with_suffix('.md')}", markup=False, highlight=False, soft_wrap=True)
    if made.steps:
        console.print(f"Next: m365-usage actions apply {path}", markup=False, highlight=False, soft_wrap=True)


def print_plan(made: Plan) -> None:
    """The steps, and what is left to be done by hand."""
    console = results()
    if not made.steps:
        console.print("There is nothing to do.")
    else:
        table = Table("step", "person", "what", "reason", "saving a month", header_style="bold")
        for step in made.steps:
            saving = "" if step.monthly_saving is None else money(step.monthly_saving, step.currency)
            cells = (step.id, step.target.user_principal_name, ACTIONS[step.action].describe(step), step.reason, saving)
            table.add_row(*map(Text, cells))
        console.print(table)
        console.print(f"Saving a month: {savings_in_words(made)}", markup=False, highlight=False)
    for item in made.by_hand:
        line = f"By hand: {item.target.user_principal_name}: {item.what}. {item.why}"
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    for note in dict.fromkeys([*made.notes, *(note for step in made.steps for note in step.notes)]):
        console.print(f"Note: {note}", style="dim", markup=False, highlight=False, soft_wrap=True)


def _from_reclaimable(settings: Settings, client: GraphClient, wanted: Wanted) -> Plan:
    with open_marts(settings) as published:
        rows = read_reclaimable(published.con, client.tenant.tenant_id, wanted)
    return plan_reclaimable(
        rows,
        client,
        source={
            "skus": list(wanted.skus),
            "reasons": list(wanted.reasons),
            "departments": list(wanted.departments),
            "limit": wanted.limit,
        },
        data_through=published.data_through,
        publish_id=published.publish_id,
    )


def _reasons(given: Texts | None) -> tuple[str, ...]:
    wrong = [reason for reason in given or () if reason not in REASONS]
    if wrong:
        raise SettingsError(f"There is no reason {wrong[0]}; there are: {', '.join(REASONS)}.")
    return tuple(given or ())


def _the_tenant(settings: Settings, only: str | None) -> TenantSettings:
    tenants = settings.chosen_tenants(only)
    if len(tenants) != 1:
        raise SettingsError(f"Say which tenant with --tenant: {', '.join(tenant.label for tenant in tenants)}.")
    return tenants[0]
