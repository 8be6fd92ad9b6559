"""Where the command prints: results to standard output, everything else to standard error."""

from __future__ import annotations

import os

from rich.console import Console

# Into a file or a pipe there is no edge to stay inside of.
PLAIN_WIDTH = 140


def results() -> Console:
    """For what was asked for."""
    return _console(stderr=False)


def messages() -> Console:
    """For progress, warnings and errors."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(stderr=stderr, width=PLAIN_WIDTH)
    return console
