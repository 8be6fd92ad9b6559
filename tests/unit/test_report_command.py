"""report: the headline figures on a terminal, for machines, and the page as a file."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result
from unit_release import make_database

from pipelines.cli import app
from pipelines.publish.page.names import PAGE_NAME
from pipelines.warehouse.publish import DATABASE_NAME
from pipelines.warehouse.releases import make_release

Run = Callable[..., Result]
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    def build(name: str, folder: Path) -> None:
        with duckdb.connect(str(make_database(folder / DATABASE_NAME))) as con:
            con.execute("alter table suite_usage_28d add column provisional_days integer default 8")
            con.execute("alter table report_days add column report varchar default 'getM365AppUserDetail'")
            con.execute("update license_inventory set assigned = 78, over_assigned = 3 where sku_id = 'e5'")
            if name == "shareable":
                con.execute("update license_savings set reclaimable = null")
            # A second tenant: nothing of it is in the first one's figures.
            con.execute("insert into tenants select * replace ('z' as tenant_id, 'Zeta [bold]' as name) from tenants")
            con.execute(
                "insert into suite_usage_28d "
                "select * replace ('z' as tenant_id, 7 as active_users) from suite_usage_28d"
            )
        (folder / PAGE_NAME).write_text(f"<title>{name}</title>", encoding="utf-8")

    make_release(tmp_path / "data", "p1", build, keep=3)
    return tmp_path / "data"


@pytest.fixture
def run(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("M365_DATA_DIR", str(data_dir))
    monkeypatch.setenv("M365_TODAY", "2026-10-30")
    monkeypatch.setenv("COLUMNS", "140")
    return lambda *arguments: CliRunner().invoke(app, ["report", *arguments])


def line(text: str, label: str) -> list[str]:
    """The cells of the first line of a table that begins with the label."""
    found = next(row for row in text.splitlines() if row.strip("│ ").startswith(label))
    return [cell.strip() for cell in found.strip().strip("│").split("│")]


def test_the_headline_figures_are_printed(run: Run) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    first, second = result.stdout.split("Zeta [bold]")
    assert "Data as of 28 Oct 2026, 2 days behind; loaded 2026-10-30 06:15 UTC" in first
    assert line(first, "Suite: people")[1] == "262"
    assert line(first, "Suite: app-days")[1] == "6,963"
    assert line(first, "Teams: people")[1:] == ["200", "on its own; in none of the figures above"]
    # Free products are in none of these.
    assert [line(first, what)[1] for what in ("Purchased", "Assigned", "Unassigned", "Over")] == [
        "295",
        "277",
        "40",
        "3",
    ]
    assert line(first, "Unassigned")[2] == "693 EUR a month"
    assert line(first, "Can be taken back")[1:] == ["21", "saves 693 EUR a month, 8,316 EUR a year"]
    assert line(first, "Without a price")[1] == "1"
    assert [line(first, what)[1] for what in ("Final", "Lost")] == ["27 days", "1 day"]
    assert "Days lost: 1. 5 Oct 2026" in first
    assert line(second, "Suite: people")[1] == "7"
    assert "No paid licences are known" in second


def test_the_shareable_copy_hides_and_says_so(run: Run) -> None:
    text = run("--shareable").stdout
    assert line(text, "Can be taken back")[1:] == ["unknown", "hidden: small groups"]


def test_machines_get_numbers_and_nulls(run: Run) -> None:
    document = json.loads(run("--json").stdout)
    first, second = document["tenants"]
    assert (first["use"]["people"], first["use"]["app_days"], first["use"]["teams_people"]) == (262, 6963, 200)
    assert first["take_back"] == {"licences": 21, "hidden": 0, "saving": {"EUR": 693.0}}
    assert first["health"]["days"] == {"final": 27, "lost": 1}
    assert first["use"]["change_rate"] is None
    assert (second["name"], second["paid_licences"]) == ("Zeta [bold]", None)
    assert json.loads(run("--json", "--shareable").stdout)["tenants"][0]["take_back"]["licences"] is None


def test_the_page_is_written_for_everybody_or_for_administrators(run: Run, tmp_path: Path) -> None:
    result = run("--output", "page.html")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "page.html\n")
    page = tmp_path / "page.html"
    assert (page.read_text(), stat.S_IMODE(page.stat().st_mode)) == ("<title>shareable</title>", 0o644)
    assert run("--output", "page.html", "--admin", "--quiet").output == ""
    assert (page.read_text(), stat.S_IMODE(page.stat().st_mode)) == ("<title>admin</title>", 0o600)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--output", "page.pdf"], ".html"),
        (["--output", "no/such/page.html"], "cannot be written"),
        (["--output", "page.html", "--json"], "--json"),
        (["--admin"], "--output"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert told in str(result.exception)


def test_nothing_is_published_yet(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("M365_DATA_DIR", str(tmp_path / "empty"))
    assert "m365-usage sync" in str(run().exception)
    assert "m365-usage sync" in str(run("--output", "page.html").exception)


def test_no_color_is_respected(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert COLOUR.search(run().stdout)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(run().stdout)
