"""The guide for Power BI speaks of tables and columns that there are."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def published_columns() -> dict[str, set[str]]:
    """Table -> columns, as the page of the data dictionary has them, which another test keeps true."""
    tables: dict[str, set[str]] = {}
    for section in re.split(r"^## ", (DOCS / "data-dictionary.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, _, body = section.partition("\n")
        tables[name.strip()] = set(re.findall(r"^\| \**(\w+)\** \| ", body, flags=re.MULTILINE)) - {"column"}
    return tables


def test_measures_use_columns_that_exist() -> None:
    guide = (DOCS / "power-bi.md").read_text(encoding="utf-8")
    columns = published_columns()
    used = set(re.findall(r"\b([a-z][a-z0-9_]+)\[(\w+)\]", guide))
    assert len(used) > 10
    assert {f"{table}[{column}]" for table, column in used if column not in columns.get(table, set())} == set()


def test_files_that_it_names_are_tables() -> None:
    guide = (DOCS / "power-bi.md").read_text(encoding="utf-8")
    files = set(re.findall(r"\b(\w+)\.parquet\b", guide)) - {"app_days"}
    assert len(files) > 4
    assert files - set(published_columns()) == set()
