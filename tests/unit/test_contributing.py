"""CONTRIBUTING.md says only what is so: who imports whom, and files and targets that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DOCUMENTS = ("CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/{name}.md" for name in ("decisions", "security", "privacy")))


def allowed() -> dict[str, set[str]]:
    """The table of packages and what they may import."""
    lines = GUIDE[GUIDE.index("| package | may import | does |") :].splitlines()[2:]
    found = {}
    for line in lines[: lines.index("")]:
        packages, imports, _ = [cell.strip() for cell in line.strip("|").split("|")]
        for package in re.findall(r"`(\w+)`", packages):
            found[package] = set() if imports == "nothing" else set(imports.split(", "))
    return found


def imported() -> dict[str, set[str]]:
    """The packages and modules directly below pipelines/, each with those of the others that it imports."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "pipelines").rglob("*.py"):
        parts = path.relative_to(ROOT / "pipelines").with_suffix("").parts
        if parts == ("__init__",):
            continue
        names = found.setdefault(parts[0], set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            names |= {name.split(".")[1] for name in modules if name.startswith("pipelines.")} - {parts[0]}
    return found


def test_imports_are_those_of_the_table() -> None:
    table, found = allowed(), imported()
    assert table.keys() == found.keys()
    assert {name: extra for name, imports in found.items() if (extra := imports - table[name])} == {}
    assert sum(map(len, found.values())) > 40


def test_arrows_point_one_way() -> None:
    """Whoever is imported imports nobody back, but for the settings, which are put together from those of others."""
    table = allowed()
    both = {(one, other) for one, imports in table.items() for other in imports if one in table.get(other, set())}
    assert both == {("settings", name) for name in ("actions", "notify")} | {
        (name, "settings") for name in ("actions", "notify")
    }
    lines = (ROOT / "pipelines" / "settings.py").read_text(encoding="utf-8")
    assert set(re.findall(r"from pipelines\.(actions|notify)(\S*) import", lines)) == {
        ("actions", ".settings"),
        ("notify", ".settings"),
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_files_that_are_named_are_there(name: str) -> None:
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (path.parent / link).exists()] == []
    places = r"(?:pipelines|tests|dbt_project|docs|deploy)/[\w./*-]+\.\w+"
    files = [file for file in re.findall(rf"`({places})`", text) if "NAME" not in file]
    assert [file for file in files if not any(ROOT.glob(file))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_headings_that_are_linked_to_are_there(name: str) -> None:
    path = ROOT / name
    for target, heading in re.findall(r"\]\(([\w./-]*)#([^)]+)\)", path.read_text(encoding="utf-8")):
        text = ((path.parent / target) if target else path).read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert heading in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}, heading


def test_targets_of_make_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in DOCUMENTS:
        named = set(re.findall(r"\bmake ([a-z-]+)\b(?=`|  )", (ROOT / name).read_text(encoding="utf-8")))
        assert named <= targets, name


def test_the_readme_lists_every_document() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"\]\(([^)#]+\.md)\)", readme[readme.index("## Documents") :]))
    there = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert listed == there | {"CONTRIBUTING.md", "CHANGELOG.md", "queries/README.md"}
