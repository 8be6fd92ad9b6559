"""The page of a real release, driven in a browser that is offline."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import HOSTILE, Opened, Release, downloaded, figure
from tests.integration.conftest import ROOT

VIEWS = ["overview", "apps", "suite", "departments", "platforms", "licences", "health", "dictionary"]
SHAREABLE_AND_ADMIN = pytest.mark.parametrize("build", ["shareable", "admin"])

OpenPage = Callable[..., Opened]
Altered = Callable[..., Path]


@SHAREABLE_AND_ADMIN
def test_every_view_opens_in_silence_with_a_question_and_an_answer(
    release: Release, open_page: OpenPage, build: str
) -> None:
    opened = open_page(release.page(build))
    for view in VIEWS:
        opened.page.locator(f'nav a[href^="#{view}"]').click()
        opened.ready()
        assert opened.page.locator("nav a[aria-current]").count() == 1
        titles = opened.page.locator(".panel:not(.tiles) h2").all_text_contents()
        assert titles
        assert all(title.endswith("?") for title in titles)
        for panel in opened.page.locator(".panel.chart").all():
            chart = panel.locator(".chart")
            if chart.count():
                assert panel.locator(".finding").text_content()
                assert chart.locator("svg").count() == max(1, chart.locator(".small").count())
                assert "table" in (chart.get_attribute("aria-label") or "")
            else:
                assert panel.locator(".empty").text_content(), "an empty chart says why"


def test_tiles_show_what_the_tables_say(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"))
    tiles = dict(
        zip(
            opened.page.locator(".tiles .label").all_text_contents(),
            opened.page.locator(".tiles .value").all_text_contents(),
            strict=True,
        )
    )
    spare = release.query(
        "admin",
        "select sum(unassigned) from license_inventory where applies_to = 'User' "
        "and not is_free and not coalesce(is_trial, false) and not looks_unlimited",
    )
    back = release.query("admin", "select count(*) from reclaimable_licenses where reason <> 'duplicate_assignment'")
    saving = release.query("admin", "select cast(round(12 * sum(monthly_saving)) as bigint) from reclaimable_licenses")
    detail = opened.page.locator(".tiles li").last.locator(".detail").text_content() or ""
    assert f"{saving[0][0]:,} EUR a year" in detail
    assert (figure(tiles["Spare licences"]), figure(tiles["Can be taken back"])) == (spare[0][0], back[0][0])


def test_the_people_are_in_the_admin_page_only(release: Release, open_page: OpenPage) -> None:
    (expected,) = release.query("admin", "select count(*) from reclaimable_licenses")[0]
    opened = open_page(release.page("admin"), "licences")
    assert len(opened.rows("lic-people")) == expected > 0
    name = opened.rows("lic-people")[0][0]
    opened.panel("lic-people").get_by_role("searchbox").fill(name)
    assert {row[0] for row in opened.rows("lic-people")} == {name}
    text = release.page("shareable").read_text(encoding="utf-8")
    names = [row[0] for row in release.query("admin", "select user_principal_name from users")]
    assert [name for name in names if name in text] == []


def test_csv_is_what_the_table_shows(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"), "apps?days=all")
    with downloaded(opened, "apps-daily") as text:
        rows = list(csv.DictReader(io.StringIO(text)))
    expected = release.query(
        "admin",
        "select display_name, report_date, active_users from app_usage_daily join apps using (app) order by all",
    )
    shown = sorted((row["series"], row["report_date"], int(row["active_users"])) for row in rows)
    assert shown == [(name, str(day), people) for name, day, people in expected]


def test_hostile_names_are_text(altered: Altered, open_page: OpenPage) -> None:
    quoted = HOSTILE.replace("'", "''")
    path = altered(
        f"update tenants set name = '{quoted}'",
        f"update license_savings set product_name = '{quoted}'",
        f"update license_inventory set product_name = '{quoted}'",
        "update reclaimable_licenses set user_principal_name = '=1+1', department = '@SUM(A1)', product_name = '-2+3'",
    )
    assert HOSTILE not in path.read_text(encoding="utf-8")
    opened = open_page(path, "licences")
    assert opened.page.locator("#tenant-name").text_content() == HOSTILE
    assert opened.rows("lic-savings")[0][0] == HOSTILE
    assert opened.page.locator("#main-content img").count() == 0
    with downloaded(opened, "lic-people") as text:
        first = next(csv.DictReader(io.StringIO(text)))
    assert [first["user_principal_name"], first["department"], first["product_name"]] == ["'=1+1", "'@SUM(A1)", "'-2+3"]


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_is_wider_than_the_screen(release: Release, open_page: OpenPage, width: int) -> None:
    opened = open_page(release.page("admin"), viewport={"width": width, "height": 900})
    for view in VIEWS:
        opened.show(view)
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width, view
        drawn = opened.page.evaluate(
            "[...document.querySelectorAll('.chart svg')].map(one => [one.getBoundingClientRect().right, "
            "one.closest('.panel').getBoundingClientRect().right])"
        )
        assert all(chart <= panel + 1 for chart, panel in drawn), view


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_accessibility(release: Release, open_page: OpenPage, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    opened = open_page(release.page("admin"), color_scheme=scheme)
    # Dark differs in its colours only.
    views = VIEWS if scheme == "light" else ["overview", "departments", "licences"]
    # The policy of the page lets no script in; the test's goes in through the debugger, as all of Playwright's do.
    for view in views:
        opened.show(view)
        # One view with its tables open: they are all made alike.
        if scheme == "light" and view == "suite":
            opened.page.locator("details > summary").evaluate_all("all => all.forEach(one => one.click())")
        found = axe.Axe().run(opened.page).response["violations"]
        bad = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
        assert bad == [], view


def test_the_keyboard_is_enough(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"))
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Enter")
    assert opened.page.evaluate("document.activeElement.id") == "main-content"
    opened.page.locator("nav a").nth(1).focus()
    opened.page.keyboard.press("Enter")
    opened.until("document.activeElement.id === 'view-title'")
    assert opened.page.locator("#view-title").text_content() == "Apps"
    opened.ready()
    opened.page.locator("input[name=days]:checked").focus()
    opened.page.keyboard.press("ArrowRight")
    opened.until("location.hash.includes('days=all')")
    opened.ready()
    assert opened.page.evaluate("[document.activeElement.name, document.activeElement.value]") == ["days", "all"]


def test_a_page_on_paper_is_dark_on_white(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"), "apps", color_scheme="dark")
    opened.page.emulate_media(media="print", color_scheme="dark")
    colours = opened.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
    assert colours == "#1b1f24"
    assert opened.page.locator("nav").is_hidden()


def test_the_policy_lets_nothing_out_and_no_text_becomes_code(release: Release) -> None:
    text = release.page("admin").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.group(1).replace("&#39;", "'").split(";"))
    assert (rules["default-src"], rules["connect-src"]) == ("'none'", "'none'")
    assert "unsafe" not in policy.group(1)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert data
    assert json.loads(data.group(1))["build"] == "admin"


def test_what_no_filter_changes_says_so(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"), "departments")
    panels = opened.page.locator(".panel")
    still = [panel.get_attribute("id") for panel in panels.all() if "not follow" in (panel.text_content() or "")]
    before = {panel.get_attribute("id"): panel.text_content() for panel in panels.all()}
    opened.show("departments?period=7&days=all")
    changed = [
        panel.get_attribute("id") for panel in panels.all() if panel.text_content() != before[panel.get_attribute("id")]
    ]
    assert changed == ["panel-dept-table"]
    assert sorted([*still, *changed]) == sorted(before)


def test_queries_can_be_taken_along(release: Release, open_page: OpenPage) -> None:
    shown = {}
    for build in ("shareable", "admin"):
        opened = open_page(release.page(build), "dictionary", permissions=["clipboard-read", "clipboard-write"])
        panel = opened.panel("dict-queries")
        shown[build] = panel.locator("summary").all_text_contents()
        assert all(release.query(build, sql) is not None for sql in panel.locator("pre").all_text_contents())
    assert set(shown["shareable"]) < set(shown["admin"])
    assert len(shown["admin"]) == len(list((ROOT / "queries").glob("*.sql")))
    panel.locator("summary").first.click()
    panel.get_by_role("button", name=f"Copy: {shown['admin'][0]}").click()
    panel.get_by_text("Copied").wait_for()
    taken = opened.page.evaluate("navigator.clipboard.readText()")
    assert taken == panel.locator("pre").first.text_content()
