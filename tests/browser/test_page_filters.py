"""The page's filters: what they show is what a query counts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.publish import DATABASE_NAME
from tests.browser.conftest import Opened, Release, figure

OpenPage = Callable[..., Opened]
Altered = Callable[..., Path]


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
    assert f"figures of {hidden[0][0]} are hidden" in (opened.page.locator("#shown").text_content() or "")
    opened.page.get_by_role("button", name="Reset").click()
    opened.ready()
    assert "hidden" not in (opened.page.locator("#shown").text_content() or "")


def test_weeks_follow_period_and_department(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"), "apps")
    for period, department in itertools.product((7, 28), ("All", "Sales")):
        opened.show(f"apps?period={period}&department={department}")
        # Counted anew from the person-days: people per complete week that ends in the period.
        of_department = f"and department = '{department}'" if department != "All" else ""
        expected = release.query(
            "admin",
            f"""
            with
                days as (select distinct report_date from report_days where is_observed),
                weeks as (
                    select date_trunc('week', report_date) as week_start
                    from days group by 1 having count(*) = 7
                )
            select apps.display_name, strftime(week_start, '%-d %b %Y'), count(distinct user_key)
            from user_app_days
            inner join users using (tenant_id, user_key)
            inner join apps using (app)
            inner join weeks on date_trunc('week', report_date) = week_start
            where week_start + interval 6 day > (select max(window_end) from app_usage_28d) - {period} {of_department}
            group by apps.display_name, sort_order, week_start order by sort_order, week_start
            """,
        )
        shown = [(row[0], row[1], figure(row[2])) for row in opened.rows("apps-weekly")]
        assert shown == [tuple(row) for row in expected], (period, department)
        assert len({row[1] for row in shown}) == (1 if period == 7 else 3)


def test_a_small_chart_for_each_app_that_is_chosen(release: Release, open_page: OpenPage) -> None:
    opened = open_page(release.page("admin"), "apps?apps=word,onenote&days=all")
    assert opened.panel("apps-each").locator(".small p").all_text_contents() == ["Word", "OneNote"]
    assert opened.rows("apps-each") == opened.rows("apps-daily")
    for panel in ("apps-daily", "apps-each", "apps-weekly"):
        told = opened.panel(panel).locator(".finding").text_content() or ""
        assert [app for app in ("Outlook", "Word", "Excel", "OneNote", "Teams") if app in told] == ["Word", "OneNote"]
    # Each on its own scale: the highest day of each touches the same height.
    tops = opened.page.evaluate(
        """() => [...document.querySelectorAll('#panel-apps-each .small svg')].map(svg => {
            const points = [...svg.querySelectorAll('.mark-symbol path')].map(one => one.getBoundingClientRect().top);
            return Math.min(...points) - svg.getBoundingClientRect().top;
        })"""
    )
    assert len(tops) == 2
    assert max(tops) < 40


def test_the_course_of_licences_is_that_of_the_table(release: Release, altered: Altered, open_page: OpenPage) -> None:
    product, sku = release.query(
        "admin", "select product_name, sku_id from license_inventory where sku_part_number = 'SPE_E3'"
    )[0]
    path = altered(
        # A course of forty days of one product, of which two were not read.
        f"delete from license_inventory_daily where sku_id <> '{sku}'",
        """
        insert into license_inventory_daily
        select * replace (cast(observed_on - cast(back as int) as date) as observed_on, assigned - back as assigned,
            enabled - 10 * (back // 20) as enabled)
        from license_inventory_daily, range(1, 40) as days(back) where back not in (10, 11)
        """.replace("select *", "select * exclude (back)"),
    )
    opened = open_page(path, "licences?period=28")
    with duckdb.connect(str(path.with_name(DATABASE_NAME)), read_only=True) as con:
        expected = con.execute(
            f"""
            select strftime(day, '%-d %b %Y'), enabled, assigned
            from (select unnest(generate_series(max(observed_on) - 27, max(observed_on), interval 1 day)) as day
                  from license_inventory_daily)
            left join license_inventory_daily on observed_on = day and sku_id = '{sku}' order by day
            """
        ).fetchall()
    shown = [(row[1], figure(row[2]), figure(row[3])) for row in opened.rows("lic-trend")]
    assert shown == expected
    assert [row[0] for row in shown if row[2] is None] == [row[0] for row in expected if row[1] is None] != []
    panel = opened.panel("lic-trend")
    assert f"{product} +10 purchased and +27 assigned" in (panel.locator(".finding").text_content() or "")
    lines = panel.locator("svg .mark-line path").evaluate_all("all => all.map(one => one.getAttribute('d'))")
    for line in lines:
        assert line.count("M") == 2, "two days without a reading are a gap"
        points = [tuple(map(float, point.split(","))) for point in re.findall(r"[\d.]+,[\d.]+", line.split("M")[1])]
        assert len(points) > 10
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in itertools.pairwise(points)), "steps, not slopes"
    opened.show("licences?period=7")
    assert len(opened.rows("lic-trend")) == 7


def test_departments_then_and_now(altered: Altered, open_page: OpenPage) -> None:
    path = altered(
        "create temp table newest as from usage_weekly where week_start = '2026-10-19'",
        "delete from usage_weekly",
        """
        insert into usage_weekly
        select * exclude (back) replace (cast(week_start - cast(7 * back as int) as date) as week_start,
            cast(week_end - cast(7 * back as int) as date) as week_end, active_rate * (1 - back / 50) as active_rate)
        from newest, range(0, 16) as weeks(back)
        """,
    )
    opened = open_page(path, "departments")
    with duckdb.connect(str(path.with_name(DATABASE_NAME)), read_only=True) as con:
        expected = con.execute(
            """
            select case when is_total then 'Whole company' else department end,
                100 * avg(active_rate) filter (week_start < '2026-08-01'),
                100 * avg(active_rate) filter (week_start > '2026-09-27')
            from usage_weekly where app = 'suite' group by all order by 1
            """
        ).fetchall()
    shown = sorted(opened.rows("dept-change"))
    assert [row[0] for row in shown] == [row[0] for row in expected]
    for row, rates in zip(shown, expected, strict=True):
        assert [float(cell.rstrip("%")) for cell in row[1:3]] == pytest.approx(rates[1:], abs=0.06)
    assert opened.panel("dept-change").locator("svg .mark-symbol.role-mark path").count() == 2 * len(expected)
