"""The examples and the set-up guide say only what is so: every setting they name exists, and the files work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.settings import Settings, load_settings
from pipelines.sign_in import SIGN_IN_KINDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (".env.example", "tenants.example.toml", "docs/setup.md", "docs/actions.md")
# Read by load_settings and the command line, not a field.
OTHERS = {"M365_AUTH"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_setting_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"\bM365_[A-Z_]*[A-Z]\b", (ROOT / name).read_text(encoding="utf-8")))
    known = {f"M365_{field.upper()}" for field in Settings.model_fields} | OTHERS
    assert named <= known


def test_defaults_in_the_example_are_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    before = load_settings()
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    given = [line[1:] for line in lines if re.match(r"#M365_\w+=.", line) and "TENANTS_FILE" not in line]
    assert len(given) >= 8
    (tmp_path / ".env").write_text("\n".join(given))
    assert load_settings() == before


def test_the_example_of_several_tenants_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tenants.toml").write_text((ROOT / "tenants.example.toml").read_text(encoding="utf-8"))
    tenants = load_settings().tenants()
    assert {tenant.sign_in.name for tenant in tenants} == {*SIGN_IN_KINDS}
    assert [tenant.cloud.name for tenant in tenants].count("gcc-high") == 1


def test_every_way_to_sign_in_is_described() -> None:
    guide = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
    assert all(f"| `{kind}` |" in guide for kind in SIGN_IN_KINDS)


def test_every_message_that_is_explained_is_one_that_is_printed() -> None:
    guide = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8").partition("## What can go wrong")[2]
    messages = [
        text for row in re.findall(r"^\| (\*.*?) \|", guide, re.MULTILINE) for text in row.strip("*").split("*, *")
    ]
    assert len(messages) > 30
    source = "".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "pipelines").rglob("*.py")))
    # A sentence may run over several lines of source, and hold values.
    source = re.sub(r'"\n\s*f?"', "", source)
    pieces = [piece.strip() for message in messages for piece in message.split("…")]
    # Microsoft's own words.
    theirs = {"Too many requests"}
    assert [piece for piece in pieces if piece not in source and piece not in theirs] == []
