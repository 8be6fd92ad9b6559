"""The figures that a run ends with, read from the published copy."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from pipelines.cli.published import note_on_people, open_published
from pipelines.cli.query import print_table
from pipelines.publish.page.names import PAGE_NAME
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.settings import Settings
from pipelines.warehouse.publish import DATABASE_NAME

_SUITE = """
select
    '  ' || string_agg(a.display_name, ', ' order by a.sort_order) as suite,
    any_value(s.active_users), any_value(s.suite_user_days), any_value(s.app_user_days), any_value(s.days_with_data),
    any_value(s.provisional_days),
    any_value(s.window_start), any_value(s.window_end)
from suite_usage_28d as s, apps as a
where a.in_suite
group by s.tenant_id
order by s.tenant_id
"""
_APPS = """
select
    case when a.in_suite then a.display_name else a.display_name || ' (on its own)' end as app,
    u.active_users as people, u.user_days as "days of use",
    cast(u.avg_days_per_user as decimal(9, 1)) as "per person",
    u.desktop_users as desktop, u.mobile_users as mobile, u.web_users as web
from app_usage_28d as u
inner join apps as a on a.app = u.app
order by u.tenant_id, a.sort_order
"""
_LICENSES = """
select
    product_name as product, enabled as purchased, assigned, unassigned, over_assigned as over,
    assigned_on_expired as expired, renewal_date as renewal
from license_inventory
where applies_to = 'User'
order by tenant_id, assigned desc, product_name
"""
_GIVE_BACK = """
select
    s.product_name as product, u.holders, u.active_28d as "active 28 d", s.reclaimable as "take back",
    s.unassigned as spare, s.exposure || ' ' || s.currency as "cost a month"
from license_savings as s
inner join license_utilization as u on u.tenant_id = s.tenant_id and u.sku_id = s.sku_id
where s.exposure_units > 0
order by s.tenant_id, s.exposure desc nulls last, s.product_name
"""
_IN_GRACE = """
select string_agg(warning || ' of ' || product_name, ', ' order by product_name)
from license_inventory
where applies_to = 'User' and warning > 0
"""
_WITHOUT_PRICE = """
select count(*) from license_inventory
where applies_to = 'User' and unit_price is null and not is_free and not coalesce(is_trial, false) and assigned > 0
"""
_QUERIES = (
    "from suite_usage_daily order by report_date desc limit 7",
    "select user_principal_name, product_name, reason, last_use_on, monthly_saving from reclaimable_licenses limit 10",
    "select department, count(distinct user_key) as people, count(*) as excel_days "
    "from user_app_days join users using (tenant_id, user_key) where app = 'excel' group by all order by all",
    "select display_name, department, last_used_on, user_days from user_app_usage_28d "
    "join users using (tenant_id, user_key) where app = 'teams' and usage_level = 'core' limit 10",
)


def print_summary(settings: Settings, console: Console) -> None:
    """Both suite totals, the five apps, Teams on a line of its own, licences, where the files are, what to ask."""
    with open_published(settings) as con:
        named = "people under pseudonyms" if note_on_people(con) else "people by name"
        for suite, people, suite_days, app_days, days, settling, start, end in con.execute(_SUITE).fetchall():
            observed = f"{days} days with data, {settling} of them still settling"
            console.print(f"\nOffice suite, {start} to {end} ({observed})", style="bold", highlight=False)
            console.print(suite, style="dim", highlight=False)
            console.print(
                f"  people    {people:>9,}   distinct people who used any of the five\n"
                f"  app-days  {app_days:>9,}   the five apps' days of use, summed up (suite days: {suite_days:,})\n"
                "  Teams stands on its own and is in neither.\n",
                highlight=False,
            )
        tables = (("Apps", _APPS), ("Licences", _LICENSES), ("What can be given back", _GIVE_BACK))
        for title, sql in tables:
            console.print(title, style="bold")
            result = con.execute(sql)
            print_table(console, [column[0] for column in result.description], result.fetchall())
        (in_grace,) = con.execute(_IN_GRACE).fetchone() or (None,)
        if in_grace:
            # Without it a product with more assigned than purchased, and none over, looks like a mistake.
            console.print(f"  In grace after expiry, still usable: {in_grace}.", highlight=False, soft_wrap=True)
        (unpriced,) = con.execute(_WITHOUT_PRICE).fetchone() or (0,)
        if unpriced:
            console.print(
                f"  Products in use without a price: {unpriced}; their cost is unknown (docs/rules.md).",
                highlight=False,
            )
    console.print("Files", style="bold")
    for link, who in (("published", "aggregates, may be shared"), ("published_admin", named)):
        folder = _from_here(settings.data_dir / link)
        console.print(f"  {folder / DATABASE_NAME}  ({who})", markup=False, highlight=False, soft_wrap=True)
        for name in (PAGE_NAME, WORKBOOK_NAME):
            console.print(f"  {folder / name}", markup=False, highlight=False, soft_wrap=True)
    console.print("\nTry", style="bold")
    prefix = "" if settings.data_dir.name != "demo" else f"M365_DATA_DIR={_from_here(settings.data_dir)} "
    for sql in _QUERIES:
        console.print(f'  {prefix}.venv/bin/m365-usage query "{sql}"', markup=False, highlight=False, soft_wrap=True)


def _from_here(path: Path) -> Path:
    """The path as it is named from the current directory, where it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
