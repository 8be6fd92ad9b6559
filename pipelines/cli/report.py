"""m365-usage report: the headline figures of the newest release, or its page as a file."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli.console import messages, results
from pipelines.cli.published import published_file, published_folder, whole_file
from pipelines.publish.page import headline
from pipelines.publish.page.banners import banners
from pipelines.publish.page.facts import Facts
from pipelines.publish.page.health import STATES
from pipelines.publish.page.licences import money
from pipelines.publish.page.model import day, number, plain, signed
from pipelines.publish.page.names import PAGE_NAME
from pipelines.publish.page.read import Published
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.warehouse.publish import DATABASE_NAME

_TONES = {"bad": "red", "warn": "yellow", "info": "cyan", "sample": "magenta"}


@dataclass(frozen=True)
class Line:
    """One figure: what it is, its value, what there is to know of it."""

    what: str
    value: str
    note: str = ""


def report(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the release's page here instead: FILE.html.")
    ] = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="With --output: the page that names people, readable by you only.")
    ] = False,
    shareable: Annotated[bool, typer.Option("--shareable", help="Figures of the shareable copy.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not say what was written.")] = False,
) -> None:
    """Print the headline figures of the newest release, tenant by tenant, or write its page to a file.

    The page is the one that may be shared; with --admin the one for administrators.
    """
    settings = load_settings()
    if output is not None:
        if as_json or shareable:
            raise SettingsError("--output writes the page: it goes with --admin, not with --json or --shareable.")
        write_copy(settings, output, shareable=not admin)
        if not quiet:
            messages().print(str(output), markup=False, highlight=False, soft_wrap=True)
        return
    if admin:
        raise SettingsError("--admin says which page is written: name a file with --output.")
    folder = published_folder(settings, shareable=shareable).resolve()
    with Published(folder / DATABASE_NAME) as db:
        tenants = db.records("select * from tenants order by tenant_id", needs=["tenants"])
        found = [Facts(db, tenant) for tenant in tenants]
        if as_json:
            info = db.records("select name, value from publish_info", needs=["publish_info"])
            document = {row["name"]: row["value"] for row in info} | {"tenants": [figures(one) for one in found]}
            typer.echo(json.dumps(plain(document), ensure_ascii=False, indent=2))
            return
        console = results()
        for one in found:
            print_tenant(console, settings, one)
    if not tenants:
        raise SettingsError("The published release holds no tenant yet: run m365-usage sync.")


def write_copy(settings: Settings, output: Path, *, shareable: bool) -> None:
    """Put the page of a build where somebody wants it; raises SettingsError when that cannot be."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"{output.name} is to be a page: give it a name that ends with .html.")
    page = published_file(published_folder(settings, shareable=shareable).resolve(), PAGE_NAME)
    with whole_file(output, shareable=shareable) as new:
        shutil.copyfile(page, new)


def figures(facts: Facts) -> dict[str, Any]:
    """One tenant's figures for machines; null is unknown, or hidden in this build."""
    use, paid, back = headline.use(facts), headline.paid_licences(facts), headline.take_back(facts)
    return {
        "tenant_id": facts.id,
        "name": facts.tenant.get("name"),
        "data_through": facts.tenant.get("data_through"),
        "last_synced_at": facts.tenant.get("last_synced_at"),
        "notices": [f"{one['title']} {one['text']}" for one in banners(facts)],
        "use": asdict(use) if use else None,
        "licensed_people": headline.licensed(facts),
        "paid_licences": asdict(paid) if paid else None,
        "take_back": asdict(back) if back else None,
        "health": asdict(headline.health(facts)),
    }


def print_tenant(console: Console, settings: Settings, facts: Facts) -> None:
    """One tenant: how new, what to know first, and a table each for use, licences and data health."""
    through, synced = facts.tenant.get("data_through"), facts.tenant.get("last_synced_at")
    name = str(facts.tenant.get("name") or facts.id)
    console.print(Text(f"\n{name}", style="bold"))
    age = f", {(settings.today_utc - through).days} days behind" if through else ""
    loaded = f"; loaded {synced:%Y-%m-%d %H:%M} UTC" if synced else ""
    console.print(f"Data as of {day(through) if through else 'no day yet'}{age}{loaded}", highlight=False)
    for one in banners(facts):
        text = Text(one["title"], style=_TONES.get(one["tone"], "")).append(f" {one['text']}", style="default")
        console.print(text)
    tables = (("Use", use_lines(facts)), ("Licences", licence_lines(facts)), ("Data health", health_lines(facts)))
    for title, lines in tables:
        table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
        table.add_column(style="bold", overflow="fold")
        table.add_column(justify="right", no_wrap=True)
        table.add_column(style="dim", overflow="fold")
        for line in lines:
            if line.what == "Teams: people":
                table.add_section()
            table.add_row(Text(line.what), Text(line.value), Text(line.note))
        console.print(table)


def use_lines(facts: Facts) -> list[Line]:
    """People in the suite, app-days; Teams on lines of its own."""
    use = headline.use(facts)
    if use is None:
        return [Line("Nothing yet", "", "No day of use is stored: run m365-usage sync.")]
    five = ", ".join(name for app, name in facts.apps.items() if app != "teams")
    settling = f", {use.provisional_days} of them still settling" if use.provisional_days else ""
    people = headline.licensed(facts)
    return [
        Line("Days", f"{use.days_with_data} of 28", f"{day(use.window_start)} to {day(use.window_end)}{settling}"),
        Line("Licensed people", number(people), "who hold a licence for the suite"),
        Line("Suite: people", number(use.people), f"distinct, in any of {five}"),
        Line("Suite: app-days", number(use.app_days), f"the five apps' days summed up{_trend(use.change_rate)}"),
        Line("Teams: people", number(use.teams_people), "on its own; in none of the figures above"),
        Line("Teams: days", number(use.teams_days), f"on its own{_trend(use.teams_change_rate)}"),
    ]


def _trend(rate: float | None) -> str:
    return "" if rate is None else f"; {signed(rate)} against the 28 days before"


def licence_lines(facts: Facts) -> list[Line]:
    """What is bought, held, spare, and what can be taken back."""
    paid, back = headline.paid_licences(facts), headline.take_back(facts)
    if paid is None:
        return [Line("Nothing yet", "", "No paid licences are known; m365-usage check says why.")]
    spare = f"{money(paid.spare_cost)} a month" if paid.spare_cost else "cost unknown"
    lines = [
        Line("Purchased", number(paid.enabled), "paid products; no free, trial or unlimited ones"),
        Line("Assigned", number(paid.assigned)),
        Line("Unassigned", number(paid.unassigned), spare),
    ]
    if paid.over_assigned:
        lines.append(Line("Over-assigned", number(paid.over_assigned), "more assigned than purchased"))
    if paid.assigned_on_expired:
        lines.append(
            Line("On expired", number(paid.assigned_on_expired), "still assigned after the subscription ended")
        )
    if back is None or back.licences is None:
        lines.append(Line("Can be taken back", "unknown", "hidden: small groups" if back else "nothing can be judged"))
    else:
        monthly = f"saves {money(back.saving)} a month" if back.saving else "saving unknown: no prices"
        yearly = {currency: 12 * amount for currency, amount in back.saving.items()}
        monthly += f", {money(yearly)} a year" if yearly else ""
        hidden = f"; {back.hidden} products with small groups hidden" if back.hidden else ""
        lines.append(Line("Can be taken back", number(back.licences), monthly + hidden))
    if paid.unpriced:
        lines.append(
            Line("Without a price", number(paid.unpriced), "products in use; their cost is unknown (docs/rules.md)")
        )
    return lines


def health_lines(facts: Facts) -> list[Line]:
    """The report days by state, agreement with Microsoft, the last run."""
    found = headline.health(facts)
    lines = [
        Line(label, "1 day" if found.days[state] == 1 else f"{found.days[state]} days", "of the last 28")
        for state, (label, _) in STATES.items()
        if found.days.get(state)
    ]
    share = f"{number(found.within_tolerance)} of {number(found.compared)}" if found.compared else "unknown"
    note = "app-days within the tolerance" if found.compared else "Microsoft's own counts were not fetched yet"
    lines.append(Line("Agrees with Microsoft", share, note))
    lines.append(Line("Last run", found.last_run or "none yet"))
    return lines
