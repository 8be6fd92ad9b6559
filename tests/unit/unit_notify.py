"""A small published copy whose figures say something, or nothing is wrong, as a test wants it."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from unit_landing import TENANT, Lander

from pipelines.settings import Settings
from pipelines.warehouse.publish import DATABASE_NAME
from pipelines.warehouse.releases import make_release

TODAY = date(2026, 10, 30)  # a Friday
_NUMBERS = itertools.count()
_SCHEMA = """
create table tenants (tenant_id varchar, name varchar, data_through date, is_concealed_now boolean);
create table suite_usage_28d (
    tenant_id varchar, window_start date, window_end date, days_with_data integer, missing_days integer,
    active_users bigint, app_user_days bigint, change_rate double
);
create table app_usage_28d (tenant_id varchar, app varchar, active_users bigint, user_days bigint);
create table suite_usage_daily (tenant_id varchar, report_date date, day_state varchar, active_users bigint);
create table app_usage_daily (tenant_id varchar, app varchar, report_date date, day_state varchar, active_users bigint);
create table license_inventory (
    tenant_id varchar, product_name varchar, applies_to varchar, assigned integer, unassigned integer,
    over_assigned integer, is_free boolean, is_trial boolean, looks_unlimited boolean
);
create table license_savings (tenant_id varchar, reclaimable bigint, exposure decimal(18, 2), currency varchar);
"""
# One working day of the window, the 15th, has no figure.
_ROWS = """
insert into suite_usage_28d values ('t', '2026-10-01', '2026-10-28', 27, 1, 262, 6963, -0.042);
insert into app_usage_28d values ('t', 'teams', 276, 3089);
insert into suite_usage_daily
    select 't', date '2026-10-01' + cast(n as int), case when n > 18 then 'provisional' else 'final' end,
        nullif(cast(170 + n as bigint), 184)
    from range(28) as r(n);
insert into app_usage_daily select tenant_id, 'teams', report_date, day_state, active_users from suite_usage_daily;
insert into license_inventory values ('t', 'Microsoft 365 E3', 'User', 199, 21, 0, false, false, false);
insert into license_savings values ('t', 21, 1386, 'EUR'), ('t', null, null, 'EUR');
"""


def publish(
    data_dir: Path,
    *,
    name: str = "Contoso",
    data_through: date = TODAY - timedelta(days=2),
    concealed: bool = False,
    over_assigned: int = 0,
) -> None:
    """A release of one tenant with four weeks of use; none of its days can be lost any more."""
    if not (data_dir / "landing").exists():
        lander = Lander(data_dir)
        for offset in range(45):
            lander.failure(date(2026, 10, 1) + timedelta(days=offset), "lost")

    def build(_: str, folder: Path) -> None:
        with duckdb.connect(str(folder / DATABASE_NAME)) as con:
            con.execute(_SCHEMA)
            con.execute("insert into tenants values (?, ?, ?, ?)", [TENANT, name, data_through, concealed])
            con.execute(_ROWS.replace("'t'", f"'{TENANT}'"))
            con.execute("update license_inventory set over_assigned = ?", [over_assigned])

    make_release(data_dir, f"20261030T060000Z-{next(_NUMBERS):04d}", build, keep=2)


def settings(data_dir: Path, **changes: Any) -> Settings:
    """Settings of this copy, as if read on the pinned day."""
    return Settings(_env_file=None, data_dir=data_dir, **{"today": TODAY, "notify_digest_day": "never", **changes})
