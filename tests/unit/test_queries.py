"""The example queries: one per question, each explained, and listed where people look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "queries"
QUERIES = sorted(FOLDER.glob("*.sql"))


def test_there_are_ten_and_the_list_names_each_with_its_question() -> None:
    listed = dict(re.findall(r"\| \[(\S+\.sql)\]\(\1\) \| (.+?\?)", (FOLDER / "README.md").read_text(encoding="utf-8")))
    asked = {path.name: path.read_text(encoding="utf-8").splitlines()[0].removeprefix("-- ") for path in QUERIES}
    assert len(asked) == 10
    assert asked == listed


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_each_says_how_to_read_it_and_has_a_stable_order(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    comment = re.match(r"(--.*\n)+", text)
    assert comment
    assert comment.group().count("\n") >= 4
    assert "order by" in text
    assert max(map(len, text.splitlines())) <= 120
