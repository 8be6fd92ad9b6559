"""Once a week: the figures that matter, and one picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from pipelines.notify.message import Message, Mood
from pipelines.notify.picture import draw
from pipelines.settings import Settings
from pipelines.warehouse.publish import DATABASE_NAME
from pipelines.warehouse.releases import BUILDS

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# More would not fit into a card of Teams.
_MOST_TENANTS = 5
NO_FIGURE = "\u2013"
# The picture is of the whole: with several tenants only of the largest, which is named.
_FIGURES = """
select
    t.tenant_id, coalesce(t.name, t.tenant_id) as name, t.data_through,
    s.window_start, s.window_end, s.days_with_data, s.missing_days, s.active_users as people, s.app_user_days,
    s.change_rate, teams.active_users as teams_people, teams.user_days as teams_days
from tenants as t
left join suite_usage_28d as s on s.tenant_id = t.tenant_id
left join app_usage_28d as teams on teams.tenant_id = t.tenant_id and teams.app = 'teams'
order by s.active_users desc nulls last, name
"""
_LICENSES = """
select sum(assigned), sum(unassigned), sum(over_assigned)
from license_inventory
where
    tenant_id = $tenant and applies_to = 'User'
    and not is_free and not coalesce(is_trial, false) and not looks_unlimited
"""
_BACK = """
select sum(reclaimable), count(*) filter (where reclaimable is null) from license_savings where tenant_id = $tenant
"""
_SPARE = """
select currency, sum(exposure) from license_savings
where tenant_id = $tenant and exposure > 0 group by currency order by currency
"""
_LINES = """
select report_date, 'Office suite' as what, active_users, day_state <> 'final' as settling
from suite_usage_daily where tenant_id = $tenant and report_date >= $start
union all
select report_date, 'Teams' as what, active_users, day_state <> 'final' as settling
from app_usage_daily where tenant_id = $tenant and app = 'teams' and report_date >= $start
order by 2, 1
"""


@dataclass(frozen=True)
class _Licenses:
    assigned: int | None
    unassigned: int | None
    over: int | None


def digest_week(settings: Settings) -> str | None:
    """The digest that is due, named by the day of it; None when there is to be none.

    On the chosen day, or the first run after it, so that a week whose day was missed has its digest all the same.
    """
    if settings.notify_digest_day == "never":
        return None
    today = settings.today_utc
    due = today - timedelta(days=(today.weekday() - _DAYS.index(settings.notify_digest_day)) % 7)
    return due.isoformat()


def digest(settings: Settings) -> Message | None:
    """The digest of what is published; None before anything is."""
    path = settings.data_dir / BUILDS["shareable"] / DATABASE_NAME
    if not path.is_file():
        return None
    with duckdb.connect(str(path), read_only=True) as con:
        result = con.execute(_FIGURES)
        names = [column[0] for column in result.description]
        tenants = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        tenants = [tenant for tenant in tenants if tenant["window_end"] is not None]
        if not tenants:
            return None
        facts: list[tuple[str, str]] = []
        for tenant in tenants[:_MOST_TENANTS]:
            facts += _facts(con, tenant, with_name=len(tenants) > 1)
        if len(tenants) > _MOST_TENANTS:
            facts.append(("Other tenants", f"{len(tenants) - _MOST_TENANTS}, on the page"))
        first = tenants[0]
        lines = _lines(con, first)
    words = _words(first, lines, with_name=len(tenants) > 1)
    return Message(
        f"The week in Microsoft 365, data as of {first['data_through']}",
        Mood.DIGEST,
        (f"{first['window_start']} to {first['window_end']}; counts of people, nobody by name.",),
        tuple(facts),
        link=settings.notify_page_url,
        picture=draw(lines),
        picture_words=words,
    )


def _facts(con: duckdb.DuckDBPyConnection, tenant: dict[str, Any], *, with_name: bool) -> list[tuple[str, str]]:
    key = {"tenant": tenant["tenant_id"]}
    licenses = _Licenses(*(con.execute(_LICENSES, key).fetchone() or (None, None, None)))
    back, hidden = con.execute(_BACK, key).fetchone() or (None, 0)
    spare = [f"{amount:,.0f} {currency}" for currency, amount in con.execute(_SPARE, key).fetchall()]
    change = tenant["change_rate"]
    trend = f" ({change:+.1%} against the 28 days before)" if change is not None else ""
    missing = f", {tenant['missing_days']} without" if tenant["missing_days"] else ""
    facts = [
        ("Office suite: people", _number(tenant["people"]) + trend),
        ("Office suite: app-days", f"{_number(tenant['app_user_days'])}, its five apps summed up"),
        ("Teams on its own", f"{_number(tenant['teams_people'])} people, {_number(tenant['teams_days'])} days of use"),
        (
            "Paid licences",
            f"{_number(licenses.assigned)} assigned, {_number(licenses.unassigned)} unassigned"
            + (f", {licenses.over:,} over-assigned" if licenses.over else ""),
        ),
        ("Can be taken back", _number(back) + _hidden(hidden)),
        ("Paid for and not needed", f"{' and '.join(spare)} a month" if spare else "unknown without prices"),
        ("Days with data", f"{tenant['days_with_data']}{missing}"),
    ]
    return [(f"{tenant['name']}, {label}", value) for label, value in facts] if with_name else facts


def _hidden(products: int) -> str:
    if not products:
        return ""
    return f"; {products} product{'' if products == 1 else 's'} with small groups not counted"


def _lines(con: duckdb.DuckDBPyConnection, tenant: dict[str, Any]) -> list[dict[str, Any]]:
    rows = con.execute(_LINES, {"tenant": tenant["tenant_id"], "start": tenant["window_start"]}).fetchall()
    return [{"day": day, "what": what, "people": people, "settling": settling} for day, what, people, settling in rows]


def _words(tenant: dict[str, Any], lines: list[dict[str, Any]], *, with_name: bool) -> str:
    """What the picture shows, for those who do not see it."""
    parts = []
    for what in ("Office suite", "Teams"):
        found = [row for row in lines if row["what"] == what and row["people"] is not None and _is_weekday(row["day"])]
        if found:
            mean = sum(row["people"] for row in found) / len(found)
            parts.append(f"{what} {mean:,.0f}")
    of = f" of {tenant['name']}" if with_name else ""
    return (
        f"People{of} on a working day, on average: {', '.join(parts) or 'not known yet'}. Teams is in no suite figure."
    )


def _is_weekday(day: date) -> bool:
    return day.weekday() < 5


def _number(value: int | None) -> str:
    return NO_FIGURE if value is None else f"{value:,}"
