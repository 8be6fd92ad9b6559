"""What was aimed at, beside what was measured; a miss says by how much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.measure import ratios

Part = Mapping[str, Any]
Column = Callable[[Part, str, str], list[float]]
PEERS = {
    "polars_packed": "polars",
    "polars_fetched": "polars that downloads too",
    "dlt_arrow": "dlt with Arrow",
    "pandas_melt": "pandas",
    "dlt_rows": "dlt with rows, per row",
}
OURS = ("fetch_and_load", "fetch", "load", "directory", "dbt", "publish")
GIB = 2**30


@dataclass(frozen=True)
class Verdict:
    """One line: a target, and how it was met."""

    target: str
    where: str
    limit: str
    measured: str
    outcome: str


def verdict(target: str, where: str, limit: float, measured: float, unit: str = "", digits: int = 2) -> Verdict:
    """Met, or missed by so many times."""
    outcome = "met" if measured <= limit else f"**missed**, {measured / limit:.2f} times the target"
    return Verdict(target, where, f"{limit:g}{unit}", f"{measured:.{digits}f}{unit}", outcome)


def judge(parts: Mapping[str, Part], column: Column) -> list[Verdict]:
    """Every target for which there are samples."""
    sizes = [part for name, part in parts.items() if name.startswith("people-")]
    found = [line for part in sizes for line in _of_size(part, column)]
    found += _memory(sizes, column)
    if "daily" in parts:
        found += _daily(parts["daily"], column)
    if "queries" in parts:
        rounds = [sample["facts"]["seconds"] for sample in parts["queries"]["samples"]["queries"]]
        slowest = max(rounds[0], key=lambda name: median(of_round[name] for of_round in rounds))
        milliseconds = 1000 * median(of_round[slowest] for of_round in rounds)
        where = f"{parts['queries']['facts']['people']:,} people, three years"
        found.append(verdict(f"slowest example query, `{slowest}`", where, 200, milliseconds, " ms", 0))
    if "small" in parts:
        whole = median(column(parts["small"], "sync", "wall"))
        found.append(verdict("whole sync of a small tenant", "300 people", 20, whole, " s", 1))
    return found


def _of_size(part: Part, column: Column) -> Iterator[Verdict]:
    people = f"{part['facts']['people']:,} people"
    for name, kind in (("wall", "wall"), ("cpu", "CPU")):
        values, floor = column(part, "fetch_and_load", name), column(part, "floor", name)
        if values:
            ratio = ratios(values, floor).median
            yield verdict(f"download, landing and load, {kind}", people, 1.5, ratio, " times the floor")
    landed = column(part, "fetch_and_load", "wall")
    loaded = column(part, "load", "wall")
    for case, title in PEERS.items():
        peer = column(part, case, "wall")
        if not peer or not landed:
            continue
        if case == "dlt_rows":
            share = part["samples"]["floor"][0]["facts"]["rows"] / part["samples"][case][0]["facts"]["rows"]
            peer = [seconds * share for seconds in peer]
        told = f"download, landing and load ahead of {title}"
        yield verdict(told, people, 1, ratios(landed, peer).median, " times theirs")
        if loaded:
            yield verdict(f"load alone ahead of {title}", people, 1, ratios(loaded, peer).median, " times theirs")
    engine, floor = column(part, "dbt engine", "wall"), column(part, "floor", "wall")
    if engine and part["facts"]["people"] >= 100_000:
        yield verdict("all marts from raw, engine time", people, 1, ratios(engine, floor).median, " times the floor")


def _memory(sizes: list[Part], column: Column) -> Iterator[Verdict]:
    if not sizes:
        return
    largest, smallest = sizes[-1], sizes[0]
    for case in OURS:
        peaks = column(largest, case, "peak")
        if peaks:
            where = f"{largest['facts']['people']:,} people"
            yield verdict(f"peak memory of {case}", where, 1, max(peaks) / GIB, " GiB")
    if largest is not smallest:
        grown = largest["facts"]["people"] / smallest["facts"]["people"]
        peak = [max(max(column(part, case, "peak"), default=0.0) for case in OURS) for part in (smallest, largest)]
        where = f"{smallest['facts']['people']:,} to {largest['facts']['people']:,} people"
        yield Verdict(
            "largest peak grows far less than the company",
            where,
            f"{grown / 2:g} times",
            f"{peak[1] / peak[0]:.1f} times",
            "met" if peak[1] / peak[0] <= grown / 2 else "**missed**",
        )


def _daily(part: Part, column: Column) -> Iterator[Verdict]:
    where = f"{part['facts']['people']:,} people"
    both = []
    for days in ("28", "365"):
        loads, marts = column(part, f"next_day {days}", "wall"), column(part, f"dbt {days}", "wall")
        both.append([load + mart for load, mart in zip(loads, marts, strict=False)])
    if both[0] and both[1]:
        long = ratios(both[1], both[0]).median
        yield verdict("next day's load and dbt, a year held against 28 days", where, 1.3, long, " times")
        published = ratios(column(part, "publish 365", "wall"), column(part, "publish 28", "wall")).median
        told = "next day's publish, a year held against 28 days"
        yield Verdict(told, where, "told apart", f"{published:.2f} times", "")
    held = part["facts"]["bytes_loaded"] / part["facts"]["person_days"]
    yield verdict("bytes per active person-day in the warehouse, loaded", f"{where}, a year", 8, held, " B", 1)
    whole = part["facts"]["bytes_365"] / part["facts"]["person_days"]
    yield verdict("bytes per active person-day, all of dbt's tables too", f"{where}, a year", 8, whole, " B", 1)
