"""The page's filters: what they show is what a query counts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

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
