"""The totals that the Dagster UI shows of a published build."""

from __future__ import annotations

from pathlib import Path

import duckdb
from unit_release import make_database

from pipelines.defs.publish.totals import totals
from pipelines.warehouse.publish import DATABASE_NAME


def lines(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_the_table_and_the_numbers_to_plot(tmp_path: Path) -> None:
    make_database(tmp_path / DATABASE_NAME)
    found = totals(tmp_path)
    table = lines(str(found.pop("totals").value))
    assert table == [
        ["", "Contoso"],
        ["---", "---:"],
        ["Days", "2026-10-01 to 2026-10-28"],
        ["Suite: people", "262"],
        ["Suite: app-days, the five apps summed up", "6,963"],
        ["Teams on its own: people", "200"],
        ["Teams on its own: days of use", "1,500"],
        ["Paid licences: assigned", "255"],
        ["Paid licences: unassigned", "40"],
        ["Paid licences: over-assigned", "0"],
    ]
    assert {key: entry.value for key, entry in found.items()}["suite_people"] == 262
    assert len(found) == 7


def test_several_tenants_are_not_added_up_and_names_are_data(tmp_path: Path) -> None:
    make_database(tmp_path / DATABASE_NAME)
    with duckdb.connect(str(tmp_path / DATABASE_NAME)) as con:
        con.execute(
            "insert into tenants select 't' || n, 'A | B' || n, null, 'global', null, null, false from range(5) as r(n)"
        )
    found = totals(tmp_path)
    text = str(found.pop("totals").value)
    assert found == {}
    assert "A \\| B0" in text
    assert "And 2 more tenants" in text
    assert "\u2013" in text, "no figure is no zero"
