"""What a user would pick instead, each over the same files; and the floor that everything is held against.

python -m benchmarks.peers CASE FOLDER OUT      prints one line of JSON: seconds inside, rows read, bytes written
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.report import APPS, CELLS, COLUMNS, FLAGS, HEAD, PLATFORMS, WINDOW, day_files

DATE, NAME = HEAD[:2]
# Rows as dictionaries take minutes for what others do in seconds: a part of the files tells as much.
DICT_ROWS = 20_000

Facts = dict[str, Any]


def floor(folder: Path, out: Path) -> Facts:  # noqa: ARG001
    """Every column of every file parsed by DuckDB, its type known, nothing stored."""
    import duckdb

    kinds = ["date", "varchar", "date", "date", "integer", *("boolean" for _ in FLAGS)]
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in zip(COLUMNS, kinds, strict=True))
    counted = ", ".join(f'count("{name}")' for name in COLUMNS)
    with duckdb.connect() as con:
        found = con.execute(
            f"select {counted} from read_csv($files, header = true, auto_detect = false, delim = ',', quote = '\"', "
            f"escape = '\"', new_line = '\\r\\n', columns = {{{columns}}})",
            {"files": day_files(folder)},
        ).fetchone()
    assert found is not None
    return {"rows": found[1]}


def polars_packed(folder: Path, out: Path) -> Facts:
    """polars, lazily: six packed columns per active person and day, into Parquet."""
    return _pack(day_files(folder), out)


def polars_fetched(folder: Path, out: Path) -> Facts:  # noqa: ARG001
    """The same, its files downloaded first, as ours are: with requests, to disk, nothing hashed or compressed."""
    import requests

    tenant, graph = os.environ["M365_TENANT_ID"], os.environ["M365_GRAPH_URL"]
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["M365_CLIENT_ID"],
        "client_secret": os.environ["M365_CLIENT_SECRET"],
        "scope": "https://graph.microsoft.com/.default",
    }
    files = []
    with requests.Session() as session:
        # A proxy or bundle of the machine's own is not for loopback.
        session.trust_env = False
        session.verify = os.environ["M365_CA_BUNDLE"]
        address = f"{os.environ['M365_AUTHORITY_URL']}/{tenant}/oauth2/v2.0/token"
        token = session.post(address, data=form, timeout=60).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        for day in WINDOW:
            address = f"{graph}/v1.0/reports/getM365AppUserDetail(date={day})"
            with session.get(address, headers=headers, stream=True, timeout=60) as answer:
                answer.raise_for_status()
                files.append(str(out / f"{day}.csv"))
                with open(files[-1], "wb") as file:  # noqa: PTH123
                    for chunk in answer.iter_content(1 << 20):
                        file.write(chunk)
    return _pack(files, out)


def _pack(files: list[str], out: Path) -> Facts:
    import polars as pl

    bits = dict(zip(PLATFORMS, (1, 2, 4, 8), strict=True))
    packed = [
        sum(
            (
                pl.when(pl.col(f"{app} ({platform})") == "Yes").then(bit).otherwise(0).cast(pl.UInt8)
                for platform, bit in bits.items()
            ),
            pl.when(pl.col(app) == "Yes").then(16).otherwise(0).cast(pl.UInt8),
        ).alias(app)
        for app in APPS
    ]
    lines = pl.scan_csv(files, schema_overrides={DATE: pl.Date}, infer_schema=False)
    used = pl.any_horizontal(pl.col(app) != 0 for app in APPS)
    lines.select(DATE, NAME, *packed).filter(used).sink_parquet(out / "packed.parquet", compression="zstd")
    return {"rows": pl.scan_parquet(out / "packed.parquet").select(pl.len()).collect().item()}


def pandas_melt(folder: Path, out: Path) -> Facts:
    """pandas, a day at a time: read, melt to a row per use, insert into DuckDB."""
    import duckdb
    import pandas as pd

    rows = 0
    with duckdb.connect(str(out / "pandas.duckdb")) as con:
        con.execute("create table use (report_date date, upn varchar, app varchar, platform varchar)")
        for path in day_files(folder):
            day = pd.read_csv(path, usecols=[DATE, NAME, *CELLS], dtype=str)
            use = day.melt(id_vars=[DATE, NAME], value_vars=list(CELLS), var_name="cell", value_name="used")
            use = use[use["used"] == "Yes"]
            both = use["cell"].str.extract(r"^(.*) \((.*)\)$")
            use = use.assign(app=both[0], platform=both[1])[[DATE, NAME, "app", "platform"]]
            rows += len(use)
            con.register("use_of_day", use)
            con.execute("insert into use select * from use_of_day")
            con.unregister("use_of_day")
    return {"rows": rows}


def dlt_arrow(folder: Path, out: Path) -> Facts:
    """dlt, a day at a time as an Arrow table, into a raw table of DuckDB."""
    import pyarrow.csv

    types = pyarrow.csv.ConvertOptions(column_types={name: pyarrow.string() for name in COLUMNS})

    def days() -> Iterator[Any]:
        for path in day_files(folder):
            yield pyarrow.csv.read_csv(path, convert_options=types)

    return _run_dlt(days, out)


def dlt_rows(folder: Path, out: Path) -> Facts:
    """dlt with rows as dictionaries, loader_file_format='parquet'; DICT_ROWS of them only."""

    def rows() -> Iterator[Any]:
        def read() -> Iterator[Any]:
            for path in day_files(folder):
                with open(path, newline="", encoding="utf-8-sig") as file:  # noqa: PTH123
                    yield from csv.DictReader(file)

        yield from islice(read(), DICT_ROWS)

    return _run_dlt(rows, out, loader_file_format="parquet")


def _run_dlt(source: Callable[[], Iterator[Any]], out: Path, **options: Any) -> Facts:
    import dlt
    import duckdb

    database = out / "dlt.duckdb"
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(out / "dlt"),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="bench",
    )
    pipeline.run(source(), table_name="days", write_disposition="append", **options)
    with duckdb.connect(str(database), read_only=True) as con:
        found = con.execute("select count(*) from bench.days").fetchone()
    assert found is not None
    return {"rows": found[0]}


CASES = {case.__name__: case for case in (floor, polars_packed, polars_fetched, pandas_melt, dlt_arrow, dlt_rows)}


def main() -> None:
    """Run one case."""
    name, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    begun = time.perf_counter()
    facts = CASES[name](folder, out)
    print(json.dumps({"inner": time.perf_counter() - begun, **facts}))


if __name__ == "__main__":
    main()
