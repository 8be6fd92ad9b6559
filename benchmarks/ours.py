"""The product's own code, step by step, one process each: python -m benchmarks.ours CASE FOLDER OUT [SETTINGS]

OUT is the data folder that M365_DATA_DIR names too. Every case prints one line of JSON. fetch, and whatever is made of
it, downloads from benchmarks.server over TLS with the real client; directory and period reports are landed as given
bodies, as they are no part of the floor.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.report import NEXT_DAY, TODAY, WINDOW
from pipelines.settings import Settings, load_settings
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.records import FetchRecord

Facts = dict[str, Any]
TENANT = "5b1a2c3d-7e84-4f6a-9d0b-3c2e1f408a97"
DETAIL = "getM365AppUserDetail"
DIRECTORY = ("users", "deletedUsers", "subscribedSkus", "subscriptions", "organization", "reportSettings")
PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"
QUERIES = Path(__file__).resolve().parents[1] / "queries"
# How far back a year goes, in windows of 28 days.
YEAR = 13
# Report days that the next day's run asks for again: those that were not settled.
SETTLING = 8


def fetch(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """The 28 days, one request each, into landing/."""
    from pipelines.sync.extract import extract_report_days, open_fetcher, plan_report_days

    landing, tenant = Landing(settings.landing_dir), settings.tenants()[0]
    plan = plan_report_days(settings, tenant, landing)
    with open_fetcher(settings, tenant, landing, sleep=time.sleep) as fetcher:
        extract = extract_report_days(fetcher, plan)
    failed = [record for record in extract.records if record.outcome != "ok"]
    if failed or len(extract.records) != len(WINDOW):
        raise RuntimeError(f"{len(extract.records)} days were asked for; {failed[:1]} failed.")
    return {"rows": sum(record.body_bytes or 0 for record in extract.records)}


def load(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """Whatever is landed, into the warehouse."""
    with open_warehouse(settings.warehouse_path) as con:
        loaded = load_pending(con, Landing(settings.landing_dir))
    refused = [item for item in loaded if item.verdict is None or item.verdict.verdict == "refused"]
    if refused:
        raise RuntimeError(f"{refused[0].record.source} was refused: {refused[0].verdict}")
    return {"rows": sum(item.facts.rows or 0 for item in loaded)}


def fetch_and_load(settings: Settings, folder: Path) -> Facts:
    """Both, one after the other, in one process."""
    fetch(settings, folder)
    return load(settings, folder)


def directory(settings: Settings, folder: Path) -> Facts:
    """People, licences and period reports: landed as given bodies, then loaded."""
    landing = Landing(settings.landing_dir)
    for source in DIRECTORY:
        _land(landing, source, "jsonl", folder / f"{source}.jsonl")
    for period in ("D7", "D30", "D90", "D180"):
        _land(landing, DETAIL, "csv", folder / "reports" / DETAIL / f"{period}.csv", period=period)
    return load(settings, folder)


def window(settings: Settings, folder: Path) -> Facts:
    """The window as given bodies: where only what follows is looked at."""
    landing = Landing(settings.landing_dir)
    for day in WINDOW:
        _land(landing, DETAIL, "csv", folder / "reports" / DETAIL / f"{day}.csv", day=day)
    return directory(settings, folder)


def next_day(settings: Settings, folder: Path) -> Facts:
    """The run of the next day: one new report day, the settling ones again, as given bodies."""
    landing = Landing(settings.landing_dir)
    today = TODAY + timedelta(days=1)
    for day in (NEXT_DAY, *WINDOW[-SETTLING:]):
        _land(landing, DETAIL, "csv", folder / "reports" / DETAIL / f"{day}.csv", day=day, as_of=today)
    return load(settings, folder)


def year(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """The loaded window again and again, 28 days earlier each time, until there is a year of it."""
    return _go_back(settings, YEAR)


def three_years(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """The same for three years."""
    return _go_back(settings, 3 * YEAR)


def _go_back(settings: Settings, windows: int) -> Facts:
    with open_warehouse(settings.warehouse_path) as con:
        columns = "outlook, word, excel, powerpoint, onenote, teams"
        con.execute("begin transaction")
        for back in range(28 * (windows - 1), 0, -28):
            for table, key in (("m365_app_user_days", "upn_key,"), ("m365_app_unknown_days", "")):
                rest = "" if key else ", user_rows"
                con.execute(
                    f"insert into raw.{table} select tenant_id, report_date - {back}, {key} {columns}{rest} "
                    f"from raw.{table} where report_date between '{WINDOW[0]}' and '{WINDOW[-1]}'"
                )
            con.execute(
                f"""
                insert into ledger.fetches by name
                select * replace (
                    fetch_id || '-{back}' as fetch_id, report_date - {back} as report_date, as_of - {back} as as_of,
                    requested_at - interval {back} day as requested_at,
                    completed_at - interval {back} day as completed_at, null as body_path
                )
                from ledger.fetches
                where source = '{DETAIL}' and report_date between '{WINDOW[0]}' and '{WINDOW[-1]}'
                """
            )
        con.execute("commit")
        # In the order of the days, as a year of daily runs leaves them.
        con.execute("create table raw.sorted as from raw.m365_app_user_days order by report_date, upn_key")
        con.execute("delete from raw.m365_app_user_days")
        con.execute("insert into raw.m365_app_user_days from raw.sorted")
        con.execute("drop table raw.sorted")
        con.execute("checkpoint")
        counted = con.execute("select count(*) from raw.m365_app_user_days").fetchone()
    assert counted is not None
    return {"rows": counted[0]}


def dbt(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """dbt as a run calls it, without the Dagster around it; engine: the nodes' own seconds together."""
    # Loads Dagster, which the other cases do without.
    from pipelines.defs.transform.project import TESTED_ELSEWHERE, dbt_variables

    target = settings.data_dir / "dbt" / "target"
    folders = {"project-dir": PROJECT, "profiles-dir": PROJECT, "target-path": target}
    options = [f"--{name}={path}" for name, path in folders.items()]
    arguments = ["build", "--exclude-resource-type", "unit_test", "--exclude", *TESTED_ELSEWHERE, *options]
    subprocess.run(
        [sys.executable, "-m", "pipelines.dbt_process", *arguments, "--vars", json.dumps(dbt_variables(settings))],
        env={
            **os.environ,
            "M365_WAREHOUSE": str(settings.warehouse_path),
            "M365_DBT_TODAY": settings.today_utc.isoformat(),
            "DBT_LOG_PATH": str(settings.data_dir / "dbt" / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    seconds: dict[str, float] = {}
    for result in results:
        kind = result["unique_id"].partition(".")[0]
        seconds[kind] = seconds.get(kind, 0.0) + result["execution_time"]
    slowest = sorted(results, key=lambda result: -result["execution_time"])[:8]
    return {
        "rows": len(results),
        "engine": sum(seconds.values()),
        "engine_by_kind": seconds,
        "slowest": {result["unique_id"].split(".")[2]: round(result["execution_time"], 2) for result in slowest},
    }


def publish(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """Both builds: databases, Parquet, workbook, page."""
    from pipelines.publish.release import publish_release

    release = publish_release(settings, settings.data_dir / "dbt" / "target" / "manifest.json")
    return {"rows": sum(sum(rows.values()) for rows in release.rows.values())}


def queries(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """Each example query on the published copy for people of the tenant, as somebody asks it who has just opened it."""
    path = settings.data_dir / "published_admin" / "m365_usage.duckdb"
    seconds = {}
    for query in sorted(QUERIES.glob("*.sql")):
        with duckdb.connect(str(path), read_only=True) as con:
            begun = time.perf_counter()
            con.execute(query.read_text(encoding="utf-8")).fetchall()
            seconds[query.stem] = time.perf_counter() - begun
    return {"rows": len(seconds), "seconds": seconds}


def sync(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """The whole command, Dagster, dbt and publishing included."""
    command = [str(Path(sys.executable).with_name("m365-usage")), "sync"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {}


def dagster_start(settings: Settings, folder: Path) -> Facts:  # noqa: ARG001
    """Until Dagster knows the job."""
    from pipelines.definitions import defs

    return {"rows": len(list(defs.resolve_job_def("sync").nodes))}


def _land(
    landing: Landing,
    source: str,
    kind: str,
    path: Path,
    *,
    day: date | None = None,
    period: str | None = None,
    as_of: date = TODAY,
) -> None:
    folder = landing.folder(TENANT, source, day, period)
    now = landing.clock()
    record = FetchRecord(
        fetch_id=landing.new_fetch_id(),
        tenant_id=TENANT,
        source=source,
        as_of=as_of,
        requested_at=now,
        completed_at=now,
        outcome="ok",
        report_date=day,
        report_period=period,
        http_status=200,
        requests=1,
    )
    target = folder / f"{record.fetch_id}.{kind}.zst"
    with landing.body(target) as body, path.open("rb") as file:
        while data := file.read(1 << 20):
            body.write(data)
    landing.commit(
        folder,
        replace(
            record,
            completed_at=landing.clock(),
            body_path=landing.relative(target),
            body_bytes=body.bytes,
            body_sha256=body.sha256,
            is_complete=body.ends_with_line_end,
        ),
    )


CASES: dict[str, Callable[[Settings, Path], Facts]] = {
    case.__name__: case
    for case in (
        *(fetch, load, fetch_and_load, directory, window, next_day, year, three_years),
        *(dbt, publish, queries, sync, dagster_start),
    )
}


def main() -> None:
    """Run one case."""
    name, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    os.environ["M365_DATA_DIR"] = str(out)
    begun = time.perf_counter()
    facts = CASES[name](load_settings(), folder)
    print(json.dumps({"inner": time.perf_counter() - begun, **facts}))


if __name__ == "__main__":
    main()
