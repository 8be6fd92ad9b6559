"""What a file is, told from its content alone."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.imports.errors import RefusedFileError
from pipelines.imports.json_files import JsonAnswer, looks_like_json, read_json
from pipelines.imports.report_files import ReportTable, recognise_report
from pipelines.imports.sku_files import SkuTable, recognise_skus
from pipelines.imports.tables import read_table
from pipelines.imports.text import read_text
from pipelines.imports.user_files import UserTable, recognise_users

EXPECTED = (
    "expected a CSV report of getM365AppUserDetail or getM365AppUserCounts, or people, SKUs, subscriptions, the "
    "organization or deleted users as Graph or an admin centre exports them (see docs/import.md)."
)

Recognised = ReportTable | UserTable | SkuTable | JsonAnswer


def recognise(con: duckdb.DuckDBPyConnection, path: Path, scratch: Path, number: int) -> Recognised:
    """The file as what it is; number makes its names in ``scratch`` and in the database its own.

    Raises RefusedFileError, naming the file and what was expected.
    """
    text = read_text(path, scratch / f"{number}.txt")
    if looks_like_json(text):
        answer = read_json(con, text, f"answer_{number}")
        if answer is None:
            raise RefusedFileError(path, f"is JSON, but not recognised; {EXPECTED}")
        return answer
    if text.head(256).lstrip().startswith("<"):
        raise RefusedFileError(path, f"is a web page or XML; {EXPECTED}")
    table = read_table(text)
    if table is None:
        raise RefusedFileError(path, f"is not recognised; {EXPECTED}")
    found = recognise_report(table) or recognise_users(table) or recognise_skus(table)
    if found is None:
        raise RefusedFileError(path, f"is CSV, but its columns are not recognised; {EXPECTED}")
    return found
