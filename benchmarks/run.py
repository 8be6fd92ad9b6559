"""make bench: every case in rounds, one process each, and the report of it.

SIZES   people of the companies (10000 100000)       ROUNDS   rounds of every case (5)
HISTORY people of the company with years (50000)     PARTS    people daily queries small codecs: which of them
M365_BENCH_DIR   where files are made and samples kept (benchmarks/.data)

Samples are kept by part, so that sizes can be run on different days; the report holds all that are there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.measure import Sample, disk_bytes, run_case
from benchmarks.results import write_results

ROOT = Path(__file__).resolve().parents[1]
HEAVY_PEERS = ("dlt_arrow", "pandas_melt", "dlt_rows")
# Days of the made-up company; the next day's run has a later one.
TODAY, TOMORROW = "2026-10-30", "2026-10-31"
Samples = dict[str, list[dict[str, Any]]]


class Bench:
    """The scratch folder, and how a case is run in it."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.log = folder / "bench.log"
        folder.mkdir(parents=True, exist_ok=True)

    def generate(self, people: int) -> Path:
        """The company's files, made if they are not there."""
        data = self.folder / "companies" / str(people)
        subprocess.run([sys.executable, "-m", "benchmarks.generate", str(people), str(data)], check=True, cwd=ROOT)
        return data

    def scratch(self, name: str) -> Path:
        """An empty folder."""
        path = self.folder / "scratch" / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def peer(self, case: str, data: Path, settings: dict[str, str] | None = None) -> Sample:
        """One of benchmarks.peers; settings are for one that downloads."""
        out = self.scratch(case)
        sample = run_case("benchmarks.peers", [case, str(data), str(out)], settings or {}, self.log)
        return self._told(case, sample, disk_bytes(out))

    def ours(self, case: str, data: Path, out: Path, settings: dict[str, str], measured: str = "") -> Sample:
        """One of benchmarks.ours; ``measured`` is what of the data folder counts as written."""
        environment = {
            "M365_ENV_FILE": str(self.folder / "no.env"),
            "M365_TENANTS_FILE": "none",
            "M365_RULES_DIR": str(self.folder / "no-rules"),
            "M365_DATA_DIR": str(out),
            "M365_AUTH": "secret",
            "M365_CLOUD": "global",
            "M365_TODAY": TODAY,
        }
        sample = run_case("benchmarks.ours", [case, str(data), str(out)], environment | settings, self.log)
        return self._told(case, sample, disk_bytes(out / measured) if measured else 0)

    def keep(self, part: str, samples: Samples, **facts: Any) -> None:
        """Samples of a part, with the machine they are of."""
        path = self.folder / "samples" / f"{part}.json"
        path.parent.mkdir(exist_ok=True)
        told = {"part": part, "machine": describe_machine(), "facts": facts, "samples": samples}
        path.write_text(json.dumps(told, indent=1), encoding="utf-8")

    def _told(self, case: str, sample: Sample, disk: int) -> Sample:
        print(f"  {case:<16} {sample.wall:8.2f} s  {sample.cpu:8.2f} CPU s  {sample.peak / 2**20:7.0f} MiB", flush=True)
        return Sample(sample.wall, sample.cpu, sample.peak, disk, sample.facts)


@contextmanager
def serving(what: str) -> Iterator[dict[str, str]]:
    """The server in a process of its own; yields a client's settings."""
    command = [sys.executable, "-m", "benchmarks.server", what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())
        finally:
            server.stdin.close()


def run_people(bench: Bench, people: int) -> None:
    """The floor, ours step by step and together, and the peers, over the same files."""
    data = bench.generate(people)
    samples: Samples = {}
    bench.peer("floor", data)

    def note(case: str, sample: Sample) -> None:
        samples.setdefault(case, []).append(asdict(sample))

    target = bench.folder / "dbt-target"
    with serving(str(data)) as settings:
        for number in range(bench.rounds):
            print(f"{people:,} people, round {number + 1} of {bench.rounds}", flush=True)
            note("floor", bench.peer("floor", data))
            note("polars_packed", bench.peer("polars_packed", data))
            note("polars_fetched", bench.peer("polars_fetched", data, settings))
            out = bench.scratch("together")
            note("fetch_and_load", bench.ours("fetch_and_load", data, out, settings, "warehouse.duckdb"))
            out = bench.scratch("steps")
            note("fetch", bench.ours("fetch", data, out, settings, "landing"))
            note("load", bench.ours("load", data, out, settings, "warehouse.duckdb"))
            note("directory", bench.ours("directory", data, out, settings, "warehouse.duckdb"))
            # dbt keeps what it parsed between runs.
            if target.exists():
                target.rename(out / "dbt")
            note("dbt", bench.ours("dbt", data, out, settings, "warehouse.duckdb"))
            note("publish", bench.ours("publish", data, out, settings, "releases"))
            (out / "dbt").rename(target)
            for case in HEAVY_PEERS:
                note(case, bench.peer(case, data))
            bench.keep(f"people-{people:09}", samples, people=people, bytes=disk_bytes(data / "reports"))


def run_daily(bench: Bench, people: int) -> None:
    """The next day's run with 28 days of history and with a year."""
    data = bench.generate(people)
    samples: Samples = {}
    facts: dict[str, Any] = {"people": people}
    rounds = min(bench.rounds, 3)
    homes = {name: bench.scratch(f"history-{name}") for name in ("28", "365")}
    for name, home in homes.items():
        print(f"{people:,} people, {name} days of history", flush=True)
        bench.ours("window", data, home, {})
        if name == "365":
            facts["person_days"] = bench.ours("year", data, home, {}).facts["rows"]
            facts["bytes_loaded"] = disk_bytes(home / "warehouse.duckdb")
        bench.ours("dbt", data, home, {})
        facts[f"bytes_{name}"] = disk_bytes(home / "warehouse.duckdb")
    for number in range(rounds):
        print(f"The next day, round {number + 1} of {rounds}", flush=True)
        for name, home in homes.items():
            out = bench.scratch("next-day")
            shutil.copytree(home, out, dirs_exist_ok=True)
            for case in ("next_day", "dbt", "publish"):
                sample = bench.ours(case, data, out, {"M365_TODAY": TOMORROW})
                samples.setdefault(f"{case} {name}", []).append(asdict(sample))
        bench.keep("daily", samples, **facts)


def run_queries(bench: Bench, people: int) -> None:
    """The example queries on the published copy of three years."""
    data, home = bench.generate(people), bench.scratch("three-years")
    print(f"{people:,} people, three years of history", flush=True)
    bench.ours("window", data, home, {})
    facts: dict[str, Any] = {"people": people, "person_days": bench.ours("three_years", data, home, {}).facts["rows"]}
    for case in ("dbt", "publish"):
        bench.ours(case, data, home, {})
    facts["bytes"] = disk_bytes((home / "published_admin" / "m365_usage.duckdb").resolve())
    samples: Samples = {}
    for _ in range(bench.rounds):
        samples.setdefault("queries", []).append(asdict(bench.ours("queries", data, home, {})))
    bench.keep("queries", samples, **facts)


def run_small(bench: Bench, people: int = 300) -> None:
    """What a whole sync of a small tenant costs, and its parts that are there whatever the size."""
    samples: Samples = {}
    kept = bench.folder / "dbt-small"
    with serving(str(people)) as settings:
        for number in range(bench.rounds):
            print(f"{people} people, whole sync, round {number + 1} of {bench.rounds}", flush=True)
            out = bench.scratch("small")
            if kept.exists():
                kept.rename(out / "dbt")
            for case in ("sync", "dbt", "publish", "dagster_start"):
                samples.setdefault(case, []).append(asdict(bench.ours(case, bench.folder, out, settings, "releases")))
            (out / "dbt").rename(kept)
            bench.keep("small", samples, people=people)


def run_codecs(bench: Bench, people: int) -> None:
    """Compression of landing."""
    data = bench.generate(people)
    samples: Samples = {}
    for number in range(bench.rounds):
        print(f"Compression, round {number + 1} of {bench.rounds}", flush=True)
        file = data / "reports" / "getM365AppUserDetail" / "2026-10-05.csv"
        sample = run_case("benchmarks.codecs", [str(file), str(bench.scratch("codecs"))], {}, bench.log)
        samples.setdefault("codecs", []).append(asdict(sample))
    bench.keep("codecs", samples, people=people)


def main() -> None:
    """Run the parts that are wanted, then write the report of all that was ever run here."""
    sizes = sorted(int(size) for size in os.environ.get("SIZES", "10000 100000").split())
    folder = Path(os.environ.get("M365_BENCH_DIR") or ROOT / "benchmarks" / ".data").absolute()
    bench = Bench(folder, int(os.environ.get("ROUNDS", "5")))
    parts: dict[str, Callable[[], None]] = {
        "people": lambda: [run_people(bench, size) for size in sizes] and None,
        "daily": lambda: run_daily(bench, int(os.environ.get("HISTORY", "50000"))),
        "queries": lambda: run_queries(bench, int(os.environ.get("HISTORY", "50000"))),
        "small": lambda: run_small(bench),
        "codecs": lambda: run_codecs(bench, min(100_000, sizes[-1])),
    }
    for part in os.environ.get("PARTS", " ".join(parts)).split():
        parts[part]()
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    report = ROOT / "benchmarks" / "results.md"
    write_results(folder / "samples", report)
    print(f"Written: {report}")


if __name__ == "__main__":
    main()
