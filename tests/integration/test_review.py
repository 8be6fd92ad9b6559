"""Corrections held for review, days told in words, concealed names that are shown later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from pipelines.settings import SettingsError
from pipelines.simulator import Rule
from pipelines.sync.review import accept_correction, held_corrections
from pipelines.sync.status import day_statuses
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.rebuild import rebuild_warehouse
from tests.integration.conftest import TODAY, Rig, tenant

DAY = date(2026, 10, 27)


def landing(rig: Rig) -> Landing:
    return Landing(rig.data_dir / "landing")


def people_on(rig: Rig, day: date) -> int:
    return int(rig.query(f"select count(*) from raw.m365_app_user_days where report_date = '{day}'")[0][0])


def test_a_large_correction_waits_for_a_person(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(tenant())
    name = tenant().spec.tenant_id
    rig.extract()
    rig.load()
    before = people_on(rig, DAY)
    with pytest.raises(SettingsError, match="held days: none"):
        accept_correction(landing(rig), name, DAY)
    rig.server.tenant = rig.server.tenant.with_today(TODAY + timedelta(days=1))
    rig.server.tenant.correct(DAY, drop=before // 2)
    rig.extract()
    rig.load()
    assert people_on(rig, DAY) == before, "the stored day stays"
    assert [item.record.report_date for item in held_corrections(landing(rig), name)] == [DAY]
    (held,) = [s for s in day_statuses(landing(rig), name, rig.settings.window, 10) if s.is_held]
    assert held.report_date == DAY
    assert held.reason
    assert "held for review" in held.reason
    accept_correction(landing(rig), name, DAY)
    rig.load()
    assert people_on(rig, DAY) == before - before // 2
    assert held_corrections(landing(rig), name) == []
    assert rig.query(
        "select verdict, accepts_fetch_id is not null from ledger.fetches "
        f"where report_date = '{DAY}' order by completed_at, fetch_id"
    ) == [("applied", False), ("held", False), ("applied", True)]
    tables = [f"{schema}.{table}" for schema, table in rig.query(
        "select schema_name, table_name from duckdb_tables() where schema_name in ('raw', 'ledger')"
    )]  # fmt: skip
    old = {table: rig.query(f"from {table} order by all") for table in tables}
    rebuild_warehouse(rig.data_dir / "warehouse.duckdb", landing(rig), wait_seconds=5)
    assert {table: rig.query(f"from {table} order by all") for table in tables} == old


def test_status_gives_the_reason_of_each_gap(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(tenant(oldest_age_days=28))
    name = tenant().spec.tenant_id
    rig.server.faults.add(Rule(path=r"date=2026-10-15", times=None, status=400, code="BadRequest", message="Odd."))
    rig.extract()
    rig.load()
    days = {s.report_date: s for s in day_statuses(landing(rig), name, rig.settings.window, 10)}
    assert days[date(2026, 10, 1)].state == "lost"
    assert "past 28 days" in (days[date(2026, 10, 1)].reason or "")
    assert (days[date(2026, 10, 15)].state, days[date(2026, 10, 15)].reason) == ("failed", "Odd.")
    assert days[date(2026, 10, 2)].state == "final"
    assert days[date(2026, 10, 28)].state == "provisional"
    done = rig.command("status")
    assert done.returncode == 0
    assert "x" + "█" * 13 + "!" in done.stdout.replace("\n", ""), done.stdout
    assert "Odd." in done.stdout


def test_names_shown_later_bring_the_whole_window_again(make_rig: Callable[..., Rig]) -> None:
    concealed = tenant(is_concealed=True)
    rig = make_rig(concealed)
    rig.extract()
    rig.load()
    assert rig.query("select bool_and(is_concealed) from raw.upn_keys where upn_key in "
                     "(select upn_key from raw.m365_app_user_days)") == [(True,)]  # fmt: skip
    rig.server.tenant = rig.server.tenant.replaced(is_concealed=False, today=TODAY + timedelta(days=1))
    days = rig.extract()
    rig.load()
    assert len(days.plan.concealed) == 27, "final days, too; the oldest has left the window"
    assert days.plan.concealed[0] == date(2026, 10, 2), "oldest first, as it expires first"
    assert rig.query(
        "select distinct k.is_concealed from raw.m365_app_user_days as d join raw.upn_keys as k using (upn_key) "
        "where d.report_date >= '2026-10-02'"
    ) == [(False,)]
    assert rig.extract().plan.days == (), "asked once, not for ever"


def test_a_concealed_answer_never_replaces_names(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(tenant())
    rig.extract()
    rig.load()
    before = rig.query("from raw.m365_app_user_days order by all")
    spec = rig.server.tenant.spec
    rig.server.tenant = rig.server.tenant.replaced(is_concealed=True, today=spec.today + timedelta(days=1))
    rig.extract()
    rig.load()
    window_start = replace(rig.settings.window, today=spec.today).start
    assert (
        rig.query(f"from raw.m365_app_user_days where report_date <= '{spec.today - timedelta(days=2)}' order by all")
        == before
    )
    kept = rig.query("select count(*) from ledger.fetches where verdict = 'kept' and verdict_reason like '%concealed%'")
    assert kept[0][0] == 8, "every settling day was landed and logged"
    assert rig.query("select min(report_date) from ledger.fetches")[0][0] == window_start
