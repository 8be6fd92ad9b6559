"""The workbook, read back: sheets, native tables, types, and nothing that a spreadsheet would run."""

from __future__ import annotations

import re
import stat
import tempfile
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest
from test_publish_release import manifest, settings  # noqa: F401
from unit_release import HOSTILE, make_database

from pipelines.publish.neutral import neutral
from pipelines.publish.release import publish_release
from pipelines.publish.workbook.cells import cells, kind_of, text_cell, width_of
from pipelines.publish.workbook.write import write_workbook
from pipelines.settings import Settings

FACTS = {"publish_id": "p1", "data_through": "2026-10-28", "published_on": "2026-10-30", "build": "admin"}
SHEETS = [
    "Read me", "Overview", "Weekly usage", "Daily usage", "Suite daily", "Suite or Teams", "Platforms", "Departments",
    "Return", "Depth", "Licences", "Savings", "Reclaimable", "Data health", "Dictionary",
]  # fmt: skip


def written(database: Path, **options: Any) -> openpyxl.Workbook:
    path = database.with_suffix(".xlsx")
    facts = {**FACTS, **options.pop("facts", {})}
    write_workbook(database, path, facts, **options)
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("release") / "m365_usage.duckdb")


@pytest.fixture(scope="module", params=[20_000, 1], ids=["in memory", "streamed"])
def book(database: Path, request: pytest.FixtureRequest) -> openpyxl.Workbook:
    """Each sheet either way: with its cells in memory, and with its rows on disk as they are read."""
    return written(database, many_rows=request.param)


def rows(book: openpyxl.Workbook, sheet: str) -> list[dict[str, Any]]:
    """The native table of a sheet, by its own reference."""
    page = book[sheet]
    (table,) = page.tables.values()
    header, *data = ([cell.value for cell in row] for row in page[table.ref])
    return [dict(zip(header, row, strict=True)) for row in data]


def text_of(book: openpyxl.Workbook, sheet: str) -> str:
    return "\n".join(str(cell) for row in book[sheet].iter_rows(values_only=True) for cell in row if cell is not None)


def test_each_question_has_a_sheet_with_a_native_table(book: openpyxl.Workbook) -> None:
    assert book.sheetnames == SHEETS
    for name in SHEETS[1:]:
        page = book[name]
        (table,) = page.tables.values()
        assert table.name == "tbl_" + name.lower().replace(" ", "_")
        assert page.freeze_panes in ("B5", "C5"), "the header stays in sight, and what a row is"
        assert page["A1"].value.endswith("?")
        assert [cell.value for cell in page[4]][: len(table.tableColumns)] == [c.name for c in table.tableColumns]
        assert not page._charts or name in ("Overview", "Licences")
        for column in range(1, len(table.tableColumns) + 1):
            width = page.column_dimensions[openpyxl.utils.get_column_letter(column)].width
            assert width is None or 3 < width <= 61


def test_values_keep_their_types_and_formats(book: openpyxl.Workbook) -> None:
    daily = rows(book, "Daily usage")
    assert len(daily) == 84
    assert daily[0]["report_date"] == datetime(2026, 10, 1)
    assert daily[0]["active_users"] == 0
    assert daily[4]["active_users"] is None, "a hidden or missing count is an empty cell, not 0"
    assert daily[4]["is_suppressed"] is True
    (license_row, *_) = rows(book, "Licences")
    assert license_row["unit_price"] == 33
    assert license_row["renewal_date"] == datetime(2027, 1, 24)
    assert license_row["utilization_rate"] == pytest.approx(0.8995)
    health = rows(book, "Data health")
    assert health[0]["last_fetched_at"] == datetime(2026, 10, 30, 6, 15, 30)
    page = book["Licences"]
    header = [cell.value for cell in page[4]]
    formats = {name: page.cell(5, index + 1).number_format for index, name in enumerate(header)}
    assert formats["renewal_date"] == "yyyy-mm-dd"
    assert formats["unit_price"] == "#,##0.00"
    assert formats["utilization_rate"] == "0.0%"
    assert formats["assigned"] == "#,##0"
    assert book["Overview"]["C5"].number_format == "#,##0", "262 people, not 262.0"
    assert book["Dictionary"]["E5"].alignment.vertical == "top"


def test_the_overview_has_both_totals_and_teams_on_its_own(book: openpyxl.Workbook) -> None:
    found = {row["figure"]: row["value"] for row in rows(book, "Overview")}
    assert found == {
        "Office suite: people": 262,
        "Office suite: app-days": 6963,
        "Office suite: person-days": 3682,
        "Teams on its own: people": 200,
        "Teams on its own: days of use": 1500,
        "Licences purchased": 295,
        "Licences unassigned": 40,
        "Licences over-assigned": 0,
        "Not needed today, EUR a month": 1386,
        "Taken back by plans and still free": 7,
        "Taken back by plans, EUR a month": 198,
    }


def test_nothing_in_it_is_a_formula_or_a_link_from_data(book: openpyxl.Workbook) -> None:
    people = {row["display_name"] for row in rows(book, "Reclaimable")}
    assert people == {neutral(text) for text in HOSTILE}
    for page in book:
        for row in page.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell
                if isinstance(cell.value, str):
                    assert not re.match(r"\s*[=+\-@]", cell.value), cell
                assert cell.hyperlink is None or (page.title == "Read me" and cell.hyperlink.location), cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r=1", "\nx"])
def test_a_text_that_begins_like_a_formula_is_made_harmless(text: str) -> None:
    assert neutral(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=b", "1+1", "</script>", "Zoë 🦆", "شركة", "user-1@contoso.com"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


def test_a_text_too_long_for_a_cell_is_cut() -> None:
    assert len(text_cell("=" + "x" * 40_000)) == 32_767


def test_charts_are_native_and_described(database: Path, book: openpyxl.Workbook) -> None:
    assert (len(book["Overview"]._charts), len(book["Licences"]._charts)) == (3, 1)
    with zipfile.ZipFile(database.with_suffix(".xlsx")) as archive:
        drawings = [archive.read(name).decode() for name in archive.namelist() if "drawings/drawing" in name]
        charts = [archive.read(name).decode() for name in archive.namelist() if "charts/chart" in name]
    described = re.findall(r'<xdr:cNvPr [^>]*descr="([^"]+)"', "".join(drawings))
    assert len(described) == len(charts) == 4
    assert all("Contoso" in text for text in described)
    # A gap, which is what Excel takes when nothing else is said: a day without data is no zero.
    assert not any("dispBlanksAs" in chart for chart in charts)
    lines = next(chart for chart in charts if "Which apps" in chart)
    assert re.findall(r"<c:val><c:numRef><c:f>([^<]+)<", lines) == [
        "'Daily usage'!$E$5:$E$32", "'Daily usage'!$E$33:$E$60", "'Daily usage'!$E$61:$E$88"
    ]  # fmt: skip
    bars = next(chart for chart in charts if "spare" in chart)
    assert "Licences!$D$5:$D$6" in bars, "the free product with a million units is not in it"


def test_the_first_sheet_says_how_new_and_how_sound_the_figures_are(book: openpyxl.Workbook) -> None:
    labels = {row[0]: row[1] for row in book["Read me"].iter_rows(max_col=2, values_only=True)}
    assert labels["Data as of"] == datetime(2026, 10, 28)
    assert labels["Loaded at (UTC)"] == datetime(2026, 10, 30, 6, 15)
    assert labels["Days behind"] == 2
    assert labels["Release"] == "p1"
    text = text_of(book, "Read me")
    assert "Days without data in the last 28: 2026-10-05." in text
    assert "Products in use without a price: 1." in text
    assert "Sample data" not in text
    assert "concealed" not in text
    assert book.custom_doc_props["publish_id"].value == "p1"


def test_of_several_tenants_all_are_in_the_tables_and_one_in_each_chart(tmp_path: Path) -> None:
    database = make_database(tmp_path / "m365_usage.duckdb")
    with duckdb.connect(str(database)) as con:
        con.execute("insert into tenants select * replace ('a' as tenant_id, 'Adatum' as name) from tenants")
        for table in ("suite_usage_28d", "app_usage_28d", "app_usage_daily", "suite_usage_daily", "license_inventory"):
            con.execute(f"insert into {table} select * replace ('a' as tenant_id) from {table}")
    book = written(database)
    assert {row["tenant"] for row in rows(book, "Overview")} == {"Adatum", "Contoso"}
    assert len(rows(book, "Daily usage")) == 168
    assert {row["tenant"] for row in rows(book, "Suite daily")[:28]} == {"Adatum"}
    with zipfile.ZipFile(database.with_suffix(".xlsx")) as archive:
        drawings = [archive.read(name).decode() for name in archive.namelist() if "drawings/drawing" in name]
        charts = [archive.read(name).decode() for name in archive.namelist() if "charts/chart" in name]
    assert "Adatum" in "".join(drawings)
    assert "Contoso" not in "".join(drawings)
    lines = next(chart for chart in charts if "Which apps" in chart)
    assert lines.count("<c:ser>") == 3
    assert "$E$88" in lines
    assert "$E$89" not in lines, "the next tenant's days"


def test_sample_and_concealed_tenants_are_announced(tmp_path: Path) -> None:
    database = make_database(tmp_path / "m365_usage.duckdb")
    with duckdb.connect(str(database)) as con:
        con.execute("update tenants set domain = 'fabrikam.example', is_concealed_now = true")
    text = text_of(written(database), "Read me")
    assert "Sample data" in text
    assert "Names are concealed" in text


def test_the_shareable_build_has_no_sheet_of_people(database: Path) -> None:
    book = written(database, facts={"build": "shareable"})
    assert book.sheetnames == [name for name in SHEETS if name != "Reclaimable"]
    assert "🦆" not in "".join(text_of(book, name) for name in book.sheetnames)


def test_without_rows_every_sheet_says_why(tmp_path: Path) -> None:
    book = written(make_database(tmp_path / "m365_usage.duckdb", empty=True), facts={"data_through": ""})
    assert book.sheetnames == SHEETS
    for name in SHEETS[1:]:
        assert not book[name].tables
        assert len(str(book[name]["A3"].value)) > 20, name
    assert "no report day yet" in text_of(book, "Read me")


def test_a_table_that_is_not_published_is_named(tmp_path: Path) -> None:
    database = make_database(tmp_path / "m365_usage.duckdb")
    with duckdb.connect(str(database)) as con:
        con.execute("drop table adoption_by_department; drop table app_usage_daily")
    book = written(database)
    assert book["Departments"]["A3"].value == "This release does not have adoption_by_department."
    assert len(book["Overview"]._charts) == 1


def test_a_table_too_long_for_a_sheet_is_split_by_year(tmp_path: Path) -> None:
    database = make_database(tmp_path / "m365_usage.duckdb")
    with duckdb.connect(str(database)) as con:
        con.execute("insert into app_usage_daily select * replace (report_date + interval 1 year as report_date) "
                    "from app_usage_daily where app <> 'word'")  # fmt: skip
        con.execute("insert into data_dictionary select 't', 'c', range, 'int', false, 'g', 'm', null from range(200)")
    book = written(database, max_rows=104)
    found = {name: rows(book, name) for name in ("Daily usage 2026", "Daily usage 2027")}
    assert {name: len(data) for name, data in found.items()} == {"Daily usage 2026": 84, "Daily usage 2027": 56}
    assert list(book["Daily usage 2027"].tables) == ["tbl_daily_usage_2027"]
    assert {row["report_date"].year for row in found["Daily usage 2027"]} == {2027}
    assert "Daily usage" not in book.sheetnames
    # What has no years is cut, and says so.
    assert len(rows(book, "Dictionary")) == 100
    assert book["Dictionary"]["A3"].value == "The first 100 of 201 rows; the Parquet files have all."


def test_many_rows_are_streamed_in_their_order(tmp_path: Path) -> None:
    database = make_database(tmp_path / "m365_usage.duckdb")
    with duckdb.connect(str(database)) as con:
        con.execute(
            "insert into reclaimable_licenses by name select r.* replace (format('{:03}', n) as user_principal_name, "
            "date '2025-01-01' + cast(n as integer) as last_use_on) "
            "from (from reclaimable_licenses limit 2) as r, range(400) as t(n)"
        )
    written(database, many_rows=100, max_rows=704)
    page = openpyxl.load_workbook(database.with_suffix(".xlsx"))["Reclaimable"]
    (table,) = page.tables.values()
    assert table.ref == table.autoFilter.ref == "A4:S704"
    found = rows(openpyxl.load_workbook(database.with_suffix(".xlsx")), "Reclaimable")
    assert len(found) == 700
    names = [row["user_principal_name"] for row in found]
    assert names == sorted(names)
    assert all(isinstance(row["last_use_on"], datetime) for row in found)
    assert page["A3"].value == "The first 700 of 809 rows; the Parquet files have all."


@pytest.mark.parametrize("many_rows", [20_000, 1])
def test_no_part_of_it_lies_anywhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many_rows: int) -> None:
    database = make_database(tmp_path / "m365_usage.duckdb")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    written(database, many_rows=many_rows)
    assert {path.name for path in tmp_path.iterdir()} == {"m365_usage.duckdb", "m365_usage.xlsx"}
    with duckdb.connect(str(database)) as con:
        con.execute("alter table tenants drop column name")
    with pytest.raises(duckdb.BinderException):
        written(database)
    assert {path.name for path in tmp_path.iterdir()} == {"m365_usage.duckdb", "m365_usage.xlsx"}


def test_it_is_in_both_builds_of_a_release(settings: Settings, manifest: Path) -> None:  # noqa: F811
    release = publish_release(settings, manifest)
    for build, link, mode in (("shareable", "published", 0o644), ("admin", "published_admin", 0o600)):
        path = settings.data_dir / link / "m365_usage.xlsx"
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert release.bytes[build]["m365_usage.xlsx"] == path.stat().st_size
        book = openpyxl.load_workbook(path)
        assert book.custom_doc_props["publish_id"].value == release.publish_id
        assert "Contoso" in text_of(book, "Read me")
        assert book["Overview"]["A3"].value.startswith("This release does not have suite_usage_28d")


def test_numbers_dates_and_gaps_become_cells() -> None:
    assert cells(pd.Series([1, None]), "count") == [1.0, None]
    assert cells(pd.Series([0.5, float("inf"), float("nan")]), "rate") == [0.5, None, None]
    assert cells(pd.Series([["=1"], None]), "text") == ["['=1']", None]
    assert cells(pd.Series([date(2026, 1, 1), None], dtype=object), "date") == [datetime(2026, 1, 1), None]
    assert cells(pd.Series([True, None], dtype=object), "flag") == [True, None]
    stamps = pd.Series(pd.to_datetime(["2026-01-01T03:00:00", None]))
    assert cells(stamps, "instant") == [datetime(2026, 1, 1, 3, 0), None]
    assert [kind_of("active_rate", "DOUBLE"), kind_of("avg", "DOUBLE"), kind_of("exposure", "DECIMAL(18,2)")] == [
        "rate", "decimal", "money"
    ]  # fmt: skip
    assert kind_of("value", "DOUBLE") == "count"
    assert [kind_of("n", "HUGEINT"), kind_of("n", "TINYINT"), kind_of("n", "INTEGER"), kind_of("d", "DATE")] == [
        "count", "count", "count", "date"
    ]  # fmt: skip
    assert width_of("x", ["y" * 500] * 9, "text") == 60
    assert width_of("x", [], "text") == 4
