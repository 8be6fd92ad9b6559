"""The real command on files written by hand: the same warehouse as a fetch of the same tenant."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.simulator import Tenant
from pipelines.sync.extract import extract_report_periods, open_fetcher
from pipelines.warehouse.landing import Landing
from tests.integration.conftest import TODAY, Rig, tenant

DAYS = [date(2026, 10, 1) + timedelta(days=number) for number in range(28)]
PERIODS = ("D7", "D30", "D90", "D180")
BY_CSV = "by-csv.example"

# What must be equal, but for the instant of the import or the fetch; even the keys of people are.
TABLES = (
    "upn_keys", "m365_app_user_days", "m365_app_unknown_days", "m365_app_user_periods", "m365_app_user_counts",
    "user_keys", "users", "user_licenses", "user_sign_ins", "deleted_users",
    "subscribed_skus", "sku_service_plans", "subscriptions", "organization",
)  # fmt: skip


@dataclass
class Desk:
    """A data folder of its own, in which nothing but imported files arrives."""

    data_dir: Path
    files: Path

    def command(self, *arguments: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("M365_", "DAGSTER_"))}
        return subprocess.run(
            [str(Path(sys.executable).with_name("m365-usage")), "import", *map(str, arguments)],
            env={**kept, "M365_DATA_DIR": str(self.data_dir), "M365_TODAY": str(TODAY), "COLUMNS": "200", **extra},
            cwd=self.data_dir, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def landed(self) -> int:
        return len([path for path in self.data_dir.glob("landing/*/*/*/*.json") if "verdict" not in path.name])


def shuffled_cp1252(body: bytes) -> bytes:
    """The same report as a spreadsheet might leave it: Windows-1252, other columns first, one column more."""
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    order = sorted(range(len(rows[0])), key=lambda index: rows[0][index][::-1])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(rows):
        writer.writerow(["Display Name" if number == 0 else 'Müller, "Zoë"', *(row[index] for index in order)])
    return text.getvalue().encode("cp1252")


def write_table(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)


def write_graph_files(served: Tenant, folder: Path) -> None:
    """Everything as asked for by hand with Graph Explorer, or from the admin centre."""
    for day in DAYS:
        (folder / f"getM365AppUserDetail_{day}.csv").write_bytes(shuffled_cp1252(served.report_csv(day)))
    for period in PERIODS:
        (folder / f"usage {period}.csv").write_bytes(shuffled_cp1252(served.period_csv(period)))
    (folder / "counts.csv").write_bytes(served.user_counts_csv("D30"))
    users = served.users()
    half = len(users) // 2
    first = {"@odata.nextLink": "https://graph.microsoft.com/v1.0/users?$skiptoken=x", "value": users[:half]}
    (folder / "users-1.json").write_text(json.dumps(first, indent=2))
    (folder / "users-2.json").write_text(json.dumps({"value": users[half:]}))
    for name, objects in {
        "skus": served.subscribed_skus(),
        "subscriptions": served.subscriptions(),
        "organization": served.organization(),
        "deleted": served.deleted_users(),
    }.items():
        (folder / f"{name}.json").write_text(json.dumps({"value": objects}))


def write_admin_centre_files(served: Tenant, names: Mapping[str, str], folder: Path) -> None:
    """The admin centre's active users and products; names: SKU id -> what it is called there."""
    write_table(
        folder / "users_10_30_2026 9_17_18 AM.csv",
        (
            {
                "Display name": user["displayName"],
                "User principal name": user["userPrincipalName"],
                "Object Id": user["id"],
                "When created": (user["createdDateTime"] or "").replace("T", " "),
                "Department": user["department"],
                "Title": user["jobTitle"],
                "CountryOrRegion": user["country"],
                "Office": user["officeLocation"],
                "Block credential": not user["accountEnabled"],
                "Licenses": "+".join(names[held["skuId"]] for held in user["assignedLicenses"]) or "Unlicensed",
                "Proxy addresses": "+".join(user["proxyAddresses"]),
            }
            for user in served.users()
        ),
    )
    write_table(
        folder / "ProductList_10_30_2026_9_17_18_AM.csv",
        (
            {
                "Product title": names[sku["skuId"]],
                "Total licenses": f"{sku['prepaidUnits']['enabled']:,}",
                "Expired licenses": sku["prepaidUnits"]["warning"],
                "Assigned licenses": sku["consumedUnits"],
                "Status message": "",
            }
            for sku in served.subscribed_skus()
        ),
    )


def rows(data_dir: Path, sql: str, tenant_id: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql, {"tenant": tenant_id}).fetchall()


@pytest.fixture(scope="module")
def served() -> Tenant:
    return tenant()


@pytest.fixture(scope="module")
def fetched(make_rig: Callable[..., Rig], served: Tenant) -> Rig:
    rig = make_rig(served)
    rig.extract(served)
    target, landing = rig.tenant_settings(served), Landing(rig.data_dir / "landing")
    with open_fetcher(rig.settings, target, landing, sleep=time.sleep) as fetcher:
        extract_report_periods(fetcher)
    rig.load()
    return rig


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, served: Tenant) -> Desk:
    """Everything imported and published, by one command."""
    folder = tmp_path_factory.mktemp("files")
    write_graph_files(served, folder)
    desk = Desk(tmp_path_factory.mktemp("data"), folder)
    done = desk.command(folder, "--tenant", served.spec.tenant_id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" applied") == 28 + len(PERIODS) + 1 + 2 + 4, done.stdout
    return desk


def test_import_makes_the_warehouse_of_a_fetch(fetched: Rig, desk: Desk, served: Tenant) -> None:
    name = served.spec.tenant_id
    for table in TABLES:
        sql = f"select columns(name -> name <> 'observed_at') from raw.{table} where tenant_id = $tenant order by all"
        expected = rows(fetched.data_dir, sql, name)
        assert rows(desk.data_dir, sql, name) == expected, table
        assert expected, table


def test_import_is_published(desk: Desk) -> None:
    with duckdb.connect(
        str((desk.data_dir / "published_admin" / "m365_usage.duckdb").resolve()), read_only=True
    ) as con:
        assert con.execute("select window_start, window_end, days_with_data from suite_usage_28d").fetchall() == [
            (DAYS[0], DAYS[-1], 28)
        ]
        assert con.execute("select name, cloud, data_through from tenants").fetchall() == [
            ("Fabrikam", "import", DAYS[-1])
        ]
        assert con.execute("select count(*) from license_assignments").fetchone() != (0,)


def test_importing_again_lands_nothing(desk: Desk) -> None:
    before = desk.landed()
    again = [*desk.files.glob("*.json"), *desk.files.glob(f"*_{DAYS[3]}.csv"), desk.files / "usage D30.csv"]
    done = desk.command(*again, "--no-publish")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("imported already") == len(again)
    assert "Nothing new" in done.stderr
    assert desk.landed() == before


def test_people_and_products_as_csv(fetched: Rig, desk: Desk, served: Tenant, tmp_path: Path) -> None:
    seed = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "sku_names.csv"
    with seed.open(encoding="utf-8") as file:
        names = {row["sku_id"]: row["product_name"] for row in csv.DictReader(file)}
    names |= {sku["skuId"]: sku["skuPartNumber"] for sku in served.subscribed_skus() if sku["skuId"] not in names}
    unknown = {name for name in names.values() if name not in seed.read_text(encoding="utf-8")}
    write_admin_centre_files(served, names, tmp_path)
    done = desk.command(tmp_path, "--tenant", BY_CSV, "--date", str(TODAY), "--no-publish")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("kept without a SKU id" in done.stdout) is bool(unknown)
    columns = (
        "user_id, user_principal_name, display_name, department, job_title, country, office_location, "
        "account_enabled, created_at, proxy_addresses, observed_on, is_present"
    )
    sql = f"select {columns} from raw.users where tenant_id = $tenant order by all"
    name = served.spec.tenant_id
    assert rows(desk.data_dir, sql, BY_CSV) == rows(fetched.data_dir, sql, name)
    units = (
        "select sku_id, sku_part_number, consumed_units, enabled, warning from raw.subscribed_skus "
        "where tenant_id = $tenant order by all"
    )
    ids = {sku["skuId"]: names[sku["skuId"]].lower() for sku in served.subscribed_skus()}
    known = [
        (ids[sku_id] if names[sku_id] in unknown else sku_id, *counts)
        for sku_id, *counts in rows(fetched.data_dir, units, name)
    ]
    assert rows(desk.data_dir, units, BY_CSV) == sorted(known)
    holdings = (
        "select distinct user_id, sku_id from raw.user_licenses "
        "join raw.users using (tenant_id, user_key, observed_at) where tenant_id = $tenant order by all"
    )
    held = [
        (user["id"], ids[sku["skuId"]] if names[sku["skuId"]] in unknown else sku["skuId"])
        for user in served.users()
        for sku in user["assignedLicenses"]
    ]
    assert rows(desk.data_dir, holdings, BY_CSV) == sorted(set(held))


def test_one_file_that_is_not_understood_stops_the_command(desk: Desk, served: Tenant, tmp_path: Path) -> None:
    before = desk.landed()
    (tmp_path / "day.csv").write_bytes(served.report_csv(DAYS[0]))
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\r\n\x00")
    done = desk.command(tmp_path, "--date", "2026-09-01", "--as-day", "--tenant", BY_CSV)
    assert done.returncode == 2
    assert done.stderr.strip() == "photo.csv: is no text file."
    assert desk.landed() == before
