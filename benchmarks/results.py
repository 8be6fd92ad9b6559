"""The report of all samples: tables with medians, spread and ratios to the floor, and every target beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Summary, ratios
from benchmarks.targets import Verdict, judge

Part = Mapping[str, Any]
MIB = 2**20

TITLES = {
    "floor": "**floor**: DuckDB `read_csv`, types given, every column, nothing stored",
    "fetch_and_load": "**ours**: download over TLS, landing, load, in one process",
    "fetch": "ours, download over TLS and landing alone",
    "load": "ours, load alone",
    "directory": "ours, directory and period reports: landing and load",
    "dbt": "ours, dbt",
    "dbt engine": "of it: the nodes' own time",
    "publish": "ours, publish (both builds: DuckDB, Parquet, workbook, page)",
    "steps": "ours, all steps after one another",
    "polars_packed": "polars `scan_csv` → packed Parquet",
    "polars_fetched": "the same, its files downloaded over TLS first (kept as CSV)",
    "dlt_arrow": "dlt, Arrow tables → raw table in DuckDB",
    "pandas_melt": "pandas `read_csv`, melt by day → DuckDB",
    "dlt_rows": "dlt, rows as dictionaries, Parquet loader, 20,000 rows only",
}
STEPS = ("fetch", "load", "directory", "dbt", "publish")


def write_results(samples: Path, report: Path) -> None:
    """The report of every part whose samples are there."""
    parts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(samples.glob("*.json"))}
    report.write_text("\n".join(_lines(parts)) + "\n", encoding="utf-8")


def column(part: Part, case: str, name: str) -> list[float]:
    """One figure of a case, round by round; none where it was not run. ``dbt engine`` and ``steps`` are made up."""
    samples = part["samples"]
    if case == "steps":
        rounds = [column(part, step, name) for step in STEPS]
        return [sum(of_round) for of_round in zip(*rounds, strict=False)] if name in ("wall", "cpu") else []
    if case == "dbt engine":
        return [sample["facts"]["engine"] for sample in samples.get("dbt", ())] if name == "wall" else []
    return [float(sample[name]) for sample in samples.get(case, ())]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Markdown; the first column is text, the others are figures."""
    marks = ["---", *("---:" for _ in header[1:])]
    return [f"| {' | '.join(row)} |" for row in (header, marks, *rows)]


def people_rows(part: Part) -> list[list[str]]:
    """A line for each case that was run."""
    floor = {name: column(part, "floor", name) for name in ("wall", "cpu")}
    rows = []
    for case, title in TITLES.items():
        wall, cpu = column(part, case, "wall"), column(part, case, "cpu")
        if not wall:
            continue
        peak, disk = column(part, case, "peak"), column(part, case, "disk")
        rows.append(
            [
                title,
                Summary.of(wall).show(),
                _ratio(wall, floor["wall"]),
                Summary.of(cpu).show() if cpu else "",
                _ratio(cpu, floor["cpu"]) if cpu else "",
                f"{max(peak) / MIB:.0f}" if peak else "",
                f"{disk[-1] / MIB:.1f}" if disk and disk[-1] else "",
            ]
        )
    return rows


def _ratio(values: Sequence[float], floor: Sequence[float]) -> str:
    return ratios(values, floor).show()


def _lines(parts: Mapping[str, Part]) -> list[str]:
    lines = [
        "# Results of `make bench`",
        "",
        "Written by `make bench`; nothing here is typed by hand. Each case is a process of its own, and the cases of a "
        "round follow one another, so that a slow phase of the machine meets all of them. Figures are medians with the "
        "lowest and highest of all rounds. Ratios are taken within each round, to the floor of that round. The server "
        "that ours downloads from runs beside it on the same cores, its own time not counted; the peers read the "
        "files from disk and download nothing, but for the one of which it is said.",
        "",
        *_targets(judge(parts, column)),
    ]
    sections: dict[str, Callable[[Part], list[str]]] = {
        "people": _people,
        "daily": _daily,
        "queries": _queries,
        "small": _small,
        "codecs": _codecs,
    }
    for name, part in parts.items():
        lines += ["", *sections[name.partition("-")[0]](part), "", _machine(part)]
    return lines


def _targets(verdicts: Sequence[Verdict]) -> list[str]:
    rows = [[verdict.target, verdict.where, verdict.limit, verdict.measured, verdict.outcome] for verdict in verdicts]
    return ["## Targets", "", *table(["target", "measured at", "at most", "measured", "outcome"], rows)]


def _people(part: Part) -> list[str]:
    facts = part["facts"]
    slowest = part["samples"]["dbt"][-1]["facts"]["slowest"] if part["samples"].get("dbt") else {}
    named = ", ".join(f"`{name}` {seconds:.2f} s" for name, seconds in slowest.items())
    header = ["case", "wall s", "times the floor", "CPU s", "times the floor", "peak MiB", "disk MiB"]
    return [
        f"## {facts['people']:,} people, 28 days",
        "",
        *table(header, people_rows(part)),
        "",
        f"All report files together: {facts['bytes'] / MIB:,.0f} MiB. Slowest nodes of dbt: {named}.",
    ]


def _daily(part: Part) -> list[str]:
    facts = part["facts"]
    rows = []
    for case, title in (("next_day", "landing and load"), ("dbt", "dbt"), ("publish", "publish")):
        short, long = (column(part, f"{case} {days}", "wall") for days in ("28", "365"))
        if short and long:
            times = [title, Summary.of(short).show(), Summary.of(long).show(), ratios(long, short).show()]
            rows.append([*times, f"{max(column(part, f'{case} 365', 'peak')) / MIB:.0f}"])
    return [
        f"## The next day's run, {facts['people']:,} people",
        "",
        "One new report day and the eight that still settle, their content unchanged.",
        "",
        *table(["step", "28 days held, s", "365 days held, s", "ratio", "peak MiB"], rows),
        "",
        f"A year: {facts['person_days']:,} active person-days; {facts['bytes_loaded'] / facts['person_days']:.1f} "
        f"bytes each in the warehouse when loaded, {facts['bytes_365'] / facts['person_days']:.1f} after dbt.",
    ]


def _queries(part: Part) -> list[str]:
    facts, rounds = part["facts"], [sample["facts"]["seconds"] for sample in part["samples"]["queries"]]
    rows = [[f"`{name}`", Summary.of([1000 * of_round[name] for of_round in rounds]).show()] for name in rounds[0]]
    return [
        f"## The example queries, {facts['people']:,} people, three years",
        "",
        f"On the published copy of {facts['person_days']:,} active person-days ({facts['bytes'] / MIB:,.0f} MiB), each "
        "in a connection of its own.",
        "",
        *table(["query", "ms"], rows),
    ]


def _small(part: Part) -> list[str]:
    titles = {
        "sync": "`m365-usage sync`, 28 days fetched, whole",
        "dbt": "dbt alone",
        "dbt engine": "of it: the nodes' own time",
        "publish": "publish alone",
        "dagster_start": "starting Dagster alone",
    }
    rows = [
        [title, Summary.of(wall).show(), Summary.of(cpu).show() if (cpu := column(part, case, "cpu")) else ""]
        for case, title in titles.items()
        if (wall := column(part, case, "wall"))
    ]
    return [f"## A tenant of {part['facts']['people']} people", "", *table(["step", "wall s", "CPU s"], rows)]


def _codecs(part: Part) -> list[str]:
    rounds = [sample["facts"] for sample in part["samples"]["codecs"]]
    rows = []
    for name in rounds[0]["codecs"]:
        found = [facts["codecs"][name] for facts in rounds]
        size = found[0]["bytes"]
        rows.append(
            [
                name,
                Summary.of([item["write"] for item in found]).show(),
                Summary.of([item["read"] for item in found]).show(),
                f"{size / MIB:.2f}",
                f"{rounds[0]['source'] / size:.1f}",
            ]
        )
    return [
        f"## Compression of landing: one report day of {part['facts']['people']:,} people",
        "",
        *table(["codec", "hash and write, CPU s", "DuckDB reads it, CPU s", "MiB", "times smaller"], rows),
    ]


def _machine(part: Part) -> str:
    told = dict(part["machine"])
    rounds = max(len(samples) for samples in part["samples"].values())
    words = [
        f"{told.pop('date')}: {rounds} rounds",
        f"{told.pop('cores')} cores of {told.pop('processor')}",
        f"{told.pop('memory')} of memory",
        told.pop("system"),
        f"load of the last quarter of an hour {told.pop('busy')}",
    ]
    return "*" + "; ".join(words) + ". " + ", ".join(f"{name} {number}" for name, number in told.items()) + ".*"
