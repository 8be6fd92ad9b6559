"""query, export and open: what they print and write, for whom, and what they say when there is nothing yet."""

from __future__ import annotations

import csv
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pytest
from typer.testing import CliRunner, Result
from unit_release import HOSTILE, make_published

from pipelines.cli import app, open_
from pipelines.publish.neutral import neutral
from pipelines.publish.page.names import DOCS_NAME, PAGE_NAME

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_published(folder)
    return folder


@pytest.fixture
def run(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("M365_DATA_DIR", str(data_dir))
    monkeypatch.setenv("COLUMNS", "120")

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return command


def said(result: Result) -> str:
    """What the command refuses with."""
    assert result.exit_code == 1
    return str(result.exception)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- query --------------------------------------------------------------------------------------------------


def test_json_has_numbers_dates_and_nulls(run: Run) -> None:
    result = run("query", "from license_inventory order by sku_id limit 2", "--format", "json")
    first, second = json.loads(result.stdout)
    assert first["unit_price"] == 33
    assert first["renewal_date"] == "2027-01-24"
    assert first["is_free"] is False
    assert second["unit_price"] is None
    (tenant,) = json.loads(run("query", "from tenants", "--format", "json").stdout)
    assert tenant["last_synced_at"] == "2026-10-30T06:15:00+00:00"
    assert json.loads(run("query", "from tenants limit 0", "--format", "json").stdout) == []
    odd = "select 'nan'::double as n, [1.5::decimal(9, 1)] as l, {'a': date '2026-01-01'} as s, interval 1 day as i"
    assert json.loads(run("query", odd, "--format", "json").stdout) == [
        {"n": None, "l": [1.5], "s": {"a": "2026-01-01"}, "i": "1 day, 0:00:00"}
    ]


def test_json_keeps_text_and_csv_makes_formulas_harmless(run: Run, tmp_path: Path) -> None:
    sql = "select display_name as name from users order by user_key"
    assert [row["name"] for row in json.loads(run("query", sql, "--format", "json").stdout)] == HOSTILE
    assert run("query", sql, "-o", "names.csv").exit_code == 0
    odd = "select true as yes, null as nothing, 0.5 as half, date '2026-01-01' as day"
    assert run("query", odd, "--format", "csv").stdout == "yes,nothing,half,day\ntrue,,0.5,2026-01-01\n"
    with (tmp_path / "names.csv").open(newline="", encoding="utf-8") as file:
        assert [row["name"] for row in csv.DictReader(file)] == [neutral(text) for text in HOSTILE]


def test_parquet_is_written_to_a_file(run: Run, tmp_path: Path) -> None:
    result = run("query", "from app_usage_daily", "--output", "daily.parquet")
    assert result.stderr == "daily.parquet: 84 rows\n"
    assert duckdb.sql(f"select count(*) from '{tmp_path / 'daily.parquet'}'").fetchone() == (84,)
    assert run("query", "from tenants", "--output", "x.parquet", "--quiet").stderr == ""
    assert "--output" in said(run("query", "from tenants", "--format", "parquet"))
    assert "no rows as its result" in said(run("query", "set threads = 1", "--output", "y.parquet"))


WIDE = "select range as number, {} from range({})"
NAMES = ", ".join(f"'value' || range as a_rather_long_column_{number}" for number in range(6))


def test_a_table_that_fits_no_terminal_is_printed_upright(run: Run) -> None:
    lines = run("query", WIDE.format(NAMES, 20)).stdout.splitlines()
    assert sum("a_rather_long_column_3" in line for line in lines) == 20, "each row names its columns"
    assert max(map(len, lines)) <= 120


def test_texts_are_folded_between_words_where_that_is_enough(run: Run) -> None:
    lines = run("query", WIDE.format("repeat('lorem ipsum ', 20) as words", 20)).stdout.splitlines()
    assert "words" in lines[1]
    assert sum("words" in line for line in lines) == 1
    assert max(map(len, lines)) <= 120


def test_into_a_pipe_a_table_is_as_wide_as_it_needs_to_be(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    lines = run("query", WIDE.format(NAMES, 20)).stdout.splitlines()
    assert lines[1].count("a_rather_long_column_") == 6
    assert len(lines) == 20 + 4


def test_a_table_may_go_into_a_file(run: Run, tmp_path: Path) -> None:
    run("query", "select app from apps where app = 'word'", "--format", "table", "--output", "apps.txt")
    assert "│ word │" in (tmp_path / "apps.txt").read_text(encoding="utf-8")


def test_what_comes_from_the_admin_build_is_for_its_owner_only(run: Run, tmp_path: Path) -> None:
    run("query", "from tenants", "-o", "admin.csv")
    run("query", "from tenants", "-o", "shared.csv", "--shareable")
    assert (mode(tmp_path / "admin.csv"), mode(tmp_path / "shared.csv")) == (0o600, 0o644)
    assert "users does not exist" in said(run("query", "from users", "--shareable"))


def test_a_query_that_fails_leaves_what_was_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kept.csv").write_text("kept")
    assert "DuckDB says" in said(run("query", "from nowhere", "-o", "kept.csv"))
    assert "DuckDB says" in said(run("query", "select error('x') from range(3)", "-o", "kept.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept.csv"]
    assert (tmp_path / "kept.csv").read_text() == "kept"


@pytest.mark.parametrize("sql", ["create table mine as select 1 as n", "delete from tenants", "drop table tenants"])
def test_nothing_can_be_written_into_what_is_published(run: Run, data_dir: Path, sql: str) -> None:
    databases = sorted(data_dir.glob("releases/*/*/*.duckdb"))
    before = [path.read_bytes() for path in databases]
    for build in ([], ["--shareable"]):
        assert "read-only" in said(run("query", sql, *build))
    assert [path.read_bytes() for path in databases] == before != []


def test_sql_may_come_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("-- How many?\nselect count(*) as n from apps;\n")
    assert json.loads(run("query", "--file", "q.sql", "--format", "json").stdout) == [{"n": 3}]
    assert "cannot be read" in said(run("query", "--file", "none.sql"))
    assert "either SQL" in said(run("query"))
    assert "either SQL" in said(run("query", "from apps", "--file", "q.sql"))


@pytest.mark.parametrize("name", ["out.txt", "out"])
def test_an_unclear_format_is_asked_for(run: Run, name: str) -> None:
    assert "--format" in said(run("query", "from apps", "--output", name))


def test_a_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in said(run("query", "from apps", "-o", "folder.csv"))
    assert "nowhere/x.csv cannot be written" in said(run("query", "from apps", "-o", "nowhere/x.csv"))


# --- export -------------------------------------------------------------------------------------------------


def test_the_workbook_is_exported(run: Run, tmp_path: Path) -> None:
    result = run("export")
    assert result.stderr == "m365_usage.xlsx\n"
    assert mode(tmp_path / "m365_usage.xlsx") == 0o600
    assert "Reclaimable" in openpyxl.load_workbook(tmp_path / "m365_usage.xlsx").sheetnames
    assert run("export", "--shareable", "--to", "shared", "--quiet").stderr == ""
    assert mode(tmp_path / "shared" / "m365_usage.xlsx") == 0o644
    assert "Reclaimable" not in openpyxl.load_workbook(tmp_path / "shared" / "m365_usage.xlsx").sheetnames


def test_every_table_is_exported_as_parquet(run: Run, data_dir: Path, tmp_path: Path) -> None:
    assert run("export", "--format", "parquet", "--to", "out").exit_code == 0
    theirs = {path.name: path.read_bytes() for path in (data_dir / "published_admin" / "parquet").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "parquet").iterdir()} == theirs


def test_every_table_is_exported_as_csv(run: Run, data_dir: Path, tmp_path: Path) -> None:
    result = run("export", "--format", "csv", "--to", "out")
    files = {path.stem for path in (tmp_path / "out" / "csv").iterdir()}
    assert files == {path.stem for path in (data_dir / "published_admin" / "parquet").iterdir()}
    assert result.stderr == f"out/csv: {len(files)} files\n"
    with (tmp_path / "out" / "csv" / "reclaimable_licenses.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["department"] for row in rows} == {neutral(text) for text in HOSTILE}
    assert {row["last_use_on"] for row in rows} == {"2026-05-01"}
    assert "2026-10-30 06:15:00+00" in (tmp_path / "out" / "csv" / "tenants.csv").read_text()


def test_a_folder_that_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert "cannot be made" in said(run("export", "--to", "taken"))


# --- open ---------------------------------------------------------------------------------------------------


def test_without_a_desktop_the_path_is_printed(run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(open_, "launch", lambda path: pytest.fail("nothing may be started"))
    result = run("open")
    assert result.stdout == f"{data_dir / 'published_admin' / 'm365_usage.xlsx'}\n"
    assert "no desktop" in result.stderr
    assert run("open", "--quiet", "--shareable").output == f"{data_dir / 'published' / 'm365_usage.xlsx'}\n"


def test_the_page_is_looked_for_under_its_name() -> None:
    assert open_.PAGE_NAME == PAGE_NAME


def test_the_page_goes_before_the_workbook(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    make_published(tmp_path / "data")
    (tmp_path / "data" / "published_admin" / "m365_usage.html").write_text("<p>")
    monkeypatch.setenv("M365_DATA_DIR", str(tmp_path / "data"))
    opened: list[str] = []
    monkeypatch.setattr(open_, "has_desktop", lambda: True)
    monkeypatch.setattr(open_, "launch", lambda path: opened.append(path.name) or 0)
    assert run("open").exit_code == run("open", "--workbook").exit_code == 0
    assert opened == ["m365_usage.html", "m365_usage.xlsx"]
    monkeypatch.setattr(open_, "launch", lambda path: 3)
    assert "open it by hand" in run("open").stderr


# --- nothing yet --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "from apps"],
        ["export"],
        ["export", "--format", "csv"],
        ["open"],
        ["accept", "2026-10-01"],
        ["forget", "adele@contoso.example", "--yes"],
    ],
)
def test_before_the_first_sync_the_next_step_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("M365_DATA_DIR", str(tmp_path / "new"))
    assert "run m365-usage sync (or demo) first" in said(run(*arguments))


@pytest.mark.parametrize("arguments", [["export"], ["export", "--format", "parquet"], ["open"]])
def test_a_release_from_before_there_were_such_files_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    folder = tmp_path / "data" / "published_admin"
    folder.mkdir(parents=True)
    duckdb.connect(str(folder / "m365_usage.duckdb")).close()
    monkeypatch.setenv("M365_DATA_DIR", str(tmp_path / "data"))
    assert "run m365-usage sync to publish anew" in said(run(*arguments))


def test_a_mistake_ends_with_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    terminal = {"NO_COLOR": "1", "FORCE_COLOR": "1", "COLUMNS": "300", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [Path(sys.executable).with_name("m365-usage"), "open"],
        env={"M365_DATA_DIR": str(tmp_path / "data"), **terminal},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "\x1b[3" not in done.stderr, "NO_COLOR is heeded"


def test_query_says_that_people_are_pseudonyms(run: Run, data_dir: Path) -> None:
    assert "pseudonyms" not in run("query", "from apps").stderr
    path = (data_dir / "published_admin" / "m365_usage.duckdb").resolve()
    with duckdb.connect(str(path)) as con:
        con.execute("insert into publish_info values ('people', 'pseudonyms')")
    try:
        told = run("query", "from apps", "--format", "csv")
        assert "the warehouse alone tells who is meant" in " ".join(told.stderr.split())
        assert "pseudonyms" not in told.stdout
        assert "pseudonyms" not in run("query", "from apps", "--quiet").stderr
    finally:
        with duckdb.connect(str(path)) as con:
            con.execute("delete from publish_info where name = 'people'")


def test_the_documentation_is_opened_from_the_release(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_published(tmp_path / "data")
    monkeypatch.setenv("M365_DATA_DIR", str(tmp_path / "data"))
    assert "run m365-usage sync" in said(run("open", "--docs"))
    path = tmp_path / "data" / "published" / DOCS_NAME
    path.write_text("<p>")
    assert run("open", "--docs", "--shareable", "--quiet").stdout == f"{path}\n"
    assert "either" in said(run("open", "--docs", "--workbook"))
    assert open_.DOCS_NAME == DOCS_NAME
