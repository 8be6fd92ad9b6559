"""The dbt project on a local Spark, in one process: the raw tables from Parquet, the models, the marts as Parquet.

python -m tests.spark.session RAW OUT [dbt options…]      RAW/<schema>/<table>.parquet -> OUT/<schema>/<table>/
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
PUBLISHED_SCHEMAS = ("main", "shareable")


def open_session(scratch: Path) -> SparkSession:
    """A session for one machine; dbt takes the one that is open. Instants are in UTC, as everywhere."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.driver.memory": "2g",
        "spark.sql.warehouse.dir": str(scratch / "tables"),
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.sources.default": "parquet",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # A small company on a small machine: planning a task costs more than running it.
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.adaptive.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("m365_usage")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def read_raw_tables(session: SparkSession, raw: Path) -> None:
    """Name every RAW/<schema>/<table>.parquet <schema>.<table>; dbt's sources are called so."""
    for path in sorted(raw.glob("*/*.parquet")):
        session.sql(f"create schema if not exists {path.parent.name}")
        session.sql(f"create table {path.parent.name}.{path.stem} using parquet location '{path}'")


def run_dbt(options: list[str], scratch: Path, variables: dict[str, object]) -> int:
    """Seeds and models on the open session; returns how many nodes failed."""
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    own = ["--target", "spark", "--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs")]
    command = ["build", "--exclude-resource-type", "unit_test", "test", "--vars", json.dumps(variables)]
    result = dbtRunner().invoke(["--no-use-colors", *command, *folders, *own, *options])
    if result.exception:
        raise result.exception
    return sum(item.status in ("error", "fail", "skipped") for item in getattr(result.result, "results", []))


def write_published(session: SparkSession, out: Path) -> None:
    """Every relation of the published schemas, table or view, as Parquet."""
    for schema in PUBLISHED_SCHEMAS:
        for table in session.catalog.listTables(schema):
            if not table.isTemporary:
                session.table(f"{schema}.{table.name}").coalesce(1).write.parquet(str(out / schema / table.name))


def main() -> int:
    """Run it; the exit code says whether every model was built."""
    raw, out, *options = sys.argv[1:]
    scratch = Path(out).with_name("spark")
    session = open_session(scratch)
    read_raw_tables(session, Path(raw).absolute())
    variables = json.loads(os.environ.get("M365_DBT_VARS", "{}"))
    failed = run_dbt(options, scratch, variables)
    if not failed:
        write_published(session, Path(out).absolute())
    session.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
