"""120 days of a simulated company: every figure about people, licences and money equals the company's own truth.

What must come out is worked out in tests.truth.expected and expected_use, from the definitions and the truth alone.
"""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.simulator import skus
from tests.truth.conftest import DAYS, PRICES, Bench, periods, true_periods
from tests.truth.expected import Held
from tests.truth.expected_use import ALL, LINES
from tests.truth.history import TODAY


def test_the_company_has_everything_that_can_go_wrong(bench: Bench) -> None:
    """Otherwise the other tests would say little."""
    kinds = {kind for person in bench.company.truth.people for kind in person.kinds}
    assert kinds >= {"leaver", "deleted", "renamed", "joiner", "idle", "never_used", "on_leave", "teams_only", "rehire"}
    assert kinds >= {"guest", "shared_mailbox", "service_account"}
    reasons = set(bench.company.waste(TODAY).values())
    assert reasons == {"disabled", "never_used", "idle", "overlapping_sku", "duplicate_assignment"}
    ended = [held for held in bench.company.assignments if held.valid_to is not None]
    assert len(ended) > 5
    assert any(not held.is_held for held in bench.company.assignments)


def test_every_person_day_is_the_true_one(bench: Bench) -> None:
    """Renamed, deleted and hired-again people included: 147 days, each with exactly who used what."""
    company = bench.company
    wanted = {
        (day, user_id, app)
        for day in company.days(company.first_day, company.last_day)
        for user_id, apps in company.use[day].items()
        for app in apps
    }
    found = bench.history.query(
        "select report_date, user_id, app from user_app_days left join raw.user_keys using (tenant_id, user_key)"
    )
    assert len(found) == len(set(found))
    assert set(found) == wanted
    states = bench.history.query("select count(*), count(distinct report_date), max(day_state) from suite_usage_daily")
    assert states[0][:2] == (DAYS + 27, DAYS + 27)


def test_licence_periods_are_the_true_ones_also_after_a_rebuild(bench: Bench) -> None:
    wanted = true_periods(bench.company)
    assert periods(bench.history) == wanted
    if not bench.is_thrifty:
        assert periods(bench.loaded) == wanted
    # Equal rows give equal periods: all that the models read of people and licences.
    for table in ("users", "user_licenses", "deleted_users", "user_keys", "upn_keys", "m365_app_user_days"):
        sql = f"from raw.{table} order by all"
        assert bench.history.query(sql) == bench.loaded.query(sql), table


def test_units_of_every_day_are_the_true_ones(bench: Bench) -> None:
    wanted = {
        (day, sku["skuId"], sku["consumedUnits"], sku["prepaidUnits"]["enabled"], sku["prepaidUnits"]["warning"])
        for day in bench.history.days
        for sku in bench.history.tenant.with_today(day).subscribed_skus()
    }
    sql = "select observed_on, sku_id, assigned, enabled, warning from license_inventory_daily"
    assert set(bench.history.query(sql)) == wanted


def test_kinds_of_accounts(bench: Bench) -> None:
    """Rooms without a licence look like shared mailboxes, as documented; service accounts are told by the list."""
    found = dict(
        bench.history.query(
            """
            select user_id, account_kind from intermediate.int_accounts
            inner join raw.user_keys using (tenant_id, user_key)
            """
        )
    )
    wanted = {person.user_id: _kind(person.kinds) for person in bench.company.known_people}
    assert {user_id: found.get(user_id) for user_id in wanted} == wanted


def _kind(kinds: frozenset[str]) -> str:
    if "room_mailbox" in kinds:
        return "shared_mailbox"
    return next((kind for kind in ("guest", "shared_mailbox", "service_account") if kind in kinds), "member")


def test_utilisation(bench: Bench) -> None:
    found = {row["sku_id"]: row for row in bench.history.table("license_utilization")}
    wanted = bench.company.utilization()
    assert found.keys() == wanted.keys()
    for sku_id, (holders, active, disabled) in wanted.items():
        row = found[sku_id]
        part = skus.BY_ID[sku_id].part_number
        inactive = None if active is None else holders - active
        assert (row["holders"], row["active_28d"], row["inactive_28d"]) == (holders, active, inactive), part
        assert row["disabled_accounts"] == disabled, part
        price = PRICES.get(sku_id)
        assert row["monthly_cost"] == (None if price is None else pytest.approx(holders * price)), part
        if active is not None and holders:
            assert row["utilization_rate"] == pytest.approx(active / holders), part


def test_exactly_those_licences_can_be_taken_back(bench: Bench) -> None:
    company = bench.company
    wanted = company.waste(TODAY)
    held = {(licence.user_id, licence.sku_id): licence for licence in company.held(TODAY)}
    rows = bench.history.query(
        """
        select user_id, sku_id, reason, held_since, last_use_on, observed_days, removable, monthly_cost, monthly_saving
        from reclaimable_licenses inner join raw.user_keys using (tenant_id, user_key)
        """
    )
    assert {(row[0], row[1]): row[2] for row in rows} == wanted
    assert len(rows) == len(wanted)
    for user_id, sku_id, reason, held_since, last_use_on, observed_days, removable, cost, saving in rows:
        licence = held[user_id, sku_id]
        assert held_since == licence.since
        last = company.last_use(user_id, licence.apps, company.last_day)
        assert last_use_on == (last if last and last >= company.first_day else None)
        if reason in ("never_used", "idle"):
            assert observed_days == company.unused_days(licence, company.last_day)
        assert removable == _way_back(licence, reason)
        price = PRICES.get(sku_id)
        assert cost == (None if price is None else pytest.approx(price))
        assert saving == (0 if reason == "duplicate_assignment" else cost)


def _way_back(licence: Held, reason: str) -> str:
    """Of a duplicate the direct assignment goes, and the group's stays."""
    if licence.is_twice:
        return "direct" if reason == "duplicate_assignment" else "both"
    return "direct" if licence.sources[0].assigned_by_group is None else "group"


def test_savings_are_three_figures(bench: Bench) -> None:
    found = {row["sku_id"]: row for row in bench.history.table("license_savings")}
    wanted = bench.company.savings({sku["skuId"]: sku for sku in bench.history.tenant.subscribed_skus()})
    assert found.keys() == wanted.keys()
    for sku_id, (reclaimable, exposure, reassignable, reducible) in wanted.items():
        row, price, part = found[sku_id], PRICES.get(sku_id), skus.BY_ID[sku_id].part_number
        assert row["reclaimable"] == reclaimable, part
        units = (row["exposure_units"], row["reassignable_units"], row["reducible_units"])
        assert units == (exposure, reassignable, reducible), part
        assert row["exposure"] == (None if price is None else pytest.approx(exposure * price)), part


def test_waste_of_past_months(bench: Bench) -> None:
    """As of the end of each month of which every report day is known, what came and what went."""
    found = {(row["judged_on"], row["sku_id"]): row for row in bench.history.table("waste_monthly")}
    ends = [date(2026, 7, 31), date(2026, 8, 31), date(2026, 9, 30), TODAY]
    assert sorted({day for day, _ in found}) == ends
    before: set[tuple[str, str]] | None = None
    for day in ends:
        waste = bench.company.waste(day, lag_days=0 if day < TODAY else 2)
        listed = {licence for licence, reason in waste.items() if reason != "duplicate_assignment"}
        held = {(licence.user_id, licence.sku_id) for licence in bench.company.held(day)}
        for sku_id in {sku_id for _, sku_id in listed | (before or set())}:
            row, part = found[day, sku_id], (day, skus.BY_ID[sku_id].part_number)
            of_sku = {licence for licence in listed if licence[1] == sku_id}
            assert row["reclaimable"] == len(of_sku), part
            if before is None:
                assert row["new_waste"] is None, part
                continue
            earlier = {licence for licence in before if licence[1] == sku_id}
            assert row["new_waste"] == len(of_sku - earlier), part
            assert row["realised"] == len(earlier - held), part
            assert row["used_again"] == len((earlier & held) - of_sku), part
        before = listed


def test_cost_by_department(bench: Bench) -> None:
    wanted: dict[tuple[str, str], int] = {}
    for licence in bench.company.held(TODAY):
        key = (bench.use.department(licence.user_id), licence.sku_id)
        wanted[key] = wanted.get(key, 0) + 1
    found = {(row["department"], row["sku_id"]): row for row in bench.history.table("license_cost_by_department")}
    assert {key: row["licenses"] for key, row in found.items()} == wanted
    for (_, sku_id), row in found.items():
        price = 0 if row["is_free"] else PRICES.get(sku_id)
        cost = None if row["is_free"] or price is None else pytest.approx(row["licenses"] * price)
        assert row["monthly_cost"] == cost


def test_windows_of_use(bench: Bench) -> None:
    rows = bench.history.table("app_usage_windows")
    found = {
        (row["app"], row["department"], row["window_days"], row["day_kind"]): (
            row["active_users"],
            row["user_days"],
            row["licensed_users"],
            row["licensed_active_users"],
        )
        for row in rows
    }
    assert len(found) == len(rows)
    assert {key: row for key, row in found.items() if any(row)} == bench.use.windows()


def test_weeks_of_use(bench: Bench) -> None:
    rows = [row for row in bench.history.table("usage_weekly") if row["is_complete"] and row["license_known"]]
    columns = ("active_users", "licensed_users", "licensed_active_users")
    found = {(row["app"], row["department"], row["week_start"]): tuple(row[name] for name in columns) for row in rows}
    wanted = {
        (line, department, monday): counts
        for line in LINES
        for monday in bench.use.whole_weeks()
        for department, counts in bench.use.week(line, monday).items()
    }
    assert len(bench.use.whole_weeks()) == 17
    assert {key: row for key, row in found.items() if any(row)} == wanted


def test_adoption(bench: Bench) -> None:
    rows = bench.history.table("adoption_by_department")
    found = {(row["app"], row["department"]): row for row in rows if row["licensed_users"]}
    wanted = bench.use.adoption()
    assert found.keys() == wanted.keys()
    for key, adoption in wanted.items():
        row = found[key]
        assert (row["licensed_users"], row["active_users"]) == (adoption.licensed, adoption.active), key
        assert row["adoption_rate"] == pytest.approx(adoption.rate), key
        assert row["weeks"] == 4


def test_who_comes_back(bench: Bench) -> None:
    rows = {(row["app"], row["month_start"]): row for row in bench.history.table("engagement_monthly")}
    for line in LINES:
        for month in (date(2026, 7, 1), date(2026, 8, 1), date(2026, 9, 1)):
            row, wanted = rows[line, month], bench.use.engagement(line, month)
            assert {name: row[name] for name in wanted} == wanted, (line, month)
            assert row["stickiness"] == pytest.approx(bench.use.stickiness(line, month)), (line, month)
    assert rows["suite", date(2026, 9, 1)]["first_time_users"] is not None
    assert rows["suite", date(2026, 7, 1)]["first_time_users"] is None


def test_suite_or_teams(bench: Bench) -> None:
    columns = ("suite_only_users", "both_users", "teams_only_users")
    for row in bench.history.table("suite_teams_segments"):
        assert tuple(row[name] for name in columns) == bench.use.segments(row["month_start"]), row["month_start"]


def test_depth_of_use(bench: Bench) -> None:
    found = {(row["department"], row["band"]): row["people"] for row in bench.history.table("usage_depth")}
    assert {key: people for key, people in found.items() if people} == bench.use.depth()
    assert sum(people for (name, _), people in found.items() if name != ALL) == sum(
        people for (name, _), people in found.items() if name == ALL
    )


def test_levels_of_use(bench: Bench) -> None:
    found = bench.history.query(
        """
        select user_id, app, user_days, first_used_on, last_used_on, usage_level
        from user_app_usage_28d inner join raw.user_keys using (tenant_id, user_key)
        """
    )
    assert {(user_id, app): tuple(row) for user_id, app, *row in found} == bench.use.levels()
    assert {row[5] for row in found} == {"core", "regular", "occasional"}


def test_our_counts_are_those_of_the_service(bench: Bench) -> None:
    """Corrected days too: the service's newest counts know of the correction, and so do we."""
    rows = bench.history.table("reconciliation_daily")
    days = bench.use.collected(bench.company.first_day, bench.company.last_day)
    counts = {day: bench.use.counts(day) for day in days}
    assert len(rows) == len(days) * 6
    for row in rows:
        named, unknown = counts[row["report_date"]][row["app"]]
        assert (row["active_users"], row["unknown_users"]) == (named, unknown), (row["report_date"], row["app"])
        assert (row["microsoft_users"], row["difference"]) == (named + unknown, 0), (row["report_date"], row["app"])
