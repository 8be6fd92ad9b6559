"""The company that the tests look at: simulated for 120 days, with corrections and with lists of the user's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pytest

from pipelines.simulator import Tenant, TenantSpec, skus
from tests.truth.expected import Company, renames_to_tell
from tests.truth.expected_use import Use
from tests.truth.history import TODAY, History, simulate

DAYS = 120
MODELS_ONLY = ("--resource-type", "model", "seed")
# Per month; the others have no price.
PRICES = {skus.E5.sku_id: 57.0, skus.E3.sku_id: 36.0, skus.F3.sku_id: 8.0, skus.VISIO_PLAN_2.sku_id: 15.0}


@dataclass
class Bench:
    """A company's tables, and what they must say.

    history: with a warehouse that was made anew from landing/; loaded: with the one that the daily loads made, its
    models built unless is_thrifty.
    """

    history: History
    company: Company
    loaded: History
    is_thrifty: bool

    @cached_property
    def use(self) -> Use:
        return Use(self.company)


def corrected(tenant: Tenant) -> Tenant:
    """Some days change when they are three days old: rows go and come, flags are switched."""
    for age in (9, 24, 45, 80):
        day = TODAY - timedelta(days=age)
        tenant.correct(day, drop=2, switch_off=2, switch_on=2, app="Word", seen_from=day + timedelta(days=3))
    return tenant


def write_rules(folder: Path, company: Company) -> None:
    """What the user tells: prices (one per year), the service accounts, renames from before the first sync."""
    folder.mkdir(parents=True)
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
        # Somebody has been away for 89 days, a day less than makes a licence idle.
        pytest.param((23, 200, True), id="seed23"),
        pytest.param((2, 300, False), id="seed2", marks=pytest.mark.soak),
        pytest.param((3, 300, False), id="seed3", marks=pytest.mark.soak),
        pytest.param((13, 200, False), id="seed13", marks=pytest.mark.soak),
    ],
)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    seed, users, is_thrifty = request.param
    folder = tmp_path_factory.mktemp("truth")
    tenant = corrected(Tenant(TenantSpec(seed=seed, users=users, today=TODAY)))
    loaded = simulate(tenant, folder / "data", DAYS, settle_days=3 if is_thrifty else 10, thrifty=is_thrifty)
    company = Company(tenant, loaded.days[0])
    write_rules(loaded.rules_dir, company)
    rebuilt = loaded.rebuilt(folder / "again")
    if is_thrifty:
        # Only one of the two equal warehouses, and its data untested: that takes as long as the models.
        rebuilt.build(*MODELS_ONLY, "--exclude", "path:models/shareable")
    else:
        loaded.build()
        rebuilt.build(*MODELS_ONLY)
    yield Bench(rebuilt, company, loaded, is_thrifty)
    shutil.rmtree(folder, ignore_errors=True)


class Queryable(Protocol):
    """A warehouse or a published copy of one."""

    def query(self, sql: str) -> list[tuple[Any, ...]]: ...


def periods(tables: Queryable) -> set[tuple[Any, ...]]:
    """Every licence period that the tables know of."""
    return set(
        tables.query(
            """
            select u.user_id, h.sku_id, h.assigned_by_group, h.is_held, h.state, h.error, h.valid_from, h.valid_to
            from license_assignment_history as h inner join users as u on u.user_key = h.user_key
            """
        )
    )


def true_periods(company: Company) -> set[tuple[Any, ...]]:
    """Every licence period since the first sync, as the company knows it."""
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
