"""What the raw tables are, from the comments of schema.sql: the one place where they are described."""

from __future__ import annotations

import re

from pipelines.warehouse.schema import schema_text

_TABLE = re.compile(r"((?:^--[^\n]*\n)*)^create table if not exists (\w+)\.(\w+)", re.MULTILINE)


def table_descriptions() -> dict[tuple[str, str], str]:
    """(schema, table) -> its description; a table without a comment of its own has the one above it."""
    found: dict[tuple[str, str], str] = {}
    for comment, schema_name, table in _TABLE.findall(schema_text()):
        words = " ".join(line.removeprefix("--").strip() for line in comment.splitlines())
        found[schema_name, table] = words
    return found
