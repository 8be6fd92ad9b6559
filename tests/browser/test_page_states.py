"""What the page says when figures are concealed, missing, old, unknown, or those of several tenants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.browser.conftest import NO_FIGURE, Opened, Release

OpenPage = Callable[..., Opened]
Altered = Callable[..., Path]


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
    assert "Days lost: 3. 12 Oct 2026 to 14 Oct 2026" in banners
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


def test_old_data_are_marked(altered: Altered, open_page: OpenPage) -> None:
    tones = {2: [], 5: ["warn"], 8: ["bad"]}
    path = altered(
        "create temp table first as from tenants",
        "delete from tenants",
        *(
            f"insert into tenants select * replace ('t{days}' as tenant_id, date '2026-10-30' - {days} as data_through)"
            " from first"
            for days in tones
        ),
    )
    for days, tone in tones.items():
        line = open_page(path, f"overview?tenant=t{days}").page.locator("#as-of")
        assert f"{days} days behind" in (line.text_content() or "")
        assert (line.get_attribute("class") or "").split()[1:] == tone


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


def test_a_made_up_tenant_is_said_to_be_one(release: Release, altered: Altered, open_page: OpenPage) -> None:
    opened = open_page(release.page("shareable"), "licences")
    assert (opened.page.locator(".banner.sample").text_content() or "").startswith("Sample data.")
    real = open_page(altered("update tenants set domain = 'contoso.com'"))
    assert real.page.locator(".banner.sample").count() == 0


def test_days_that_may_change_are_marked_until_they_are_settled(
    release: Release, altered: Altered, open_page: OpenPage
) -> None:
    dashed = "path[stroke-dasharray='3,3'][d*=L]"
    opened = open_page(release.page("admin"), "suite")
    assert "may still change" in opened.panel("suite-daily").locator("svg text").all_text_contents()
    assert opened.panel("suite-daily").locator(dashed).count() == 2
    settled = altered(
        *(f"update {table} set day_state = 'final'" for table in ("suite_usage_daily", "app_usage_daily"))
    )
    opened = open_page(settled, "suite")
    assert "may still change" not in opened.panel("suite-daily").locator("svg text").all_text_contents()
    assert opened.panel("suite-daily").locator(dashed).count() == 0


def test_days_older_than_every_period_are_left_to_the_database(altered: Altered, open_page: OpenPage) -> None:
    old = "cast(report_date - interval 400 day as date) as report_date"
    tables = ("suite_usage_daily", "app_usage_daily", "report_days")
    path = altered(*(f"insert into {table} select * replace ({old}) from {table}" for table in tables))
    assert '"Office suite","2025-09' not in path.read_text(encoding="utf-8")
    opened = open_page(path, "suite?period=180&days=all")
    assert len(opened.rows("suite-daily")) == 56


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
