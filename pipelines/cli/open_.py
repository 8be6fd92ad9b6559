"""m365-usage open: the newest figures on the screen."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import messages
from pipelines.cli.published import published_file, published_folder
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.settings import SettingsError, load_settings

PAGE_NAME = "m365_usage.html"
DOCS_NAME = "m365_usage_docs.html"


def open_(
    workbook: Annotated[bool, typer.Option("--workbook", help="The Excel workbook, not the page.")] = False,
    docs: Annotated[bool, typer.Option("--docs", help="The models and columns explained, not the page.")] = False,
    shareable: Annotated[bool, typer.Option("--shareable", help="The shareable copy: aggregates only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the path and nothing else.")] = False,
) -> None:
    """Open the page of the newest release, its workbook, or the documentation of its models, and print the path.

    Where there is no desktop, as on a server, the path is all there is.
    """
    settings = load_settings()
    if docs and workbook:
        raise SettingsError("Say either --docs or --workbook.")
    folder = published_folder(settings, shareable=shareable)
    has_page = (folder / PAGE_NAME).exists() and not workbook
    path = published_file(folder, DOCS_NAME if docs else PAGE_NAME if has_page else WORKBOOK_NAME)
    # For programs, too: the path alone stands on standard output.
    typer.echo(path)
    if not has_desktop():
        if not quiet:
            messages().print("There is no desktop here: copy the file to one.", style="dim")
    elif launch(path) and not quiet:
        messages().print(f"No program opened {path.name}: open it by hand.", style="yellow")


def has_desktop() -> bool:
    """Whether a window can be opened from here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and shutil.which("xdg-open") is not None


def launch(path: Path) -> int:
    """Open a file with the desktop's own program for it; 0 when one was found."""
    return typer.launch(path.resolve().as_uri() if path.suffix == ".html" else str(path.resolve()))
