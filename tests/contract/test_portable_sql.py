"""The same SQL on DuckDB and on Spark: what differs stands in macros/cross_db, with a variant for each engine."""

from __future__ import annotations

import re
from pathlib import Path

from tests.contract.test_dbt_project import ENGINE_SPECIFIC, PROJECT

CROSS_DB = PROJECT / "macros" / "cross_db"
NOT_SQL = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|'[^']*'|--[^\n]*", re.DOTALL)


def engine_specific(text: str) -> list[str]:
    """The spellings in a model, or a macro, that only one engine knows."""
    sql = NOT_SQL.sub(" ", text).lower()
    return [pattern for pattern in ENGINE_SPECIFIC if re.search(pattern, sql)]


def portable_files() -> list[Path]:
    macros = [path for path in (PROJECT / "macros").rglob("*.sql") if path.parent != CROSS_DB]
    return [*(PROJECT / "models").rglob("*.sql"), *macros]


def test_only_cross_db_knows_the_engine() -> None:
    files = portable_files()
    assert len(files) > 100
    found = {path.name: engine_specific(path.read_text(encoding="utf-8")) for path in files}
    assert not {name: patterns for name, patterns in found.items() if patterns}
    dispatching = [path.name for path in files if "adapter.dispatch" in path.read_text(encoding="utf-8")]
    assert not dispatching


def test_engine_specific_sql_is_seen() -> None:
    assert engine_specific("select cast(a as date) as b from {{ ref('x') }} -- a::date, not here") == []
    for sql in ("select a::date from t", "select * exclude (a) from t", "select count(*) filter (where a) from t"):
        assert engine_specific(sql), sql


def test_every_dispatched_macro_has_its_variants() -> None:
    texts = [path.read_text(encoding="utf-8") for path in CROSS_DB.glob("*.sql")]
    macros = set(re.findall(r"macro (\w+)\(", "\n".join(texts)))
    dispatched = set(re.findall(r'adapter\.dispatch\("(\w+)"', "\n".join(texts)))
    assert "date_series" in dispatched
    # Databricks takes the variant of Spark by itself; Fabric has to be told.
    wanted = {f"{engine}__{name}" for name in dispatched for engine in ("default", "spark", "fabricspark")}
    assert wanted <= macros
