"""Where the command prints: results to standard output, everything else to standard error."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors and what was asked for.")]

# Into a file or a pipe there is no edge to stay inside of; sentences and folded texts end here.
PLAIN_WIDTH = 140


def results() -> Console:
    """For what was asked for."""
    return _console(stderr=False)


def messages(*, quiet: bool = False) -> Console:
    """For progress, warnings and errors; quiet: for progress that nobody wants to see."""
    return _console(stderr=True, quiet=quiet)


def has_edge(console: Console) -> bool:
    """Whether lines have to end somewhere: on a terminal, or where COLUMNS says so."""
    return console.is_terminal or "COLUMNS" in os.environ


def _console(*, stderr: bool, quiet: bool = False) -> Console:
    console = Console(stderr=stderr, quiet=quiet)
    if not has_edge(console):
        console = Console(stderr=stderr, quiet=quiet, width=PLAIN_WIDTH)
    return console
