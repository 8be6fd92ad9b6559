"""m365-usage actions: plan changes, look at them, apply them, and see what was done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.actions.apply import Limits, apply_plan
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.log import ActionLog, History
from pipelines.actions.markdown import money, savings_in_words
from pipelines.actions.passwords import PasswordFile, PasswordScreen, PasswordSink
from pipelines.actions.plan import Plan
from pipelines.actions.plan_file import read_plan, require_fresh, require_tenant
from pipelines.actions.preview import settled_earlier
from pipelines.actions.results import ApplyResult, Fate, StepResult
from pipelines.cli.actions_plan import plan as plan_command
from pipelines.cli.console import messages, results
from pipelines.cli.policies import policies as policies_command
from pipelines.graph.client import GraphClient
from pipelines.graph.write import GraphWriter
from pipelines.settings import Settings, SettingsError, TenantSettings, load_settings

app = typer.Typer(
    name="actions",
    help="Plan changes, look at them, apply them, and see what was done; off unless M365_ALLOW_ACTIONS=1.",
    no_args_is_help=True,
)
app.command("plan")(plan_command)
app.command("policies")(policies_command)

PlanFile = Annotated[
    Path, typer.Argument(help="The plan: its file, or its name below actions/plans in the data folder.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_STYLES = {
    Fate.DONE: "green",
    Fate.ALREADY: "dim",
    Fate.SKIPPED: "yellow",
    Fate.WAITING: "yellow",
    Fate.LEFT: "yellow",
    Fate.FAILED: "bold red",
    Fate.UNKNOWN: "bold red",
    Fate.WOULD_CHANGE: "cyan",
}


@app.command("apply")
def apply(
    plan_file: PlanFile,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at every target and change nothing.")] = False,
    max_changes: Annotated[
        int | None, typer.Option(min=1, help="At most so many changes; default: M365_ACTIONS_MAX_CHANGES, 25.")
    ] = None,
    show_password: Annotated[
        bool, typer.Option("--show-password", help="Show the passwords of new people once, on this terminal.")
    ] = False,
    password_file: Annotated[
        Path | None, typer.Option(help="Write the passwords of new people into this new file, for its owner only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Apply a plan: look at every target again, skip what no longer fits, do the rest, and log each step.

    It can be stopped and applied again: what is done is not done twice. Exit code: 0 done, or nothing to do; 1 a step
    failed or its outcome is not known; 2 the plan or the configuration cannot be used.
    """
    settings = load_settings()
    plan, tenant = _usable(settings, plan_file)
    log = ActionLog(settings.actions_dir / "log")
    console = messages()
    limits = Limits(max_changes or settings.actions_max_changes)
    passwords = _password_sink(console, plan, log, show=show_password, file=password_file, is_dry=dry_run)
    client = _looking(settings, tenant) if dry_run else GraphWriter(settings, tenant)
    if not dry_run and as_json and not yes:
        raise SettingsError("--json asks nobody: add --yes, or --dry-run.")

    def confirm(preview: ApplyResult) -> bool:
        if not as_json:
            _print_results(console, preview)
        return yes or _has_yes(console, preview)

    try:
        done = apply_plan(
            plan,
            client,
            log,
            limits,
            None if dry_run or (yes and as_json) else confirm,
            passwords=passwords,
            on_result=lambda result: None if as_json else _print_step(console, result),
            tell=lambda line: None if as_json else console.print(line, style="dim", markup=False, highlight=False),
        )
    finally:
        client.close()
        if isinstance(passwords, PasswordScreen):
            passwords.show_rest()
    if as_json:
        print(json.dumps(done.to_json(), indent=2, ensure_ascii=False))
    else:
        _print_end(results(), done)
    raise typer.Exit(done.exit_code)


@app.command("status")
def status(plan_file: PlanFile, as_json: AsJson = False) -> None:
    """What of a plan is done and what is left, by the log; nothing is asked of Microsoft."""
    settings = load_settings()
    plan = read_plan(_path_of(settings, plan_file))
    histories = ActionLog(settings.actions_dir / "log").histories(plan)
    found = [_by_log(step, histories.get(step.id, History())) for step in plan.steps]
    left = sum(not result.is_settled for result in found)
    if as_json:
        steps = [result.to_json() for result in found]
        print(json.dumps({"plan_id": plan.plan_id, "left": left, "steps": steps}, indent=2, ensure_ascii=False))
        return
    _print_results(results(), ApplyResult(plan, tuple(found)))
    results().print(f"{len(found) - left} of {len(found)} steps need nothing more; {left} left.", highlight=False)


@app.command("log")
def show_log(
    last: Annotated[int, typer.Option("--last", min=1, help="So many outcomes, newest last.")] = 50,
    user: Annotated[str | None, typer.Option(help="Only this person, by user principal name or object id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records as they are, one a line.")] = False,
) -> None:
    """What was done, by whom, when, and what came of it."""
    log = ActionLog(load_settings().actions_dir / "log")
    wanted = (user or "").strip().lower()
    records = [
        record
        for record in log.records()
        if (record["kind"] == "outcome" or as_json)
        and wanted in ("", str(record["user_principal_name"]).lower(), str(record["user_id"]).lower())
    ][-last:]
    if as_json:
        for record in records:
            print(json.dumps(record, ensure_ascii=False))
        return
    if not records:
        messages().print(f"Nothing was done{f' to {user}' if user else ''} yet.", markup=False, highlight=False)
        return
    table = Table("when (UTC)", "who", "person", "action", "outcome", "detail", header_style="bold")
    for record in records:
        cells = (
            str(record["at"])[:19].replace("T", " "),
            record["os_user"],
            "(forgotten)" if record.get("is_redacted") else record["user_principal_name"],
            record["action"],
            record["outcome"],
            record.get("detail") or "",
        )
        table.add_row(*map(Text, map(str, cells)))
    results().print(table)


@app.command("list")
def list_actions(as_json: AsJson = False) -> None:
    """Every action there is, with the permissions that it needs."""
    rows = [{"action": a.name, "what": a.words, "permissions": list(a.permissions)} for a in ACTIONS.values()]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table("action", "what it does", "permissions of the app for actions", header_style="bold")
    for row in rows:
        table.add_row(str(row["action"]), str(row["what"]), ", ".join(map(str, row["permissions"])))
    results().print(table)


def _usable(settings: Settings, plan_file: Path) -> tuple[Plan, TenantSettings]:
    """The plan and its tenant; raises SettingsError for a plan that must not be applied."""
    plan = read_plan(_path_of(settings, plan_file))
    tenants = settings.tenants()
    require_tenant(plan, [tenant.tenant_id for tenant in tenants])
    require_fresh(plan, settings.actions_plan_days)
    return plan, next(tenant for tenant in tenants if tenant.tenant_id == plan.tenant_id)


def _path_of(settings: Settings, given: Path) -> Path:
    if given.exists() or given.parent != Path():
        return given
    known = settings.actions_dir / "plans" / given.with_suffix(".json").name
    return known if known.exists() else given


def _looking(settings: Settings, tenant: TenantSettings) -> GraphClient:
    """A client that only reads: the app for actions where there is one that may be used, as it sees more."""
    import time

    is_ready = settings.allow_actions and tenant.actions is not None
    return GraphClient.connect(settings.actions_tenant(tenant) if is_ready else tenant, settings, None, time.sleep)


def _password_sink(
    console: Console, plan: Plan, log: ActionLog, *, show: bool, file: Path | None, is_dry: bool
) -> PasswordSink | None:
    """Where passwords go; raises SettingsError where the plan makes people and nobody said where."""
    if show and file is not None:
        raise SettingsError("--show-password and --password-file are two ways for the same: choose one.")
    if file is not None:
        return PasswordFile(file)
    if show:
        if not console.is_terminal:
            raise SettingsError("--show-password needs a terminal; otherwise use --password-file.")
        return PasswordScreen(lambda line: console.print(line, style="bold", markup=False, highlight=False))
    histories = log.histories(plan)
    new = [
        step
        for step in plan.steps
        if step.action == "create_user" and settled_earlier(step, histories.get(step.id, History())) is None
    ]
    if new and not is_dry:
        raise SettingsError(
            "The plan makes new people: say where their passwords go, with --password-file FILE or --show-password."
        )
    return None


def _has_yes(console: Console, preview: ApplyResult) -> bool:
    count = preview.counts[Fate.WOULD_CHANGE]
    if not count:
        return True
    if typer.confirm(f"Make {count} changes in tenant {preview.plan.tenant_id}?", err=True):
        return True
    console.print("Nothing was changed.")
    return False


def _by_log(step: Any, history: History) -> StepResult:
    earlier = settled_earlier(step, history)
    if earlier is not None:
        return earlier
    if history.is_open:
        return StepResult(
            step, Fate.UNKNOWN, history.detail or "Begun, and cut off; the next apply looks at it afresh."
        )
    fate = Fate.of(history.outcome) if history.outcome else Fate.LEFT
    return StepResult(step, fate, history.detail or "Not begun.")


def _print_results(console: Console, found: ApplyResult) -> None:
    plan = found.plan
    table = Table("step", "person", "what", "reason", "saving", "state", header_style="bold")
    for result in found.results:
        step = result.step
        saving = "" if step.monthly_saving is None else money(step.monthly_saving, step.currency)
        state = Text(result.fate.value.replace("_", " "), style=_STYLES[result.fate])
        if result.detail:
            state.append(f": {result.detail}", style="dim")
        cells = (step.id, step.target.user_principal_name, ACTIONS[step.action].describe(step), step.reason, saving)
        table.add_row(*map(Text, cells), state)
    console.print(table)
    console.print(f"Saving a month: {savings_in_words(plan)}", markup=False, highlight=False)


def _print_step(console: Console, result: StepResult) -> None:
    step = result.step
    line = Text.assemble(
        f"{step.id} ",
        (f"{result.fate.value:<8}", _STYLES[result.fate]),
        f" {step.target.user_principal_name}: {ACTIONS[step.action].describe(step)}",
    )
    if result.detail:
        line.append(f". {result.detail}", style="dim")
    console.print(line, soft_wrap=True)


def _print_end(console: Console, done: ApplyResult) -> None:
    if done.is_cancelled:
        return
    if done.is_dry:
        _print_results(console, done)
    counts = ", ".join(f"{count} {fate.value.replace('_', ' ')}" for fate, count in done.counts.items())
    earlier = sum(result.is_earlier for result in done.results)
    told = f" ({earlier} of them by an apply before this one)" if earlier else ""
    console.print(f"{counts}{told}" if counts else "There is nothing to do.", highlight=False)
