"""docs/dependencies.md lists every direct dependency, with the licence that its own metadata tell."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
NOT_SAID = "not said"
# What metadata from before SPDX expressions say, as SPDX says it.
SPDX = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Apache-2": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD License": "BSD",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
    "Artistic License": "Artistic",
    "GNU General Public License (GPL)": "GPL",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
}


def licence(expression: str | None, classifiers: Sequence[str], text: str | None) -> str:
    """The licence that metadata tell: the SPDX expression, else the classifiers, else the old field."""
    if expression:
        return expression
    found = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: OSI")]
    words = found or [(text or "").strip().partition("\n")[0]]
    return " or ".join(SPDX.get(word, word) for word in words) or NOT_SAID


def requirements() -> dict[str, Requirement]:
    """Every direct dependency of pyproject.toml, those of the extras too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return {canonicalize_name(found.name): found for found in map(Requirement, lines)}


def listed() -> dict[str, str]:
    """Name and licence, from the tables of the document."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text, re.MULTILINE)
    return {canonicalize_name(name): told.strip() for name, told in rows}


def test_every_direct_dependency_is_listed() -> None:
    assert listed().keys() == requirements().keys()


@pytest.mark.parametrize("name", sorted(requirements()))
def test_the_licence_is_that_of_its_metadata(name: str) -> None:
    try:
        found = distribution(name).metadata
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    told = licence(found.get("License-Expression"), found.get_all("Classifier") or [], found.get("License"))
    assert listed()[name] == told


def test_everything_that_is_installed_is_pinned() -> None:
    """Each direct dependency, and all that they ask for, as far as it is installed; the extra sdk is for two tests."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(Requirement(line).name) for line in lines if "==" in line}
    assert len(pinned) == len(lines)
    wanted, seen = [*requirements()], {canonicalize_name("azure-identity"), canonicalize_name("msgraph-sdk")}
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        assert name in pinned, f"{name} is not in constraints.txt"
        try:
            asked = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found = [Requirement(line) for line in asked]
        wanted += [
            canonicalize_name(one.name) for one in found if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
    assert len(seen) > 100
