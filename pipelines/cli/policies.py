"""m365-usage actions policies: what the policies of policies.toml would plan now."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pipelines.actions.markdown import savings_in_words
from pipelines.actions.policies.file import POLICIES_FILE, Policy, load_policies
from pipelines.actions.policies.run import PolicyResult, State, run_policies
from pipelines.cli.actions_plan import print_plan
from pipelines.cli.console import messages, results
from pipelines.settings import Settings, SettingsError, load_settings

_WORDS = {
    State.NOTHING: "nothing to do",
    State.WAITING: "waits for somebody to look at",
    State.OVER_LIMIT: "over its limit: waits for somebody to look at",
    State.ACTIONS_OFF: "not applied, as actions are off: waits for somebody to look at",
    State.PREVIEWED: "would be applied by a run of the job actions that applies",
    State.APPLIED: "applied",
    State.FAILED: "failed",
}


def policies(
    check: Annotated[
        bool, typer.Option("--check", help="Only see that the file can be used; nobody is looked at.")
    ] = False,
    write: Annotated[bool, typer.Option("--plan", help="Write the plans, as the job actions does.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant, by id or name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show what each policy would plan now. Nothing is ever changed in a tenant by this command.

    Exit code: 0 shown; 1 a policy failed; 2 the file or the configuration cannot be used.
    """
    settings = load_settings()
    found = load_policies(settings.rules_dir)
    if not found:
        raise SettingsError(
            f"There are no policies: {settings.rules_dir / POLICIES_FILE} is missing or empty (docs/policies.md)."
        )
    if check:
        _print_policies(settings, found, as_json=as_json)
        return
    with messages().status("Looking at people …"):
        done = run_policies(settings, found, only_tenant=tenant, writes_plans=write)
    if as_json:
        print(json.dumps([result.to_json() for result in done], indent=2, ensure_ascii=False))
    else:
        for result in done:
            _print_result(result)
    raise typer.Exit(1 if any(result.has_failed for result in done) else 0)


def _print_policies(settings: Settings, found: tuple[Policy, ...], *, as_json: bool) -> None:
    for policy in found:
        if policy.tenant is not None:
            settings.chosen_tenants(policy.tenant)
    if as_json:
        print(json.dumps([policy.model_dump(mode="json") for policy in found], indent=2, ensure_ascii=False))
        return
    table = Table("policy", "kind", "apply", "changes at most", "tenant", header_style="bold")
    for policy in found:
        limit = str(policy.limit(settings.actions_max_changes))
        cells = (policy.name, policy.kind, policy.apply, limit, policy.tenant or "all")
        table.add_row(*map(Text, cells))
    results().print(table)


def _print_result(result: PolicyResult) -> None:
    console = results()
    head = f"{result.policy.name} ({result.policy.kind}), tenant {result.tenant.label}: {_WORDS[result.state]}"
    console.print(head, style="bold", markup=False, highlight=False, soft_wrap=True)
    if result.problem:
        messages().print(result.problem, style="red", markup=False, highlight=False, soft_wrap=True)
    for known in result.open:
        line = f"Open since {known.plan.created_at:%Y-%m-%d}: {known.path}, {len(known.left)} steps left"
        console.print(f"{line}; saving a month: {savings_in_words(known.plan)}", markup=False, highlight=False)
    for plan in result.new:
        print_plan(plan)
    for path in result.paths:
        messages().print(f"Plan: {path}", markup=False, highlight=False, soft_wrap=True)
