"""m365-usage notify: who is told of what; a test of the channels, a look at what would be sent."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.console import messages, results
from pipelines.settings import Settings, SettingsError, load_settings


def notify(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every channel that is set.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Print what is wrong now and the digest; send nothing.")
    ] = False,
) -> None:
    """Tell Teams, Slack or e-mail what is wrong, unless they know it; runs do so by themselves when they end."""
    settings = load_settings()
    if test and preview:
        raise SettingsError("--test sends something and --preview does not: choose one.")
    if preview:
        _preview(settings, results())
        return
    if not settings.notify_is_on:
        raise SettingsError("Nobody is to be told: no channel is set. docs/notifications.md tells how.")
    if test:
        _test(settings, messages())
        return
    from pipelines.notify.deliver import after_run

    outcome = after_run(settings, None, is_run=False)
    _report(messages(), outcome.warnings)
    messages().print(f"Messages sent: {outcome.sent}", highlight=False)


def _test(settings: Settings, console: Console) -> None:
    from pipelines.notify.channels import DeliveryError, channels
    from pipelines.notify.message import Message, Mood

    text = "This is a test. Of failed runs, stale data, days about to be lost and the like you will hear here."
    message = Message("A test message", Mood.TEST, (text,), link=settings.notify_page_url)
    warnings = []
    for channel in channels(settings):
        try:
            channel.send(message)
        except (DeliveryError, SettingsError) as error:
            warnings.append(str(error))
        else:
            console.print(f"{channel.name}: sent. See that it has arrived.", highlight=False)
    _report(console, warnings)


def _preview(settings: Settings, console: Console) -> None:
    from pipelines.notify.alerts import alerts
    from pipelines.notify.channels import channels
    from pipelines.notify.digest import digest
    from pipelines.notify.situation import read_situation

    targets = ", ".join(channel.name for channel in channels(settings)) or "nobody: no channel is set"
    console.print(f"Told are: {targets}", highlight=False, soft_wrap=True)
    situation = read_situation(settings)
    if not situation:
        console.print(f"Nothing is known yet below {settings.data_dir}: run m365-usage sync first.", soft_wrap=True)
        return
    found = [alert.message(settings) for alert in alerts(settings, situation)]
    if not found:
        console.print("Nothing is wrong now.", highlight=False)
    weekly = digest(settings)
    for message in [*found, *([weekly] if weekly else [])]:
        console.print(f"\n{message.title}", style="bold", markup=False, highlight=False, soft_wrap=True)
        console.print(message.as_text(), markup=False, highlight=False, soft_wrap=True)
        if message.picture:
            console.print(f"[a picture, {len(message.picture):,} bytes]", style="dim", markup=False, highlight=False)


def _report(console: Console, warnings: list[str]) -> None:
    for warning in warnings:
        console.print(warning, style="red", markup=False, highlight=False, soft_wrap=True)
    if warnings:
        raise typer.Exit(1)
