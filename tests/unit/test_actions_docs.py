"""docs/actions.md says only what is so: permissions, options, messages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from pipelines.actions.catalogue import ACTIONS
from pipelines.cli import app

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "actions.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose first line begins so."""
    lines = GUIDE[GUIDE.index(heading) :].splitlines()
    rows = [line for line in lines[2:] if line.startswith("|") or not line][: lines.index("", 1) - 2]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows if row]


def test_the_table_of_permissions_is_the_catalogue() -> None:
    told = {
        name.strip(): permission.strip("`")
        for permission, names in table("| permission (application) | actions |")
        for name in names.split(",")
    }
    assert told == {action.name: action.permissions[0] for action in ACTIONS.values()}
    for action in ACTIONS.values():
        assert set(action.permissions[1:]) <= {"User.Read.All"}


def test_every_action_has_its_way_back() -> None:
    undone = " ".join(row[0] for row in table("| done | back |"))
    assert all(name in undone for name in ACTIONS if not name.startswith(("remove_forwarding", "restore")))


def options(*only: str) -> set[str]:
    """The options of the commands below m365-usage actions, or of some."""
    command: Any = typer.main.get_command(app)
    subcommands = [one for name, one in command.commands["actions"].commands.items() if not only or name in only]
    return {name for one in subcommands for parameter in one.params for name in parameter.opts}


def test_every_option_that_is_named_exists_and_the_other_way_round() -> None:
    known = options()
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE))
    assert named <= known
    plain = {"--help", "--tenant", "--last", "--off"}
    described = options("plan", "apply", "status", "log", "list")
    assert {name for name in described if name.startswith("--")} - named <= plain


def test_options_in_ways_back_exist() -> None:
    source = "".join(path.read_text() for path in (ROOT / "pipelines" / "actions").glob("*.py"))
    undo = re.findall(r'm365-usage actions plan[^"\n]*', source)
    assert len(undo) >= 10
    assert {name for line in undo for name in re.findall(r"--[a-z][a-z-]+", line)} <= options()


@pytest.mark.parametrize("message", re.findall(r"^\| \*([^*|]+)\* \|", GUIDE, re.MULTILINE))
def test_every_message_that_is_explained_is_said(message: str) -> None:
    source = "".join(path.read_text() for path in (ROOT / "pipelines").rglob("*.py"))
    joined = re.sub(r'"\s*\n\s*f?"', "", source)
    assert message.strip("… ") in joined
