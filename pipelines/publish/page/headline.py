"""The figures that everybody asks for first, of one tenant: on the page's tiles and in ``m365-usage report``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from pipelines.publish.page.facts import Facts
from pipelines.publish.page.licences import totals, unpriced
from pipelines.publish.page.read import ALL, Record

_DAILY_REPORT = "getM365AppUserDetail"
_UNITS = ("enabled", "assigned", "unassigned", "over_assigned", "assigned_on_expired")


@dataclass(frozen=True)
class Use:
    """The last 28 days. app_days: the five apps' days summed up; suite_days: person-days with any of the five.

    Teams is in none of the suite's figures. None: not known, or hidden in this build.
    """

    window_start: date
    window_end: date
    days_with_data: int
    provisional_days: int
    people: int | None
    suite_days: int | None
    app_days: int | None
    change_rate: float | None
    teams_people: int | None
    teams_days: int | None
    teams_change_rate: float | None


@dataclass(frozen=True)
class Paid:
    """The licences of paid products. spare_cost: currency -> cost a month of the unassigned with a known price.

    unpriced_spare: products with unassigned licences whose price is not known; unpriced: those that somebody holds.
    """

    enabled: int
    assigned: int
    unassigned: int
    over_assigned: int
    assigned_on_expired: int
    spare_cost: dict[str, Decimal]
    unpriced_spare: int
    unpriced: int


@dataclass(frozen=True)
class TakeBack:
    """What is held and not needed. licences: None where nothing can be judged, or all is hidden.

    hidden: products left out, as they would tell of small groups. saving: currency -> a month, of known prices.
    """

    licences: int | None
    hidden: int
    saving: dict[str, Decimal]


@dataclass(frozen=True)
class Health:
    """The state of the report days of the last 28, by state; app-days that agree with Microsoft's own counts."""

    days: dict[str, int]
    compared: int
    within_tolerance: int
    last_run: str | None


def use(facts: Facts) -> Use | None:
    """People and days of the suite, and of Teams on its own; None before the first day."""
    suite = next(iter(facts.table("suite_usage_28d", "window_end")), None)
    if suite is None:
        return None
    teams = next((row for row in facts.table("app_usage_28d", "app") if row["app"] == "teams"), {})
    return Use(
        suite["window_start"],
        suite["window_end"],
        suite["days_with_data"],
        suite["provisional_days"],
        suite["active_users"],
        suite["suite_user_days"],
        suite["app_user_days"],
        suite["change_rate"],
        teams.get("active_users"),
        teams.get("user_days"),
        teams.get("change_rate"),
    )


def licensed(facts: Facts) -> int | None:
    """People who hold a licence that includes the suite."""
    found: int | None = facts.window("suite", ALL, 28, "all").get("licensed_users")
    return found


def paid_licences(facts: Facts) -> Paid | None:
    """What is bought and what is held; None where no paid product is known."""
    paid = [row for row in facts.inventory if facts.is_paid(row)]
    if not paid:
        return None
    counts = {key: sum(row[key] or 0 for row in paid) for key in _UNITS}
    spare = [row for row in paid if row["unassigned"]]
    return Paid(
        **counts,
        spare_cost=_monthly(spare, "unassigned"),
        unpriced_spare=sum(1 for row in spare if row["unit_price"] is None),
        unpriced=len(unpriced(facts)),
    )


def spare_before(facts: Facts) -> int | None:
    """The unassigned licences of today's paid products 28 days before the newest reading; None without one then."""
    found = facts.table("license_inventory_daily", "observed_on")
    if not found:
        return None
    then = found[-1]["observed_on"] - timedelta(days=28)
    paid = {row["sku_id"] for row in facts.inventory if facts.is_paid(row)}
    units = [row["unassigned"] or 0 for row in found if row["observed_on"] == then and row["sku_id"] in paid]
    return sum(units) if units else None


def take_back(facts: Facts) -> TakeBack | None:
    """How many licences can be taken back; None where nothing can be judged."""
    savings = facts.table("license_savings", "product_name")
    if not savings:
        return None
    shown = [row for row in savings if row["reclaimable"] is not None]
    products = {row["sku_id"]: row for row in facts.inventory}
    priced = [products[row["sku_id"]] | {"back": row["reclaimable"]} for row in shown if row["sku_id"] in products]
    licences = sum(row["reclaimable"] for row in shown) if shown else None
    return TakeBack(licences, len(savings) - len(shown), _monthly([row for row in priced if row["back"]], "back"))


def health(facts: Facts) -> Health:
    """Whether the figures can be trusted."""
    since = facts.since(28)
    days = [
        row for row in facts.report_days if row["report"] == _DAILY_REPORT and row["report_date"].isoformat() >= since
    ]
    compared = [
        row
        for row in facts.table("reconciliation_daily", "report_date")
        if row["difference"] is not None and row["report_date"].isoformat() >= since
    ]
    runs = facts.table("sync_runs", "started_at desc")
    return Health(
        dict(Counter(row["state"] for row in days)),
        len(compared),
        sum(1 for row in compared if row["is_within_tolerance"]),
        runs[0]["outcome"] if runs else None,
    )


def _monthly(products: list[Record], units: str) -> dict[str, Decimal]:
    """What so many licences of the products with a price cost a month, by currency."""
    return totals([row | {"cost": row["unit_price"] * row[units]} for row in products if row["unit_price"]], "cost")
