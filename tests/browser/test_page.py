"""The page of a real release, driven in a browser that is offline."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import HOSTILE, Opened, Release, downloaded

VIEWS = ["overview", "apps", "suite", "departments", "platforms", "licences", "health", "dictionary"]
SHAREABLE_AND_ADMIN = pytest.mark.parametrize("build", ["shareable", "admin"])
NO_FIGURE = "\u2013"

OpenPage = Callable[..., Opened]
Altered = Callable[..., Path]


def figure(text: str) -> int | None:
    return None if text in (NO_FIGURE, "hidden") else int(text.replace(",", ""))


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
                assert chart.locator("svg").count() == 1
                assert "table" in (chart.get_attribute("aria-label") or "")
            else:
                assert panel.locator(".empty").text_content(), "an empty chart says why"


def test_the_figures_of_the_apps_are_those_of_a_query(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"))
    for period, days in itertools.product((7, 28), ("weekdays", "all")):
        opened.show(f"apps?period={period}&days={days}")
        # Counted anew from the person-days, not read from the window table.
        weekdays = "and isodow(report_date) <= 5" if days == "weekdays" else ""
        chosen = f"report_date > (select max(window_end) from app_usage_28d) - {period} {weekdays}"
        expected = release.query(
            "admin",
            f"""
            select a.display_name, count(distinct user_key), count(*)
            from user_app_days as d join apps as a using (app)
            where {chosen} group by a.display_name, a.sort_order order by a.sort_order
            """,
        )
        shown = [(row[0], figure(row[1]), figure(row[5])) for row in opened.rows("apps-window")]
        assert shown == expected, (period, days)
        daily = opened.rows("apps-daily")
        by_day = release.query("admin", f"select count(*), sum(active_users) from app_usage_daily where {chosen}")
        assert [(len(daily), sum(figure(row[2]) or 0 for row in daily))] == by_day, (period, days)


def test_switches_change_the_figures_and_stay_in_the_address(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"), "apps")
    weekdays = opened.rows("apps-window")
    opened.page.get_by_role("radio", name="All days").check()
    opened.ready()
    assert "days=all" in opened.page.url
    every_day = opened.rows("apps-window")
    assert every_day != weekdays
    opened.page.get_by_role("checkbox", name="Teams").uncheck()
    opened.ready()
    assert [row[0] for row in opened.rows("apps-window")] == [row[0] for row in every_day if row[0] != "Teams"]
    department = release.query("admin", "select department from users where department = 'Sales' limit 1")[0][0]
    opened.page.get_by_role("combobox", name="Department").select_option(department)
    opened.ready()
    (people,) = release.query(
        "admin",
        f"""
        select active_users from app_usage_windows
        where app = 'outlook' and department = '{department}' and window_days = 28 and day_kind = 'all'
        """,
    )[0]
    assert figure(opened.rows("apps-window")[0][1]) == people
    assert "whole company only" in (opened.panel("apps-daily").locator(".empty").text_content() or "")
    # The same address shows the same.
    again = open_page(release.page("admin"), opened.page.url.partition("#")[2])
    assert again.rows("apps-window") == opened.rows("apps-window")
    again.page.get_by_role("button", name="Reset").click()
    again.ready()
    assert again.rows("apps-window") == weekdays


def test_teams_is_in_no_suite_figure(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"), "suite?days=all")
    shown = {row[0]: figure(row[1]) for row in opened.rows("suite-totals")}
    (people, person_days, app_days), (teams, teams_days) = (
        release.query("admin", "select active_users, suite_user_days, app_user_days from suite_usage_28d")[0],
        release.query("admin", "select active_users, user_days from app_usage_28d where app = 'teams'")[0],
    )
    assert shown == {
        "Suite: people": people,
        "Suite: app-days": app_days,
        "Suite: person-days": person_days,
        "Teams: people": teams,
        "Teams: person-days": teams_days,
    }


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
        if scheme == "light":
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
    opened.page.wait_for_function("document.activeElement.id === 'view-title'")
    assert opened.page.locator("#view-title").text_content() == "Apps"
    opened.ready()
    opened.page.locator("input[name=days]:checked").focus()
    opened.page.keyboard.press("ArrowRight")
    opened.page.wait_for_function("location.hash.includes('days=all')")
    opened.ready()
    assert opened.page.evaluate("[document.activeElement.name, document.activeElement.value]") == ["days", "all"]


def test_a_page_on_paper_is_dark_on_white(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"), "apps", color_scheme="dark")
    opened.page.emulate_media(media="print", color_scheme="dark")
    colours = opened.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
    assert colours == "#1b1f24"
    assert opened.page.locator("nav").is_hidden()


def test_concealed_names_are_said_first(altered: Altered, open_page: OpenPage) -> None:
    path = altered(
        "update tenants set is_concealed_now = true",
        "update report_days set is_concealed = true",
        "delete from app_usage_windows where not is_total",
        "update app_usage_windows set active_rate = null, licensed_active_users = null",
        "delete from adoption_by_department where not is_total",
        "update adoption_by_department set adoption_rate = null",
        "delete from reclaimable_licenses",
    )
    opened = open_page(path, "departments")
    assert (opened.page.locator(".banner").first.text_content() or "").startswith("Names are concealed.")
    assert "show names" in (opened.panel("dept-ranking").locator(".empty").text_content() or "")
    opened.show("licences")
    assert "concealed" in (opened.panel("lic-people").locator(".empty").text_content() or "").lower()
    opened.show("overview")
    assert opened.panel("overview-daily").locator("svg").count() == 1


def test_one_day_is_drawn_as_a_point(altered: Altered, open_page: OpenPage) -> None:
    path = altered(
        *(f"delete from {table} where report_date <> '2026-10-28'" for table in
          ("app_usage_daily", "suite_usage_daily", "report_days")),
        "delete from usage_weekly", "delete from engagement_monthly",
    )  # fmt: skip
    opened = open_page(path, "apps")
    assert opened.panel("apps-daily").locator("svg .mark-symbol path").count() >= 6
    assert "complete week" in (opened.panel("apps-weekly").locator(".empty").text_content() or "")


def test_missing_days_are_gaps_and_said(altered: Altered, open_page: OpenPage) -> None:
    lost = "report_date between '2026-10-12' and '2026-10-14'"
    path = altered(
        f"update suite_usage_daily set active_users = null, is_observed = false, day_state = 'lost' where {lost}",
        f"update app_usage_daily set active_users = null, is_observed = false, day_state = 'lost' where {lost}",
        f"update report_days set state = 'lost', is_observed = false where {lost}",
        "update report_days set state = 'missing', is_observed = false where report_date = '2026-10-20'",
    )
    opened = open_page(path, "suite")
    banners = " ".join(opened.page.locator(".banner").all_text_contents())
    assert "Days missing: 1. 20 Oct 2026" in banners
    assert "Days lost: 3. 12 Oct 2026, 13 Oct 2026, 14 Oct 2026" in banners
    rows = {row[1]: row[2] for row in opened.rows("suite-daily") if row[0] == "Teams"}
    assert rows["12 Oct 2026"] == NO_FIGURE
    lines = (
        opened.panel("suite-daily")
        .locator("svg .mark-line path")
        .evaluate_all("all => all.map(one => one.getAttribute('d'))")
    )
    assert [line.count("M") for line in lines if line][:2] == [2, 2], "each settled line is broken once"


def test_no_prices_is_said_and_no_cost_is_zero(altered: Altered, open_page: OpenPage) -> None:
    path = altered(
        "update license_inventory set unit_price = null, currency = null",
        "update license_savings set exposure = null, reassignable = null, reducible_at_renewal = null, currency = null",
        "update waste_monthly set reclaimable_monthly_cost = null, currency = null",
    )
    opened = open_page(path, "licences")
    assert "without a price" in (opened.page.locator(".banner").first.text_content() or "")
    assert {row[4] for row in opened.rows("lic-savings")} == {NO_FIGURE}
    assert "unknown" in (opened.panel("lic-savings").locator(".finding").text_content() or "")


def test_no_licences_is_said(altered: Altered, open_page: OpenPage) -> None:
    tables = ["license_inventory", "license_savings", "license_utilization", "reclaimable_licenses", "waste_monthly"]
    opened = open_page(altered(*(f"delete from {table}" for table in tables)), "licences")
    for panel in ("lic-inventory", "lic-savings", "lic-table"):
        assert "Organization.Read.All" in (opened.panel(panel).locator(".empty").text_content() or "")


def test_two_tenants_are_kept_apart(altered: Altered, open_page: OpenPage) -> None:
    path = altered(
        "insert into tenants select * replace ('zz' as tenant_id, 'Other' as name) from tenants",
        "insert into suite_usage_daily select * replace ('zz' as tenant_id, 7 as active_users) from suite_usage_daily",
    )
    opened = open_page(path, "suite")
    opened.page.get_by_label("Tenant").select_option("Other")
    opened.ready()
    assert "tenant=zz" in opened.page.url
    assert {row[2] for row in opened.rows("suite-daily")} == {"7"}


@pytest.mark.parametrize(("days_old", "tone"), [(2, ""), (5, "warn"), (8, "bad")])
def test_old_data_are_marked(altered: Altered, open_page: OpenPage, days_old: int, tone: str) -> None:
    opened = open_page(altered(f"update tenants set data_through = date '2026-10-30' - {days_old}"))
    line = opened.page.locator("#as-of")
    assert f"{days_old} days behind" in (line.text_content() or "")
    assert (line.get_attribute("class") or "").split()[1:] == ([tone] if tone else [])


def test_hidden_groups_are_said_when_a_department_is_chosen(release: Release, open_page: OpenPage) -> None:
    hidden = release.query(
        "shareable",
        "select department from app_usage_windows where app = 'outlook' and window_days = 28 "
        "and day_kind = 'weekdays' and is_suppressed order by department",
    )
    assert hidden, "a small company has small groups"
    opened = open_page(release.page("shareable"), "apps")
    opened.page.get_by_label("Department").select_option(hidden[0][0])
    opened.ready()
    assert opened.rows("apps-window")[0][1] == "hidden"
    assert "small group" in (opened.panel("apps-window").locator(".finding").text_content() or "")


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


def test_months_of_waste_are_compared_only_when_none_is_hidden(altered: Altered, open_page: OpenPage) -> None:
    rows = """
        insert into waste_monthly by name
        select t.tenant_id, i.sku_id, month as waste_month, month + interval 27 day as judged_on, true as is_complete,
            i.product_name, 50 as holders, 20 as reclaimable, 8 as new_waste, 6 as realised,
            60.00 as realised_monthly_saving, 'EUR' as currency, hidden as is_suppressed
        from tenants t, (from license_inventory limit 1) i,
            (values (date '2026-08-01', false), (date '2026-09-01', {})) as months (month, hidden)
    """
    opened = open_page(altered("delete from waste_monthly", rows.format("false")), "licences")
    finding = opened.panel("lic-waste").locator(".finding").text_content() or ""
    assert "20 licences on the list; 6 of the month before were taken back, which saves 60 EUR a month" in finding
    hidden = open_page(altered("delete from waste_monthly", rows.format("true")), "licences")
    assert hidden.panel("lic-waste").locator("svg").count() == 0
    assert "mislead" in (hidden.panel("lic-waste").locator(".empty").text_content() or "")
