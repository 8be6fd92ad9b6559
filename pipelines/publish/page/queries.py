"""The panel of queries to copy: ten common questions in SQL, as far as this build's database answers them."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.publish.page.model import Column, Panel, Variant
from pipelines.publish.page.read import Published

FOLDER = Path(__file__).resolve().parents[3] / "queries"


def queries_panel(db: Published) -> Panel:
    """Each question with its SQL."""
    rows = []
    for path in sorted(FOLDER.glob("*.sql")):
        sql = path.read_text(encoding="utf-8")
        if is_answered(db, sql):
            question = sql.splitlines()[0].removeprefix("--").strip()
            rows.append([question, sql.strip()])
    columns = [Column("question", "Question"), Column("sql", "SQL")]
    empty = "" if rows else "This copy has too few tables for the ready-made queries."
    return Panel(
        "dict-queries",
        "How do I ask it myself?",
        columns,
        [Variant({}, empty=empty)],
        rows,
        note="For the database beside this page: m365-usage query, or any DuckDB 1.x, opened read-only.",
        kind="queries",
    )


def is_answered(db: Published, sql: str) -> bool:
    """Whether this build holds what the query asks for."""
    try:
        db.records(f"explain {sql}")
    except duckdb.Error:
        return False
    return True
