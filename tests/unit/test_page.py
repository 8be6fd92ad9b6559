"""The page's words and data, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.publish.page.facts import Facts, department_of, marked
from pipelines.publish.page.headline import spare_before
from pipelines.publish.page.licence_given_back import given_back_panel
from pipelines.publish.page.licence_view import licences_view
from pipelines.publish.page.licences import money, totals
from pipelines.publish.page.model import plain
from pipelines.publish.page.read import Published
from pipelines.publish.page.use import _courses
from pipelines.publish.page.vega import vega_script
from pipelines.publish.page.write import content, embedded, write_page
from pipelines.publish.sample import is_sample

TODAY = date(2026, 10, 30)


def days(first: date, *states: str) -> list[dict[str, Any]]:
    """Consecutive days; a state that is no observation has no figure."""
    return [
        {"report_date": first + timedelta(days=place), "day_state": state, "users": 5 if state in SEEN else None}
        for place, state in enumerate(states)
    ]


SEEN = ("final", "provisional", "unsettled_lost")


def test_the_dashed_line_starts_at_the_last_settled_day() -> None:
    found = marked(days(date(2026, 10, 19), "final", "final", "provisional", "provisional"), "users")
    assert [(row["settling"], row["joins"]) for row in found] == [
        (False, False),
        (False, True),
        (True, False),
        (True, False),
    ]


def test_weekdays_join_over_the_weekend() -> None:
    friday = date(2026, 10, 16)
    found = marked(days(friday, "final", "final", "final", "provisional"), "users")
    assert [(row["weekday"], row["joins"]) for row in found] == [
        (True, True), (False, False), (False, True), (True, False),
    ]  # fmt: skip


def test_a_day_without_data_neither_settles_nor_joins() -> None:
    found = marked(days(date(2026, 10, 19), "final", "lost", "provisional"), "users")
    assert [(row["settling"], row["joins"]) for row in found] == [(False, False), (False, False), (True, False)]


def test_currencies_are_never_added_and_unknown_is_not_zero() -> None:
    rows: list[dict[str, Any]] = [
        {"cost": Decimal(10), "currency": "EUR"},
        {"cost": Decimal(5), "currency": "EUR"},
        {"cost": Decimal(7), "currency": "USD"},
        {"cost": None, "currency": None},
    ]
    assert money(totals(rows, "cost")) == "15 EUR and 7 USD"
    assert money(totals(rows[3:], "cost")) == "unknown cost"


def test_no_text_can_end_the_block_of_data() -> None:
    hostile = "</script><!-- \u2028 &lt;"
    text = embedded([hostile])
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == [hostile]


def test_values_become_json() -> None:
    assert plain({"a": (Decimal("1.5"), float("nan"), date(2026, 1, 2))}) == {"a": [1.5, None, "2026-01-02"]}


@pytest.fixture
def database(tmp_path: Path) -> Callable[[str], Path]:
    def make(sql: str) -> Path:
        path = tmp_path / "m365_usage.duckdb"
        with duckdb.connect(str(path)) as con:
            con.execute(sql)
        return path

    return make


TENANT = "create table tenants as select 't' as tenant_id, 'Contoso' as name, null::date as data_through"


def test_a_build_without_any_figures_says_so_everywhere(database: Callable[[str], Path]) -> None:
    path = database(TENANT)
    with Published(path) as db:
        (tenant,) = content(db, TODAY)["tenants"]
    assert tenant["lag_days"] is None
    for view in tenant["views"]:
        for panel in view["panels"]:
            if panel["kind"] == "tiles" or panel["id"] == "dict-metrics":
                continue
            for variant in panel["variants"]:
                assert variant["empty"] or panel["rows"] or variant["rows"], panel["id"]


def test_no_tenant_is_a_page_too(database: Callable[[str], Path]) -> None:
    path = write_page(database("create table publish_info (name varchar, value varchar)"), TODAY)
    assert '"tenants":[]' in path.read_text(encoding="utf-8")


def test_a_department_called_all_is_not_the_company() -> None:
    rows = [{"department": "All", "is_total": True}, {"department": "All", "is_total": False}]
    assert [department_of(row) for row in rows] == ["All", "All (department)"]


def test_the_drawing_library_is_put_together_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr("pipelines.publish.page.vega._bundle", lambda: made.append("x") or "drawing;")
    for _ in range(2):
        vega_script.cache_clear()  # as in another process
        assert vega_script(tmp_path / "cache") == "drawing;"
    vega_script.cache_clear()
    assert vega_script(None) == "drawing;"
    vega_script.cache_clear()
    assert len(made) == 2
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_spare_licences_are_compared_with_28_days_before(database: Callable[[str], Path]) -> None:
    path = database(
        f"""
        {TENANT};
        create table apps as select 'outlook' as app, 'Outlook' as display_name, 1 as sort_order;
        create table license_inventory as
            select 't' as tenant_id, sku as sku_id, sku as product_name, 'User' as applies_to, 90 as assigned,
                sku = 'free' as is_free, false as is_trial, false as looks_unlimited
            from (values ('e3'), ('free')) as products(sku);
        create table license_inventory_daily as
            select 't' as tenant_id, sku_id, date '2026-10-30' - cast(back as int) as observed_on, back as unassigned
            from license_inventory, range(0, 30, 7) as days(back)
        """
    )
    with Published(path) as db:
        assert spare_before(Facts(db, {"tenant_id": "t"})) == 28, "the free product is no licence to spare"
        assert spare_before(Facts(db, {"tenant_id": "other"})) is None


GIVEN_BACK = f"""
    {TENANT};
    create table realised_savings as
        select 't' as tenant_id, sku as sku_id, product as product_name, cast(month as date) as saving_month,
            taken as taken_back, again as assigned_again, free as still_free,
            cast(saving as decimal(18, 2)) as realised_monthly_saving, currency
        from (values
            ('e3', 'E3', '2026-09-01', 5, 0, 5, 165.00, 'EUR'), ('e3', 'E3', '2026-10-01', 2, 1, 6, 198.00, 'EUR'),
            ('v', 'Visio', '2026-10-01', 1, 0, 1, null, null)
        ) as v(sku, product, month, taken, again, free, saving, currency);
"""
ACTION_LOG = """
    create table action_log as
        select 't' as tenant_id, plan as plan_digest, timestamptz '2026-10-01 08:00:00+00' as ended_at,
            case when outcome = 'done' then timestamptz '2026-10-01 08:00:00+00' end as done_at,
            confirmed as is_confirmed, cast(reversed_on as date) as reversed_on
        from (values ('a', 'done', true, null), ('a', 'done', false, '2026-10-20'), ('b', 'done', null, null),
            ('c', 'failed', null, null)) as v(plan, outcome, confirmed, reversed_on);
"""


def test_what_was_given_back_stands_on_the_admin_page(database: Callable[[str], Path]) -> None:
    with Published(database(GIVEN_BACK + ACTION_LOG)) as db:
        panel = given_back_panel(Facts(db, {"tenant_id": "t"}))
        assert panel
        assert panel.variants[0].finding == (
            "Steps done: 3, of plans: 2; confirmed since: 1; undone since: 1. "
            "Free by now: 7 licences, 198 EUR a month (1 of them without a price)."
        )
        assert [row[:5] for row in panel.rows] == [
            [date(2026, 10, 1), "E3", 2, 1, 6], [date(2026, 10, 1), "Visio", 1, 0, 1],
            [date(2026, 9, 1), "E3", 5, 0, 5],
        ]  # fmt: skip
        assert given_back_panel(Facts(db, {"tenant_id": "other"})) is None, "nothing was, and nothing is said"
        assert "lic-given-back" in [one.id for one in licences_view(Facts(db, {"tenant_id": "t"})).panels]


def test_and_not_on_the_shareable_one(database: Callable[[str], Path]) -> None:
    with Published(database(GIVEN_BACK)) as db:
        assert given_back_panel(Facts(db, {"tenant_id": "t"})) is None


def test_a_course_needs_two_days_on_either_side() -> None:
    monday = date(2026, 10, 19)
    rows = [
        {"report_date": monday + timedelta(days=place), "active_users": people}
        for place, people in enumerate([10, 10, None, 12, 12, 99])
    ]
    assert _courses({"Word": rows, "Excel": rows[:2]}, "2026-10-01", "weekdays") == {"Word": "Word +20.0%"}
    assert _courses({"Word": rows}, "2026-10-22", "weekdays") == {}


@pytest.mark.parametrize(
    ("domain", "expected"), [("fabrikam.example", True), ("a.EXAMPLE", True), ("example.com", False), (None, False)]
)
def test_a_made_up_tenant_is_told_by_its_domain(domain: str | None, expected: bool) -> None:
    assert is_sample(domain) is expected


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"build": "shareable", "people": "none"}, "May be shared"),
        ({"build": "admin", "people": "named"}, "names people"),
        ({"build": "admin"}, "names people"),
        ({"build": "admin", "people": "pseudonyms"}, "pseudonyms"),
    ],
)
def test_who_may_see_the_page_stands_on_it(database: Callable[[str], Path], facts: dict[str, str], told: str) -> None:
    rows = ", ".join(f"('{name}', '{value}')" for name, value in facts.items())
    path = database(f"{TENANT}; create table publish_info as from (values {rows}) as t(name, value)")
    assert told in write_page(path, TODAY).read_text(encoding="utf-8").partition("</header>")[0]
