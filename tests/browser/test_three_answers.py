"""The ten questions, answered from the file, the page and the workbook of one release: the same to the digit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipelines.publish.workbook.names import WORKBOOK_NAME
from tests.browser.conftest import Opened, Release, figure

OpenPage = Callable[..., Opened]
Answer = list[dict[str, Any]]
QUERIES = Path(__file__).parents[2] / "queries"


@pytest.fixture(scope="module")
def sheets(release: Release) -> Callable[[str], Answer]:
    """The rows of a sheet's native table."""
    book = openpyxl.load_workbook(release.folder / "admin" / WORKBOOK_NAME)

    def rows(sheet: str) -> Answer:
        (table,) = book[sheet].tables.values()
        header, *data = ([cell.value for cell in row] for row in book[sheet][table.ref])
        return [dict(zip(header, row, strict=True)) for row in data]

    return rows


@pytest.fixture(scope="module")
def answers(release: Release) -> Callable[[str], Answer]:
    """What the query of a question says."""

    def rows(number: str) -> Answer:
        (file,) = QUERIES.glob(f"{number}_*.sql")
        found = release.query("admin", f"select to_json(a) from ({file.read_text().rstrip().rstrip(';')}) as a")
        return [json.loads(row[0]) for row in found]

    return rows


Sheets = Callable[[str], Answer]


def day(value: datetime) -> str:
    return f"{value:%Y-%m-%d}"


def shown(value: str) -> str:
    """A day as the page writes it."""
    return f"{datetime.strptime(value, '%d %b %Y'):%Y-%m-%d}"


def by_month(rows: list[list[str]], column: int) -> dict[str, list[int | None]]:
    """The figures of a column of the page, in the order of their rows, by the first day of the month."""
    found: dict[str, list[int | None]] = {}
    for row in rows:
        month = datetime.strptime(row[0].removesuffix(" (part)"), "%b %Y")
        found.setdefault(day(month), []).append(figure(row[column]))
    return found


def test_1_how_many_of_the_licensed_are_active(
    release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage
) -> None:
    file = [(r["week_start"], r["licensed_users"], r["licensed_active_users"]) for r in answers("01")]
    weeks = [r for r in sheets("Weekly usage") if r["app"] == "Office suite" and r["is_complete"]]
    assert file == [(day(r["week_start"]), r["licensed_users"], r["licensed_active_users"]) for r in weeks]
    opened = open_page(release.page("admin"))
    tiles = [opened.page.locator(f".tiles .{part}").all_text_contents() for part in ("label", "value")]
    assert figure(dict(zip(*tiles, strict=True))["Active in a week, suite"]) == file[0][2]
    opened.show("suite?period=180")
    page = [
        (shown(week), figure(licensed), figure(active), rate)
        for what, week, _, licensed, active, rate, *_ in opened.rows("suite-weekly")
        if what == "Office suite" and figure(active) is not None
    ]
    rates = {day(r["week_start"]): f"{r['active_rate']:.1%}" for r in weeks}
    assert page == [(*row, rates[row[0]]) for row in reversed(file)]
    finding = opened.panel("suite-weekly").text_content()
    assert f"of the licensed: Office suite {file[0][2]} (" in finding


def test_2_which_apps_are_used_each_day(release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage) -> None:
    file = {(name, r["report_date"]): r[name.lower()] for r in answers("02") for name in ("Outlook", "Word", "Excel")}
    book = {(r["app"], day(r["report_date"])): r["active_users"] for r in sheets("Daily usage")}
    opened = open_page(release.page("admin"), "apps?days=all")
    page = {(row[0], shown(row[1])): figure(row[2]) for row in opened.rows("apps-daily")}
    assert len(file) == 3 * 28
    assert {key: book[key] for key in file} == file == {key: page[key] for key in file}


def test_3_suite_or_teams(release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage) -> None:
    parts = ("suite_only_users", "both_users", "teams_only_users")
    file = {r["month_start"]: [r[part] for part in parts] for r in answers("03")}
    book = {day(r["month_start"]): [r[part] for part in parts] for r in sheets("Suite or Teams")}
    opened = open_page(release.page("admin"), "suite")
    page = by_month(opened.rows("suite-segments"), 2)
    assert file == book == page
    assert all(min(people) >= 0 < sum(people) for people in file.values())


def test_4_which_departments_lag(release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage) -> None:
    file = {
        r["department"]: (f"{r['adoption_rate']:.3f}", r["active_users"], r["licensed_users"]) for r in answers("04")
    }
    book = {
        r["department"]: (f"{r['adoption_rate']:.3f}", r["active_users"], r["licensed_users"])
        for r in sheets("Departments")
        if r["app"] == "Office suite" and not r["is_total"]
    }
    opened = open_page(release.page("admin"), "departments")
    page = {row[0]: (figure(row[2]), figure(row[3])) for row in opened.rows("dept-ranking")}
    assert file == book
    assert page == {name: (active, licensed) for name, (_, active, licensed) in file.items()}
    assert len(file) > 3


def test_5_do_people_come_back(release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage) -> None:
    parts = ("active_users", "returning_users", "resumed_users", "first_time_users", "lost_users")
    file = {r["month_start"]: [r[part] for part in parts] for r in answers("05")}
    months = [r for r in sheets("Return") if r["app"] == "Office suite"]
    assert file == {day(r["month_start"]): [r[part] for part in parts] for r in months}
    opened = open_page(release.page("admin"), "suite")
    rows = opened.rows("suite-return")
    everybody, page = by_month(rows, 3), by_month(rows, 2)
    assert file == {month: [everybody[month][0], *page[month]] for month in page}, "unknown without enough history"


def test_6_how_deep_is_the_use(release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage) -> None:
    bands = ("none", "days_1_3", "days_4_9", "days_10_19", "days_20_and_more")
    file = {r["department"]: [r[band] or 0 for band in bands] for r in answers("06")}
    book: dict[str, list[int]] = {}
    for row in sheets("Depth"):
        book.setdefault(row["department"], []).append(row["people"])
    opened = open_page(release.page("admin"), "departments")
    page: dict[str, list[int | None]] = {}
    for name, _, people in opened.rows("dept-depth"):
        page.setdefault("All" if name == "Whole company" else name, []).append(figure(people))
    assert file == book == page


def test_7_on_what_devices(release: Release, sheets: Sheets, open_page: OpenPage) -> None:
    sql = "select app, windows_users, mac_users, mobile_users, web_users, active_users from app_usage_28d order by app"
    file = [tuple(row) for row in release.query("admin", sql)]
    book = [
        (r["app"].lower(), r["windows_users"], r["mac_users"], r["mobile_users"], r["web_users"], r["active_users"])
        for r in sheets("Platforms")
    ]
    opened = open_page(release.page("admin"), "platforms")
    found: dict[str, list[int | None]] = {}
    everybody: dict[str, int | None] = {}
    for app, _, people, everyone, _ in opened.rows("platform-share"):
        found.setdefault(app.lower(), []).append(figure(people))
        everybody[app.lower()] = figure(everyone)
    assert file == sorted(book) == sorted((app, *people, everybody[app]) for app, people in found.items())


def test_8_bought_assigned_spare(release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage) -> None:
    what = {"assigned": "Assigned", "unassigned": "Spare", "over_assigned": "Over-assigned"}
    file = {(r["product_name"], name): r[key] for r in answers("08") for key, name in what.items()}
    book = {(r["product_name"], name): r[key] for r in sheets("Licences") for key, name in what.items()}
    opened = open_page(release.page("admin"), "licences")
    page = {(row[0], row[1]): figure(row[2]) for row in opened.rows("lic-inventory")}
    # Of what is assigned, the part on an expired subscription is a bar of its own.
    expired = {r["product_name"]: r["assigned_on_expired"] for r in answers("08")}
    whole = {
        (product, name): (people or 0) + (expired[product] if name == "Assigned" else 0)
        for (product, name), people in page.items()
        if name in what.values()
    }
    assert file == {key: book[key] for key in file} == whole


def test_9_what_can_be_taken_back(release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage) -> None:
    file = sorted((r["user_principal_name"], r["product_name"], r["monthly_saving"] or 0) for r in answers("09"))
    book = sorted(
        (r["user_principal_name"], r["product_name"], r["monthly_saving"] or 0) for r in sheets("Reclaimable")
    )
    opened = open_page(release.page("admin"), "licences")
    page = sorted((row[0], row[2]) for row in opened.rows("lic-people"))
    assert [(who, what, float(saving)) for who, what, saving in file] == [(w, p, float(s)) for w, p, s in book]
    assert page == [(who, what) for who, what, _ in file]
    assert file


def test_10_can_the_data_be_trusted(release: Release, answers: Sheets, sheets: Sheets, open_page: OpenPage) -> None:
    (file,) = answers("10")
    newest = sorted(sheets("Data health"), key=lambda r: r["report_date"])[-28:]
    states = [r["state"] for r in newest]
    opened = open_page(release.page("admin"), "health")
    page = [row[1] for row in sorted(opened.rows("health-days"), key=lambda row: shown(row[0]))[-28:]]
    assert file["settled_days"] == states.count("final") == page.count("Final")
    assert file["provisional_days"] == states.count("provisional") == page.count("Provisional")
    assert file["settled_days"] + file["provisional_days"] == 28
