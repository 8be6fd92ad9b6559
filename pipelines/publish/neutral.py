"""Text on its way into a spreadsheet, as workbook or as CSV."""

from __future__ import annotations

import re

# What a spreadsheet takes for the beginning of a formula. RE2, which DuckDB has, reads it as well.
FORMULA = r"^\s*[=+\-@]|^[\t\r\n]"
_FORMULA = re.compile(FORMULA)


def neutral(text: str) -> str:
    """The text as it may stand in a spreadsheet: one that begins like a formula gets an apostrophe before it."""
    return "'" + text if _FORMULA.search(text) else text
