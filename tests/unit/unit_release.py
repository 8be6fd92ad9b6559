"""A small published database, with the columns that the files beside it are made from."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.publish.parquet import PARQUET_FOLDER, write_parquet
from pipelines.publish.workbook.names import WORKBOOK_NAME
from pipelines.publish.workbook.write import write_workbook
from pipelines.warehouse.publish import DATABASE_NAME, PublishedTable
from pipelines.warehouse.releases import make_release

# A person and a department by whom a spreadsheet, a page or a terminal could be tricked.
HOSTILE = ["=1+1", "+49 30 1234", "-2", "@SUM(A1)", "</script>", "Zoë 🦆", "شركة", "a\tb\nc", '=HYPERLINK("http://x")']

_SCHEMA = """
set timezone = 'UTC';
create table tenants (
    tenant_id varchar, name varchar, domain varchar, cloud varchar, data_through date, last_synced_at timestamptz,
    is_concealed_now boolean
);
create table apps (app varchar, display_name varchar, in_suite boolean, sort_order integer);
create table suite_usage_28d (
    tenant_id varchar, window_start date, window_end date, days_with_data integer, active_users bigint,
    suite_user_days bigint, app_user_days bigint, prev_active_users bigint, prev_suite_user_days bigint,
    prev_app_user_days bigint, change_rate double
);
create table app_usage_28d (
    tenant_id varchar, app varchar, window_start date, window_end date, days_with_data integer, active_users bigint,
    user_days bigint, avg_days_per_user double, windows_users bigint, mac_users bigint, desktop_users bigint,
    mobile_users bigint, web_users bigint, prev_active_users bigint, prev_user_days bigint, change_rate double,
    is_suppressed boolean
);
create table app_usage_daily (
    tenant_id varchar, app varchar, report_date date, day_state varchar, active_users bigint, unknown_users bigint,
    windows_users bigint, mac_users bigint, desktop_users bigint, mobile_users bigint, web_users bigint,
    is_suppressed boolean
);
create table suite_usage_daily (
    tenant_id varchar, report_date date, day_state varchar, active_users bigint, unknown_users bigint,
    app_user_days bigint
);
create table adoption_by_department (
    tenant_id varchar, app varchar, department varchar, is_total boolean, weeks integer, first_week_start date,
    last_week_end date, licensed_users bigint, active_users bigint, adoption_rate double, is_suppressed boolean
);
create table usage_weekly (
    tenant_id varchar, app varchar, department varchar, is_total boolean, week_start date, is_complete boolean,
    days_with_data integer, provisional_days integer, licensed_users bigint, licensed_active_users bigint,
    active_rate double, active_users bigint, is_suppressed boolean
);
create table suite_teams_segments (
    tenant_id varchar, month_start date, is_complete boolean, days_with_data integer, suite_only_users bigint,
    both_users bigint, teams_only_users bigint, is_suppressed boolean
);
create table engagement_monthly (
    tenant_id varchar, app varchar, month_start date, is_complete boolean, active_users bigint,
    returning_users bigint, first_time_users bigint, resumed_users bigint, lost_users bigint, return_rate double,
    stickiness double, history_days integer, is_suppressed boolean
);
create table usage_depth (
    tenant_id varchar, department varchar, is_total boolean, band varchar, band_number integer, people bigint,
    window_start date, window_end date, days_with_data integer, is_suppressed boolean
);
create table license_inventory (
    tenant_id varchar, sku_id varchar, sku_part_number varchar, product_name varchar, applies_to varchar,
    assigned integer, enabled integer, unassigned integer, over_assigned integer, assigned_on_expired integer,
    warning integer, renewal_date date, is_trial boolean, is_free boolean, looks_unlimited boolean,
    unit_price decimal(18, 6), currency varchar
);
create table license_utilization (
    tenant_id varchar, sku_id varchar, holders bigint, active_28d bigint, inactive_28d bigint,
    utilization_rate double, unknown_reason varchar
);
create table license_savings (
    tenant_id varchar, sku_id varchar, product_name varchar, unassigned bigint, reclaimable bigint, disabled bigint,
    never_used bigint, idle bigint, overlapping_sku bigint, duplicate_assignment bigint, exposure_units bigint,
    reassignable_units bigint, reducible_units bigint, renewal_date date, exposure decimal(18, 2),
    reassignable decimal(18, 2), reducible_at_renewal decimal(18, 2), currency varchar, is_suppressed boolean
);
create table realised_savings (
    tenant_id varchar, sku_id varchar, saving_month date, judged_on date, is_complete boolean, product_name varchar,
    taken_back bigint, assigned_again bigint, still_free bigint, realised_monthly_saving decimal(18, 2),
    currency varchar
);
create table report_days (
    tenant_id varchar, report_date date, state varchar, is_observed boolean, is_concealed boolean, rows bigint,
    unknown_rows bigint, flag_disagreements bigint, first_fetched_at timestamptz, last_fetched_at timestamptz,
    report_refresh_date date
);
create table data_dictionary (
    table_name varchar, column_name varchar, position integer, type varchar, is_grain boolean, grain varchar,
    meaning varchar, additivity varchar
);
create table publish_info (name varchar, value varchar);
create table users (tenant_id varchar, user_key integer, display_name varchar);
create table reclaimable_licenses (
    tenant_id varchar, user_key integer, sku_id varchar, user_principal_name varchar, department varchar,
    product_name varchar, reason varchar, held_since date, disabled_from date, last_use_on date,
    last_activity_date date, evidence_source varchar, evidence_until date, observed_days integer, coverage double,
    removable varchar, monthly_cost decimal(18, 6), monthly_saving decimal(18, 6), currency varchar,
    rule_version varchar
);
"""
_ROWS = """
insert into tenants values
    ('t', 'Contoso', 'contoso.com', 'global', '2026-10-28', '2026-10-30 06:15:00+00', false);
insert into apps values ('outlook', 'Outlook', true, 1), ('word', 'Word', true, 2), ('teams', 'Teams', false, 6);
insert into suite_usage_28d values
    ('t', '2026-10-01', '2026-10-28', 28, 262, 3682, 6963, null, null, null, null);
insert into app_usage_28d
    select 't', app, date '2026-10-01', date '2026-10-28', 28, 200, 1500, 7.5, 90, 10, 95, 40, 30, 180, 1400, 0.05,
        false
    from apps;
insert into app_usage_daily
    select 't', app, date '2026-10-01' + cast(n as integer), 'final', n, 0, n, 0, n, 0, 0, false
    from apps, range(28) as r(n);
update app_usage_daily set active_users = null, is_suppressed = true where report_date = date '2026-10-05';
insert into suite_usage_daily
    select 't', date '2026-10-01' + cast(n as integer), 'final', n * 2, 0, n * 3 from range(28) as r(n);
insert into adoption_by_department values
    ('t', 'suite', 'All', true, 4, '2026-09-28', '2026-10-25', 250, 220, 0.85, false),
    ('t', 'word', 'Sales', false, 4, '2026-09-28', '2026-10-25', 50, 22, 0.25, false);
insert into usage_weekly values
    ('t', 'suite', 'All', true, '2026-10-19', true, 7, 0, 250, 220, 0.88, 224, false),
    ('t', 'suite', 'Sales', false, '2026-10-19', true, 7, 0, 50, 22, 0.44, 22, false);
insert into suite_teams_segments values ('t', '2026-10-01', false, 28, 2, 260, 16, false);
insert into engagement_monthly values
    ('t', 'suite', '2026-10-01', false, 262, null, null, null, null, null, 0.684, 0, false);
insert into usage_depth values
    ('t', 'All', true, '0', 0, 40, '2026-10-01', '2026-10-28', 28, false),
    ('t', 'All', true, '1-3', 1, 9, '2026-10-01', '2026-10-28', 28, false);
insert into license_inventory values
    ('t', 'e3', 'SPE_E3', 'Microsoft 365 E3', 'User', 199, 220, 21, 0, 0, 0, '2027-01-24', false, false, false, 33,
        'EUR'),
    ('t', 'e5', 'SPE_E5', 'Microsoft 365 E5', 'User', 56, 75, 19, 0, 0, 0, null, false, false, false, null, null),
    ('t', 'pbi', 'FREE', 'Power BI (free)', 'User', 61, 1000000, 999939, 0, 0, 0, null, false, true, false, null, null);
insert into license_utilization values ('t', 'e3', 199, 179, 20, 0.8995, null);
insert into license_savings values
    ('t', 'e3', 'Microsoft 365 E3', 21, 21, 1, 17, 3, 0, 1, 42, 21, 42, '2027-01-24', 1386.00, 693.00, 1386.00, 'EUR',
        false);
insert into realised_savings values
    ('t', 'e3', '2026-09-01', '2026-09-30', true, 'Microsoft 365 E3', 5, 0, 5, 165.00, 'EUR'),
    ('t', 'e3', '2026-10-01', '2026-10-30', false, 'Microsoft 365 E3', 2, 1, 6, 198.00, 'EUR'),
    ('t', 'v', '2026-10-01', '2026-10-30', false, 'Visio', 1, 0, 1, null, null);
insert into report_days
    select 't', date '2026-10-01' + cast(n as integer), case when n = 4 then 'lost' else 'final' end, n <> 4, false,
        304, 1, 0, timestamptz '2026-10-30 06:15:30+00', timestamptz '2026-10-30 06:15:30+00', date '2026-10-29'
    from range(28) as r(n);
insert into data_dictionary values ('apps', 'app', 1, 'string', true, 'One row per app.', 'The app.', null);
insert into publish_info values ('build', 'admin');
"""


def make_database(path: Path, *, empty: bool = False) -> Path:
    """The database; with hostile people and departments, or with tables that hold nothing."""
    with duckdb.connect(str(path)) as con:
        con.execute(_SCHEMA)
        if empty:
            return path
        con.execute(_ROWS)
        for key, text in enumerate(HOSTILE):
            con.execute("insert into users values ('t', ?, ?)", [key, text])
            con.execute(
                """
                insert into reclaimable_licenses values (
                    't', ?, 'e3', ?, ?, 'Microsoft 365 E3', 'idle', '2024-01-01', null, '2026-05-01', null, 'days',
                    '2026-10-28', 90, 0.95, 'group', 33, 33, 'EUR', '1'
                )
                """,
                [key, text, text],
            )
    return path


def make_published(data_dir: Path) -> None:
    """A release of that database in both builds; the shareable one has no people."""

    def build(name: str, folder: Path) -> None:
        database = make_database(folder / DATABASE_NAME)
        with duckdb.connect(str(database)) as con:
            if name == "shareable":
                con.execute("drop table users; drop table reclaimable_licenses")
            found = con.execute("select table_name from duckdb_tables() order by 1").fetchall()
        own = ("data_dictionary", "publish_info")
        tables = [PublishedTable(table, "main", table, False) for (table,) in found if table not in own]
        facts = {"publish_id": "p1", "data_through": "2026-10-28", "published_on": "2026-10-30", "build": name}
        write_parquet(database, folder / PARQUET_FOLDER, tables, facts)
        write_workbook(database, folder / WORKBOOK_NAME, facts)

    make_release(data_dir, "p1", build, keep=3)
