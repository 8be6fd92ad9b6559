"""The data dictionary: every published table and column, from the descriptions of the dbt project.

    python -m pipelines.publish.dictionary dbt_project/target/manifest.json docs/data-dictionary.md

One text for all: the comments in the published files, their table ``data_dictionary`` and the page in docs/.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.warehouse.publish import DictionaryRow, published_tables, read_manifest
from pipelines.warehouse.releases import BUILDS

# What is said of adding a measure up; the rest of a description says what it is.
_ADDITIVITY = re.compile(r"\b(may be added|do not (add|sum)|not additive|never added|added over)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z0-9'\"])")

# The two tables that are about the published copy itself.
OWN_TABLES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "data_dictionary": (
        "One row per published table and column: what it means.",
        {
            "table_name": ("string", "The table."),
            "column_name": ("string", "The column."),
            "position": ("int", "The column's place in the table, from 1."),
            "type": ("string", "Its type. string: text of any length; int and bigint: whole numbers."),
            "is_grain": ("boolean", "Whether the column belongs to what one row of the table stands for."),
            "grain": ("string", "What one row of the table stands for, and what else is to be known of the table."),
            "meaning": ("string", "What the column says, and what null means in it."),
            "additivity": ("string", "For measures: over what it may be added up, and over what not."),
        },
    ),
    "publish_info": (
        "One row per fact about this published copy.",
        {
            "name": (
                "string",
                "publish_id, data_through (last observed report date), published_on, build, people (none, named or "
                "pseudonyms) or, with pseudonyms, pseudonym_key (differs with the key that they are made with).",
            ),
            "value": ("string", "The fact, as text."),
        },
    ),
}


@dataclass(frozen=True)
class DictionaryTable:
    """One published table. builds: the builds that hold it; columns: name -> type and description."""

    name: str
    builds: tuple[str, ...]
    description: str
    grain: tuple[str, ...]
    columns: Mapping[str, tuple[str, str]]


def split_description(text: str) -> tuple[str, str | None]:
    """What a column means, and what is said of adding it up (None: nothing)."""
    sentences = _SENTENCE_END.split(" ".join(text.split()))
    additivity = [sentence for sentence in sentences if _ADDITIVITY.search(sentence)]
    meaning = [sentence for sentence in sentences if sentence not in additivity]
    return " ".join(meaning or sentences), " ".join(additivity) or None


def dictionary_tables(manifest: Mapping[str, Any]) -> list[DictionaryTable]:
    """All published tables of both builds, by name."""
    nodes = {(node.get("schema"), node.get("alias")): node for node in manifest["nodes"].values()}
    builds: dict[str, list[str]] = {}
    described: dict[str, Mapping[str, Any]] = {}
    for build in BUILDS:
        for table in published_tables(manifest, build):
            builds.setdefault(table.name, []).append(build)
            described[table.name] = nodes[table.source_schema, table.source_name]
    found = [_table(name, tuple(builds[name]), node) for name, node in described.items()]
    found += [
        DictionaryTable(name, tuple(BUILDS), description, (), columns)
        for name, (description, columns) in OWN_TABLES.items()
    ]
    return sorted(found, key=lambda table: table.name)


def _table(name: str, builds: tuple[str, ...], node: Mapping[str, Any]) -> DictionaryTable:
    columns = {
        column: (str(facts.get("data_type") or ""), " ".join(str(facts.get("description") or "").split()))
        for column, facts in node.get("columns", {}).items()
    }
    grain = tuple((node["config"].get("meta") or {}).get("grain") or ())
    return DictionaryTable(name, builds, " ".join(str(node.get("description") or "").split()), grain, columns)


def dictionary_rows(manifest: Mapping[str, Any], build: str) -> list[DictionaryRow]:
    """The rows of ``data_dictionary`` in one build."""
    rows = []
    for table in dictionary_tables(manifest):
        if build not in table.builds:
            continue
        for position, (column, (kind, description)) in enumerate(table.columns.items(), start=1):
            meaning, additivity = split_description(description)
            is_grain = column in table.grain
            row = (table.name, column, position, kind, is_grain, table.description, meaning, additivity)
            rows.append(row)
    return rows


def as_markdown(manifest: Mapping[str, Any]) -> str:
    """The page of docs/."""
    return "\n".join(_lines(dictionary_tables(manifest))) + "\n"


def _lines(tables: list[DictionaryTable]) -> Iterator[str]:
    yield from (
        "# Data dictionary",
        "",
        "Made by `make docs` from the descriptions of the dbt project; do not edit. The same words are the comments of",
        "the tables and columns in the published files, and stand there in the table `data_dictionary`.",
        "",
        "● in `published_admin` only. **Bold**: the columns of which each combination stands in one row. A column of",
        "the shareable build is null where it would tell of a small group, and `is_suppressed` says so.",
        "",
        "| table | one row per |",
        "|---|---|",
    )
    for table in tables:
        first = _SENTENCE_END.split(table.description)[0].removeprefix("One row per ")
        yield f"| [{table.name}](#{table.name}){_mark(table)} | {_cell(first.rstrip('.'))} |"
    for table in tables:
        yield from ("", f"## {table.name}", "", f"{table.description}{_mark(table)}", "")
        yield from ("| column | type | meaning |", "|---|---|---|")
        for column, (kind, description) in table.columns.items():
            name = f"**{column}**" if column in table.grain else column
            yield f"| {name} | {kind} | {_cell(description)} |"


def _mark(table: DictionaryTable) -> str:
    return "" if "shareable" in table.builds else " ●"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page."""
    if len(sys.argv) != 3:
        sys.exit("Usage: python -m pipelines.publish.dictionary MANIFEST PAGE")
    Path(sys.argv[2]).write_text(as_markdown(read_manifest(Path(sys.argv[1]))), encoding="utf-8")


if __name__ == "__main__":
    main()
