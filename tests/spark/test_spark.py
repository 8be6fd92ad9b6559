"""The demo's tenant on DuckDB and on Spark: the same models, every published table equal row by row.

make test-spark. M365_SPARK_WAREHOUSE names the warehouse of a demo that was run already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.rules import load_rules
from tests.spark.compare import differences, published_relations

pytest.importorskip("pyspark", reason="make test-spark installs it")
pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]
# Of the simulated company: the day that the demo takes for today.
TODAY = "2026-10-30"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's warehouse, built by the product on DuckDB."""
    if given := os.environ.get("M365_SPARK_WAREHOUSE"):
        return Path(given)
    data = tmp_path_factory.mktemp("demo")
    command = [Path(sys.executable).with_name("m365-usage"), "demo"]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "M365_DATA_DIR": str(data)}, timeout=1200)
    return data / "warehouse.duckdb"


@pytest.fixture(scope="module")
def on_spark(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Spark made of the same raw tables; in a process of its own, which takes its Java machine with it."""
    folder = tmp_path_factory.mktemp("spark")
    with duckdb.connect(str(warehouse), read_only=True) as con:
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in ('raw', 'ledger')"
        ).fetchall()
        for schema, name in tables:
            (folder / "raw" / schema).mkdir(parents=True, exist_ok=True)
            con.execute(f"copy {schema}.{name} to '{folder / 'raw' / schema / name}.parquet' (format parquet)")
    variables = load_rules(warehouse.parent / "rules").dbt_variables() | {"today": TODAY}
    subprocess.run(
        [sys.executable, "-m", "tests.spark.session", folder / "raw", folder / "out"],
        check=True,
        cwd=ROOT,
        env={**os.environ, "M365_DBT_VARS": json.dumps(variables), "DO_NOT_TRACK": "1"},
        timeout=3000,
    )
    return folder / "out"


def test_every_mart_is_the_same_on_spark(warehouse: Path, on_spark: Path) -> None:
    relations = published_relations(warehouse)
    assert len(relations) > 50
    there = {(path.parent.name, path.name) for path in on_spark.glob("*/*")}
    assert there == set(relations)
    rows = [differences(warehouse, on_spark, schema, name) for schema, name in relations]
    found = {f"{schema}.{name}": told for (schema, name), told in zip(relations, rows, strict=True) if told}
    assert not found


def test_the_comparison_sees_a_difference(warehouse: Path, tmp_path: Path) -> None:
    target = tmp_path / "main" / "apps"
    target.mkdir(parents=True)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute(f"copy (from main.apps where app <> 'teams') to '{target / 'part.parquet'}' (format parquet)")
    (only,) = differences(warehouse, tmp_path, "main", "apps")
    assert only.startswith("only DuckDB has 1 rows such as ('teams'")
