"""Day reports that are read together end in the very tables that reading them one by one gives."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.warehouse import stage_files
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.stage_files import FileStager
from tests.unit.unit_landing import TENANT, Lander
from tests.unit.unit_reports import HEADER, report, row

DETAIL = "getM365AppUserDetail"
FIRST = date(2026, 8, 3)
HASH = "0123456789ABCDEF0123456789ABCDE"
TABLES = (
    "raw.upn_keys", "raw.m365_app_user_days", "raw.m365_app_unknown_days", "ledger.fetches", "ledger.restatements"
)  # fmt: skip
ANN, BOB = row("Ann@x.com", outlook="w", teams="b"), row("bob@x.com", word="m")


def bodies() -> list[bytes]:
    """A first day that makes people known, then days of every kind."""
    crowd = [row(f"p{number:02}@x.com", excel="w" if number % 3 else "") for number in range(40)]
    return [
        report(ANN, BOB),
        report(ANN, row("zoe@x.com", onenote="p"), row("carl@x.com")),
        report(row("carl@x.com", teams="w"), row("(Unknown)", outlook="b"), row("(Unknown)", outlook="b"), row("")),
        report(row("o'brien, pat@x.com", word="w"), quoting=csv.QUOTE_ALL),
        report(ANN, row("ANN@x.com ", word="b")),
        report(row("dora@x.com", outlook="-"), row("eve@x.com", cells={"Teams (Web)": "Yes"})),
        report(BOB, row("fay@x.com", cells={"Word": "maybe"})),
        report(row(HASH + "1", outlook="w"), row(HASH + "2", word="b")),
        report(),
        report(*crowd, line_end="\n"),
        report(*crowd, line_end="\n"),
        report(BOB, row("gus@x.com", excel="b", cells={"Report Refresh Date": "2026-08-30"})),
        report(ANN, columns=[*HEADER[:2], *HEADER[5:], *HEADER[2:5]]),
        report(row("aaron@x.com", outlook="w"), ANN),
        b"<html>busy</html>",
        report(ANN, BOB)[:-30],
    ]


def land(data_dir: Path) -> Lander:
    lander = Lander(data_dir)
    for number, body in enumerate(bodies()):
        whole = body.endswith(b"\n")
        lander.body(DETAIL, body, "csv", report_date=FIRST + timedelta(days=number), is_complete=whole)
    # Again: an earlier day corrected, another the same, and one answer that would worsen what is stored.
    lander.body(DETAIL, report(ANN, row("hal@x.com", word="w")), "csv", report_date=FIRST + timedelta(days=1))
    lander.body(DETAIL, bodies()[2], "csv", report_date=FIRST + timedelta(days=2))
    lander.body(DETAIL, report(), "csv", report_date=FIRST)
    lander.body(DETAIL, report(row("ida@x.com", teams="w")), "csv", tenant_id="other", report_date=FIRST)
    lander.body(DETAIL, report(row("jo@x.com", teams="w")), "csv", report_date=FIRST + timedelta(days=20))
    return lander


def loaded(data_dir: Path, name: str) -> dict[str, list[Any]]:
    lander = Lander(data_dir)
    with open_warehouse(data_dir / f"{name}.duckdb") as con:
        load_pending(con, lander.landing)
        return {table: con.execute(f"select * from {table} order by all").fetchall() for table in TABLES}


@pytest.mark.parametrize("most_bytes", [4_000, 20_000, stage_files.MOST_BYTES])
def test_together_or_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_bytes: int) -> None:
    land(tmp_path)
    monkeypatch.setattr(stage_files, "MOST_BYTES", 0)
    alone = loaded(tmp_path, "alone")
    monkeypatch.setattr(stage_files, "MOST_BYTES", most_bytes)
    together = loaded(tmp_path, "together")
    assert len(alone["raw.m365_app_user_days"]) > 60
    for table in TABLES:
        assert together[table] == alone[table], table


def test_most_days_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the comparison above would compare a thing with itself."""
    lander, given = land(tmp_path), []
    report_of = FileStager.report

    def spy(self: FileStager, *arguments: Any) -> Any:
        found = report_of(self, *arguments)
        given.append((arguments[0].report_date - FIRST).days if found else None)
        return found

    monkeypatch.setattr(FileStager, "report", spy)
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        load_pending(con, lander.landing)
    # Not the first of a tenant, and one cell that is no flag leaves all that were read with it to be read alone.
    assert [number for number in given if number is not None] == [1, 2, 9, 10, 13, 1, 2, 20]


def test_tenants_that_were_fetched_side_by_side_are_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third comes later, while what was read ahead is still used; the same person's name is another in each."""
    lander, given = Lander(tmp_path), []
    for day in range(6):
        for tenant in ("a", "b", "c") if day > 1 else ("a", "b"):
            people = [ANN, row(f"{tenant}{day}@x.com", word="w"), row("(Unknown)", outlook="b")][: 2 + day % 2]
            lander.body(DETAIL, report(*people), "csv", tenant_id=tenant, report_date=FIRST + timedelta(days=day))
    monkeypatch.setattr(stage_files, "MOST_BYTES", 0)
    alone = loaded(tmp_path, "alone")
    monkeypatch.undo()
    report_of = FileStager.report

    def spy(self: FileStager, *arguments: Any) -> Any:
        found = report_of(self, *arguments)
        given.append(f"{arguments[0].tenant_id}{(arguments[0].report_date - FIRST).days}" if found else None)
        return found

    monkeypatch.setattr(FileStager, "report", spy)
    together = loaded(tmp_path, "together")
    for table in TABLES:
        assert together[table] == alone[table], table
    assert {name for name in given if name} == {f"{tenant}{day}" for tenant in "ab" for day in range(1, 6)}
    assert sum(name is None for name in given) == 6, "the first of each tenant, and all of one that was not known yet"


def test_one_damaged_file_spoils_no_other(tmp_path: Path) -> None:
    lander = Lander(tmp_path)
    for number in range(4):
        record = lander.body(
            DETAIL, report(ANN, row(f"p{number}@x.com", word="w")), "csv", report_date=FIRST + timedelta(days=number)
        )
        if number == 2:
            path = lander.landing.body_path(record)
            path.write_bytes(path.read_bytes()[:-20])
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        verdicts = [item.verdict.verdict for item in load_pending(con, lander.landing) if item.verdict]
        names = con.execute(f"select upn from raw.upn_keys where tenant_id = '{TENANT}' order by upn_key").fetchall()
    assert verdicts == ["applied", "applied", "refused", "applied"]
    assert [name for (name,) in names] == ["ann@x.com", "p0@x.com", "p1@x.com", "p3@x.com"]
