"""m365-usage actions plan: a plan file from what is reclaimable, a leaver, a joiner, or single wishes."""

from __future__ import annotations

import json
import time
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pipelines.actions.accounts import ATTRIBUTES
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.log import ActionLog
from pipelines.actions.markdown import money, savings_in_words
from pipelines.actions.plan import Plan
from pipelines.actions.plan_file import write_plan
from pipelines.actions.planning.joiner import plan_joiners
from pipelines.actions.planning.leaver import LeaverWishes, plan_leaver
from pipelines.actions.planning.published import open_marts, read_prices
from pipelines.actions.planning.reclaimable import REASONS, Wanted, plan_reclaimable, read_reclaimable
from pipelines.actions.planning.records import read_joiners
from pipelines.actions.planning.user import Wishes, plan_user
from pipelines.cli.console import messages, results
from pipelines.graph.client import GraphClient
from pipelines.settings import Settings, SettingsError, TenantSettings, load_settings

Texts = list[str]


class OneDrive(str, Enum):
    """What becomes of a leaver's files."""

    COPY = "copy"
    GRANT = "grant"
    NONE = "none"


def plan(
    reclaimable: Annotated[
        bool, typer.Option("--reclaimable", help="From the published reclaimable licences.")
    ] = False,
    leaver: Annotated[str | None, typer.Option(help="From somebody who leaves, by name or object id.")] = None,
    joiner: Annotated[Path | None, typer.Option(help="From the records of joiners, a CSV or JSON file.")] = None,
    user: Annotated[str | None, typer.Option(help="Single steps for this person, by name or object id.")] = None,
    sku: Annotated[Texts | None, typer.Option(help="--reclaimable: only this product, by part number or id.")] = None,
    reason: Annotated[
        Texts | None, typer.Option(help=f"--reclaimable: only this reason: {', '.join(REASONS)}.")
    ] = None,
    department: Annotated[Texts | None, typer.Option(help="--reclaimable: only this department.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="--reclaimable: at most so many steps, the dearest first.")
    ] = None,
    enable: Annotated[bool, typer.Option("--enable", help="--user: enable the account.")] = False,
    disable: Annotated[bool, typer.Option("--disable", help="--user: disable the account.")] = False,
    revoke_sessions: Annotated[bool, typer.Option("--revoke-sessions", help="--user: end all sessions.")] = False,
    manager: Annotated[str | None, typer.Option(help='--user: this manager, by name or id; "" for none.')] = None,
    user_type: Annotated[str | None, typer.Option(help="--user: Member or Guest.")] = None,
    attribute: Annotated[
        Texts | None, typer.Option("--set", metavar="NAME=VALUE", help=f"--user: one of {', '.join(ATTRIBUTES)}.")
    ] = None,
    assign: Annotated[Texts | None, typer.Option(help="--user: assign this product, by part number or id.")] = None,
    off: Annotated[Texts | None, typer.Option(help="--assign: leave this service plan (its id) out.")] = None,
    remove: Annotated[Texts | None, typer.Option(help="--user: take this product's direct licence back.")] = None,
    add_group: Annotated[Texts | None, typer.Option(help="--user: put into this group (its object id).")] = None,
    remove_group: Annotated[Texts | None, typer.Option(help="--user: take out of this group (its object id).")] = None,
    reply: Annotated[
        str | None, typer.Option(help='--user, --leaver: this automatic reply; "" turns it off (--user).')
    ] = None,
    forward_to: Annotated[
        str | None, typer.Option(help="--user, --leaver: forward mail to this address; --leaver knows 'manager', too.")
    ] = None,
    stop_forwarding_to: Annotated[str | None, typer.Option(help="--user: forward mail there no longer.")] = None,
    onedrive_to: Annotated[
        str | None, typer.Option(help="--user, --leaver: copy the OneDrive to this person; --leaver: default manager.")
    ] = None,
    grant_onedrive_to: Annotated[str | None, typer.Option(help="--user: let this person read the OneDrive.")] = None,
    onedrive: Annotated[
        OneDrive, typer.Option(help="--leaver: copy the files, only grant the manager access, or none.")
    ] = OneDrive.COPY,
    keep_licences: Annotated[bool, typer.Option("--keep-licences", help="--leaver: licences stay.")] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="--user: delete the account; 30 days to restore it.")
    ] = False,
    restore: Annotated[bool, typer.Option("--restore", help="--user: restore a deleted account.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Which tenant, by id or name, where there are several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Write a plan file for people to review; only reads, and needs no permission to write.

    Choose one of --reclaimable, --leaver, --joiner and --user.
    """
    chosen = [name for name, value in vars_of(reclaimable, leaver, joiner, user).items() if value]
    if len(chosen) != 1:
        raise SettingsError("Say what the plan is to be made from: --reclaimable, --leaver, --joiner or --user.")
    wanted = Wanted(tuple(sku or ()), _reasons(reason), tuple(department or ()), limit)
    wishes = Wishes(
        enable=enable,
        disable=disable,
        revoke_sessions=revoke_sessions,
        manager=manager,
        user_type=user_type,
        attributes=_pairs(attribute),
        assign=tuple(assign or ()),
        off_plans=tuple(off or ()),
        remove=tuple(remove or ()),
        add_groups=tuple(add_group or ()),
        remove_groups=tuple(remove_group or ()),
        reply=reply,
        forward_to=forward_to,
        stop_forwarding_to=stop_forwarding_to,
        onedrive_to=onedrive_to,
        grant_onedrive_to=grant_onedrive_to,
        delete=delete,
        restore=restore,
    )
    leaving = LeaverWishes(reply, forward_to, onedrive.value, onedrive_to, keep_licences)
    _refuse_strays(chosen[0], wishes, wanted, leaving)
    settings = load_settings()
    client = GraphClient.connect(_the_tenant(settings, tenant), settings, None, time.sleep)
    try:
        with messages().status("Looking at people …"):
            if user:
                made = plan_user(user, wishes, client)
            elif leaver:
                log = ActionLog(settings.actions_dir / "log")
                made = plan_leaver(leaver, client, leaving, prices=_prices(settings, client), log=log)
            elif joiner:
                made = plan_joiners(read_joiners(joiner), client, file=joiner.name)
            else:
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


def vars_of(reclaimable: bool, leaver: str | None, joiner: Path | None, user: str | None) -> dict[str, object]:
    """The sources of a plan by the names of their options."""
    return {"--reclaimable": reclaimable, "--leaver": leaver, "--joiner": joiner, "--user": user}


def _refuse_strays(source: str, wishes: Wishes, wanted: Wanted, leaving: LeaverWishes) -> None:
    """An option that belongs to another source would be left undone without a word."""
    allowed = {"--leaver": {"reply", "forward_to", "onedrive_to"}, "--user": set(wishes.chosen)}.get(source, set())
    strays = [name for name in wishes.chosen if name not in allowed]
    if source != "--reclaimable":
        strays += [name for name, value in vars(wanted).items() if value]
    if source != "--leaver" and (leaving.onedrive != "copy" or leaving.keep_licenses):
        strays.append("onedrive" if leaving.onedrive != "copy" else "keep_licences")
    if strays:
        option = strays[0].rstrip("s") if strays[0] in ("skus", "reasons", "departments") else strays[0]
        raise SettingsError(
            f"--{option.replace('_', '-')} does not go with {source}; see m365-usage actions plan --help."
        )


def _pairs(given: Texts | None) -> tuple[tuple[str, str], ...]:
    found = []
    for item in given or ():
        name, sign, value = item.partition("=")
        if not sign:
            raise SettingsError(f"--set {item}: write it as NAME=VALUE.")
        found.append((name.strip(), value.strip()))
    return tuple(found)


def _prices(settings: Settings, client: GraphClient) -> dict[str, tuple[Decimal, str]]:
    """The prices of the published release; none where nothing is published."""
    try:
        with open_marts(settings) as published:
            return read_prices(published.con, client.tenant.tenant_id)
    except SettingsError:
        return {}


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
        limit=wanted.limit,
        notes=_on_age(settings, published.data_through),
    )


def _on_age(settings: Settings, data_through: str | None) -> list[str]:
    """A warning where the published data are older than a plan may be."""
    try:
        days = (settings.today_utc - date.fromisoformat(str(data_through))).days
    except ValueError:
        return []
    if days <= settings.actions_plan_days:
        return []
    return [f"The data are {days} days old: run m365-usage sync first, and make the plan anew."]


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
