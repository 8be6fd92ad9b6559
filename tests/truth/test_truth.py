"""120 days of a simulated company: every figure about people, licences and money equals the company's own truth.

What must come out is worked out in tests.truth.expected, from the definitions and the ground truth alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.simulator import Tenant, TenantSpec, skus
from tests.truth.expected import Company, Held, renames_to_tell
from tests.truth.history import TODAY, History, simulate

DAYS = 120
# Per month; the others have no price.
PRICES = {skus.E5.sku_id: 57.0, skus.E3.sku_id: 36.0, skus.F3.sku_id: 8.0, skus.VISIO_PLAN_2.sku_id: 15.0}


@dataclass(frozen=True)
class Bench:
    """A company's tables, and what they must say."""

    history: History
    company: Company
    folder: Path


def corrected(tenant: Tenant) -> Tenant:
    """Some days change when they are three days old: rows go and come, flags are switched."""
    for age in (9, 24, 45, 80):
        day = TODAY - timedelta(days=age)
        tenant.correct(day, drop=2, switch_off=2, switch_on=2, app="Word", seen_from=day + timedelta(days=3))
    return tenant


def write_rules(history: History, company: Company) -> None:
    """What the user tells: prices (one per year), the service accounts, renames from before the first sync."""
    folder = history.rules_dir
    folder.mkdir()
    lines = ["sku,price,currency,per"]
    lines += [f"{sku_id},{price},EUR,month" for sku_id, price in PRICES.items() if sku_id != skus.F3.sku_id]
    lines += [f"{skus.F3.part_number},{PRICES[skus.F3.sku_id] * 12},EUR,year"]
    (folder / "prices.csv").write_text("\n".join(lines) + "\n")
    lines = ["user_name,kind"]
    lines += [f"{person.upns[-1].upn},service_account" for person in company.truth.of_kind("service_account")]
    (folder / "allow_list.csv").write_text("\n".join(lines) + "\n")
    lines = ["old_upn,new_upn,renamed_on"]
    lines += [",".join(map(str, rename)) for rename in renames_to_tell(company)]
    (folder / "renames.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((1, 200, True), id="seed1"),
        pytest.param((2, 300, False), id="seed2", marks=pytest.mark.soak),
        pytest.param((3, 300, False), id="seed3", marks=pytest.mark.soak),
        pytest.param((4, 90, False), id="seed4", marks=pytest.mark.soak),
    ],
)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    seed, users, is_thrifty = request.param
    folder = tmp_path_factory.mktemp("truth")
    tenant = corrected(Tenant(TenantSpec(seed=seed, users=users, today=TODAY)))
    settle_days = 3 if is_thrifty else 10
    history = simulate(tenant, folder / "data", DAYS, settle_days=settle_days, thrifty=is_thrifty)
    company = Company(tenant, history.days[0])
    write_rules(history, company)
    history.build()
    yield Bench(history, company, folder)
    shutil.rmtree(folder, ignore_errors=True)


def periods(history: History) -> set[tuple[object, ...]]:
    return set(
        history.query(
            """
            select user_id, sku_id, assigned_by_group, is_held, state, error, valid_from, valid_to
            from license_assignment_history inner join raw.user_keys using (tenant_id, user_key)
            """
        )
    )


def true_periods(company: Company) -> set[tuple[object, ...]]:
    return {
        (
            held.user_id,
            held.sku_id,
            held.assigned_by_group,
            held.is_held,
            held.state,
            None if held.error == "None" else held.error,
            held.valid_from,
            held.valid_to,
        )
        for held in company.assignments
    }


def test_the_company_has_everything_that_can_go_wrong(bench: Bench) -> None:
    """Otherwise the other tests would say little."""
    kinds = {kind for person in bench.company.truth.people for kind in person.kinds}
    assert kinds >= {"leaver", "deleted", "renamed", "joiner", "idle", "never_used", "on_leave", "teams_only"}
    assert kinds >= {"guest", "shared_mailbox", "service_account"}
    reasons = set(bench.company.waste(TODAY).values())
    assert reasons >= {"disabled", "never_used", "overlapping_sku", "duplicate_assignment"}
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
    again = bench.history.rebuilt(bench.folder / "again")
    again.build("--resource-type", "model", "seed", "--select", "+license_assignment_history")
    assert periods(again) == wanted


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
