"""m365-usage forget: erase a person everywhere, for good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.actions.erasing import erase_from_actions
from pipelines.cli.console import messages
from pipelines.cli.erasing import ask, erase_and_publish
from pipelines.cli.tenants import the_tenant
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.forgotten import Forgotten
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.person import Person, find_person, refuse_named_in_rules
from pipelines.warehouse.redact import bodies_naming
from pipelines.warehouse.thin import orphaned_bodies
from pipelines.warehouse.traces import files_naming

# A body that a fetch is about to put on record is younger.
_ORPHAN_SECONDS = 300.0


def forget(
    user: Annotated[str, typer.Argument(help="User principal name, address or object id.")],
    tenant: Annotated[str | None, typer.Option(help="The tenant id, where there are several.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person from landing/, warehouse and releases; they stay forgotten when later answers name them."""
    settings = load_settings()
    tenant_id = the_tenant(settings, tenant)
    landing, console = Landing(settings.landing_dir), messages()
    with open_warehouse(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds) as con:
        load_pending(con, landing, max_removed_share=settings.max_removed_share)
        person = find_person(con, tenant_id, user)
    forgotten = Forgotten.beside(landing.root)
    if person is None:
        finish_earlier(settings, console, forgotten, tenant_id, user, yes=yes)
        return
    of_person = Forgotten.of(person.names)
    refuse_named_in_rules(settings.rules_dir, of_person, tenant_id)
    with console.status("Looking through what is landed …"):
        bodies = bodies_naming(landing, landing.all_fetches(), of_person)
    print_plan(console, person, bodies)
    ask(console, "Erase this person for good?", is_answered=yes)

    def change() -> None:
        names = {name.name for name in person.names if name.valid_from is None and name.valid_to is None}
        erase_from_actions(settings.actions_dir, tenant_id, {*names, *filter(None, [person.object_id])})
        # From here on every load leaves them out, whatever becomes of this process.
        Forgotten.beside(landing.root).add(person.names)
        for orphan in orphaned_bodies(landing, _ORPHAN_SECONDS):
            orphan.unlink(missing_ok=True)

    erase_and_publish(settings, console, change, check=lambda: traces(settings, person))


def finish_earlier(
    settings: Settings, console: Console, forgotten: Forgotten, tenant_id: str, user: str, *, yes: bool
) -> None:
    """Somebody who is forgotten already is erased once more, in case that was not finished.

    Raises SettingsError when nobody of that name was ever seen.
    """
    if not (forgotten and forgotten.is_forgotten(tenant_id, user)):
        raise SettingsError(
            f"Nobody is known as {user} in tenant {tenant_id}. Days with concealed names hold hashes instead, which "
            "cannot be matched with anybody."
        )
    console.print("This person is forgotten already; everything is made anew without them.", highlight=False)
    ask(console, "Go on?", is_answered=yes)

    def change() -> None:
        erase_from_actions(settings.actions_dir, tenant_id, [user])

    erase_and_publish(settings, console, change)


def print_plan(console: Console, person: Person, bodies: list[Path]) -> None:
    """What will be rewritten, and what cannot be."""
    names = sorted({name.name for name in person.names} - {person.object_id})
    size = sum(path.stat().st_size for path in bodies)
    lines = [
        f"Object id: {person.object_id or 'none; no directory read names them'}",
        f"Names: {', '.join(names) or 'none'}",
        f"To be rewritten: {len(bodies):,} answers in landing/ ({size:,} bytes packed)",
        "To be made anew: the warehouse, and every release",
        "Plans of actions that name the person are removed; the action log keeps the bare facts.",
        "Days with concealed names hold hashes, which cannot be matched with anybody; they stay.",
    ]
    if person.shared:
        lines.append(f"Names that are somebody else's too; only the days of this person go: {', '.join(person.shared)}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def traces(settings: Settings, person: Person) -> list[str]:
    """One sentence for what still names the person after all; names that others hold too are not looked for."""
    always = [name.name for name in person.names if name.valid_from is None and name.valid_to is None]
    return [
        f"{path} still names the person. Remove the file, or the line in it, by hand."
        for path in files_naming(settings.data_dir, always)
    ]
