"""The arithmetic of make bench: medians, ratios, tables, verdicts; and that it knows the report that it makes up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from benchmarks import report
from benchmarks.generate import _flags, _people, _write_report
from benchmarks.measure import CaseFailedError, Summary, ratios, run_case
from benchmarks.results import column, people_rows, table
from benchmarks.targets import judge, verdict
from pipelines.simulator.columns import USER_DETAIL_COLUMNS
from pipelines.warehouse.stage_report import stage_report


def sample(wall: float, cpu: float = 1.0, peak: int = 1 << 20, disk: int = 0, **facts: Any) -> dict[str, Any]:
    return {"wall": wall, "cpu": cpu, "peak": peak, "disk": disk, "facts": facts}


def part(people: int = 100_000) -> dict[str, Any]:
    return {
        "facts": {"people": people, "bytes": 1},
        "samples": {
            "floor": [sample(2, rows=100), sample(4, rows=100), sample(2, rows=100)],
            "fetch_and_load": [sample(3), sample(4, peak=3 << 30), sample(4)],
            "polars_packed": [sample(2.5), sample(5), sample(2.5)],
            "dlt_rows": [sample(1, rows=10)] * 3,
            "dbt": [sample(20, engine=1.0), sample(20, engine=8.0), sample(20, engine=1.0)],
        },
    }


def test_a_summary_is_the_median_and_the_ends() -> None:
    assert Summary.of([3.0, 1.0, 2.0]) == Summary(2.0, 1.0, 3.0)
    assert Summary.of([1.0, 2.0]).show() == "1.50 [1.00-2.00]"


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([3.0, 4.0, 4.0], [2.0, 4.0, 2.0]) == Summary(1.5, 1.0, 2.0)
    with pytest.raises(ValueError, match="without its floor"):
        ratios([1.0, 2.0], [1.0])


def test_the_table_of_a_company() -> None:
    rows = {row[0]: row[1:] for row in people_rows(part())}
    assert rows["**ours**: download over TLS, landing, load, in one process"][:2] == [
        "4.00 [3.00-4.00]",
        "1.50 [1.00-2.00]",
    ]
    assert rows["of it: the nodes' own time"][:3] == ["1.00 [1.00-8.00]", "0.50 [0.50-2.00]", ""]
    assert table(["a", "b"], [["x", "1"]]) == ["| a | b |", "| --- | ---: |", "| x | 1 |"]


def test_verdicts_say_by_how_much() -> None:
    assert verdict("t", "w", 1.5, 1.5).outcome == "met"
    assert verdict("t", "w", 1.5, 3.0).outcome == "**missed**, 2.00 times the target"
    found = {(line.target, line.where): line for line in judge({"people-000100000": part()}, column)}
    where = "100,000 people"
    assert found["download, landing and load, wall", where].measured == "1.50 times the floor"
    assert found["download, landing and load ahead of polars", where].outcome == "**missed**, 1.20 times the target"
    # A tenth of the rows was read: ten times as long for all of them.
    assert found["download, landing and load ahead of dlt with rows, per row", where].measured == "0.40 times theirs"
    assert found["all marts from raw, engine time", where].outcome == "met"
    assert found["peak memory of fetch_and_load", where].outcome == "**missed**, 3.00 times the target"


def test_a_case_is_measured_or_fails(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "case.py").write_text("import sys; print('noise'); print('{\"rows\": ' + sys.argv[1] + '}')")
    found = run_case("case", ["7"], {"PYTHONPATH": str(tmp_path)}, log)
    assert found.facts == {"rows": 7}
    assert found.cpu > 0
    assert found.wall > 0
    assert found.peak > 1 << 20
    with pytest.raises(CaseFailedError, match="failed"):
        run_case("case", [], {"PYTHONPATH": str(tmp_path)}, log)
    assert "IndexError" in log.read_text(encoding="utf-8")


def test_the_made_up_report_is_one_that_loading_takes(tmp_path: Path) -> None:
    assert report.COLUMNS == USER_DETAIL_COLUMNS
    day = report.WINDOW[4]
    with duckdb.connect() as con:
        _people(con, 500)
        _flags(con, 1, day, days=1)
        for name in ("a.csv", "b.csv"):
            _write_report(con, tmp_path / name, day, "")
        body = (tmp_path / "a.csv").read_bytes()
        assert body == (tmp_path / "b.csv").read_bytes()
        assert body.startswith("\ufeffReport Refresh Date,".encode())
        assert body.endswith(b"\r\n")
        assert body.count(b"\n") == 501
        landed = tmp_path / "a.csv.zst"
        landed.write_bytes(zstandard.compress(body))
        staged = stage_report(con, landed)
    assert (staged.rows, staged.unknown_rows, staged.flag_disagreements, staged.duplicate_rows) == (500, 0, 0, 0)
    assert 100 < staged.active_rows < 400


def test_the_slowest_query_is_judged() -> None:
    rounds = [sample(1, seconds={"one": 0.01, "two": 0.3}), sample(1, seconds={"one": 0.9, "two": 0.25})]
    parts = {"queries": {"facts": {"people": 50_000}, "samples": {"queries": [*rounds, rounds[0]]}}}
    (found,) = judge(parts, column)
    assert (found.target, found.measured, found.outcome) == (
        "slowest example query, `two`",
        "300 ms",
        "**missed**, 1.50 times the target",
    )
