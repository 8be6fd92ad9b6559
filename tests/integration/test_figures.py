"""The published figures against an independent computation over the very files the simulator served.

Nothing here shares code with the models: pandas reads the CSVs, plain Python says who is who.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipelines.publish.release import publish_release
from pipelines.simulator import Tenant
from tests.integration.conftest import TODAY, Rig, tenant
from tests.integration.files_of_release import values

APPS = ["Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams"]
SUITE = APPS[:5]
DAYS = [date(2026, 10, 1) + timedelta(days=n) for n in range(28)]
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """Three tenants, 28 days each, fetched over TLS, loaded and built once."""
    rig = make_rig(*(tenant(seed) for seed in SEEDS))
    for seed in SEEDS:
        rig.extract(tenant(seed))
    rig.load()
    rig.build()
    return rig


class People:
    """Who stands behind a name on a day, told from the directory's own answers."""

    def __init__(self, served: Tenant) -> None:
        self.owners: dict[str, list[tuple[date, str]]] = {}
        for user in served.users():
            # Graph knows no creation date of old accounts.
            created = date.fromisoformat((user["createdDateTime"] or "0001-01-01")[:10])
            names = {user["userPrincipalName"].lower()}
            names |= {a[5:].lower() for a in user.get("proxyAddresses") or [] if a.startswith("smtp:")}
            for name in names:
                self.owners.setdefault(name, []).append((created, user["id"]))
        for user in served.deleted_users():
            name = user["userPrincipalName"].lower().removeprefix(user["id"].replace("-", "").lower())
            self.owners.setdefault(name, []).append((date.min, user["id"]))

    def behind(self, upn: str, day: date) -> str:
        holders = sorted(self.owners.get(upn, []))
        since = [user_id for created, user_id in holders if created <= day]
        return since[-1] if since else holders[0][1] if holders else upn


def served_rows(seed: int) -> pd.DataFrame:
    served, frames = tenant(seed), []
    for day in DAYS:
        frame = pd.read_csv(io.BytesIO(served.report_csv(day)), encoding="utf-8-sig", keep_default_na=False)
        frames.append(frame.assign(day=day))
    rows = pd.concat(frames, ignore_index=True)
    rows["upn"] = rows["User Principal Name"].str.lower()
    rows["known"] = ~rows["upn"].isin(["", "(unknown)"])
    people = People(served)
    rows["person"] = [people.behind(upn, day) for upn, day in zip(rows["upn"], rows["day"], strict=True)]
    for column in rows.columns[5:39]:
        rows[column] = rows[column] == "Yes"
    return rows


def tenant_id(seed: int) -> str:
    return tenant(seed).spec.tenant_id


def used_on(rows: pd.DataFrame, app: str, platform: str) -> pd.Series:
    if platform == "desktop":
        return rows[app] & (rows[f"{app} (Windows)"] | rows[f"{app} (Mac)"])
    return rows[app] & rows[f"{app} ({platform.title()})"]


@pytest.mark.parametrize("seed", SEEDS)
def test_app_usage_daily(rig: Rig, seed: int) -> None:
    rows = served_rows(seed)
    expected = {}
    for day in DAYS:
        of_day = rows[rows["day"] == day]
        known = of_day[of_day["known"]]
        for app in APPS:
            platforms = [
                int(known[used_on(known, app, p)]["person"].nunique())
                for p in ("windows", "mac", "desktop", "mobile", "web")
            ]
            unknown = int(of_day[~of_day["known"]][app].sum())
            expected[day, app.lower()] = (int(known[known[app]]["person"].nunique()), unknown, *platforms)
    found = rig.query(
        "select report_date, app, active_users, unknown_users, windows_users, mac_users, desktop_users, mobile_users, "
        f"web_users from app_usage_daily where tenant_id = '{tenant_id(seed)}'"
    )
    assert {(row[0], row[1]): row[2:] for row in found} == expected
    assert sum(figures[0] for figures in expected.values()) > 1000


@pytest.mark.parametrize("seed", SEEDS)
def test_suite_usage_daily(rig: Rig, seed: int) -> None:
    rows = served_rows(seed)
    expected = {}
    for day in DAYS:
        of_day = rows[rows["day"] == day]
        known = of_day[of_day["known"]]
        people = int(known[known[SUITE].any(axis=1)]["person"].nunique())
        unknown = int(of_day[~of_day["known"]][SUITE].any(axis=1).sum())
        app_days = sum(int(known[known[app]]["person"].nunique()) for app in SUITE)
        expected[day] = (people, unknown, app_days)
    found = rig.query(
        "select report_date, active_users, unknown_users, app_user_days from suite_usage_daily "
        f"where tenant_id = '{tenant_id(seed)}'"
    )
    assert {row[0]: row[1:] for row in found} == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_windows_of_28_days(rig: Rig, seed: int) -> None:
    rows = served_rows(seed)
    known = rows[rows["known"]]
    expected = {}
    for app in APPS:
        person_days = known[known[app]][["person", "day"]].drop_duplicates()
        people = person_days["person"].nunique()
        platforms = [
            int(known[used_on(known, app, p)]["person"].nunique())
            for p in ("windows", "mac", "desktop", "mobile", "web")
        ]
        expected[app.lower()] = (int(people), len(person_days), *platforms)
    found = rig.query(
        "select app, active_users, user_days, windows_users, mac_users, desktop_users, mobile_users, web_users "
        f"from app_usage_28d where tenant_id = '{tenant_id(seed)}'"
    )
    assert {row[0]: row[1:] for row in found} == expected
    suite_days = known[known[SUITE].any(axis=1)][["person", "day"]].drop_duplicates()
    app_days = sum(expected[app.lower()][1] for app in SUITE)
    ((*suite, average),) = rig.query(
        "select active_users, suite_user_days, app_user_days, avg_days_per_user from suite_usage_28d "
        f"where tenant_id = '{tenant_id(seed)}'"
    )
    assert suite == [suite_days["person"].nunique(), len(suite_days), app_days]
    assert math.isclose(average, len(suite_days) / suite[0])
    # Teams is used on days without any of the five, so a sum with it in would differ.
    assert not known[known["Teams"] & ~known[SUITE].any(axis=1)].empty


@pytest.mark.parametrize("seed", SEEDS)
def test_user_app_usage_28d(rig: Rig, seed: int) -> None:
    rows = served_rows(seed)
    known = rows[rows["known"]]
    expected = {}
    for app in APPS:
        used = known[known[app]][["person", "day"]].drop_duplicates()
        for person, days in used.groupby("person")["day"]:
            expected[person, app.lower()] = (len(days), min(days), max(days))
    found = rig.query(
        "select coalesce(u.user_id, u.user_principal_name), a.app, a.user_days, a.first_used_on, a.last_used_on "
        "from user_app_usage_28d as a join users as u using (tenant_id, user_key) "
        f"where a.tenant_id = '{tenant_id(seed)}'"
    )
    assert {(row[0], row[1]): row[2:] for row in found} == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_license_inventory(rig: Rig, seed: int) -> None:
    served = tenant(seed)
    expected = {}
    for sku in served.subscribed_skus():
        assigned, units = sku["consumedUnits"], sku["prepaidUnits"]
        usable = units["enabled"] + units["warning"]
        if sku["appliesTo"] == "User":
            spare = max(units["enabled"] - assigned, 0)
            excess = max(assigned - usable, 0)
            figures = (assigned, spare, excess if usable else 0, 0 if usable else excess)
        else:
            figures = (assigned, None, None, None)
        expected[sku["skuId"]] = (sku["skuPartNumber"], units["enabled"], *figures)
    found = rig.query(
        "select sku_id, sku_part_number, enabled, assigned, unassigned, over_assigned, assigned_on_expired "
        f"from license_inventory where tenant_id = '{tenant_id(seed)}'"
    )
    assert {row[0]: row[1:] for row in found} == expected
    assert any(row[6] for row in found), "no cancelled subscription with holders among the simulated SKUs"


@pytest.mark.parametrize("seed", SEEDS)
def test_license_assignments(rig: Rig, seed: int) -> None:
    expected = {
        (user["id"], state["skuId"], state["assignedByGroup"])
        for user in tenant(seed).users()
        for state in user["licenseAssignmentStates"]
    }
    found = rig.query(
        "select u.user_id, l.sku_id, l.assigned_by_group from license_assignments as l "
        f"join users as u using (tenant_id, user_key) where l.tenant_id = '{tenant_id(seed)}'"
    )
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_a_renamed_person_is_one_person(rig: Rig) -> None:
    renamed = [p for p in tenant().truth.of_kind("renamed") if p.keeps_alias and p.deleted is None]
    assert renamed
    for person in renamed:
        keys = rig.query(f"select user_key from users where user_id = '{person.user_id}'")
        assert len(keys) == 1
        before = [day for day in DAYS if tenant().truth.active_flags(person.user_id, day)]
        ((days,),) = rig.query(f"select count(distinct report_date) from user_app_days where user_key = {keys[0][0]}")
        assert days == len(before)


def test_every_day_is_final_or_settling(rig: Rig) -> None:
    states = dict(
        rig.query(f"select report_date, state from report_days where tenant_id = '{tenant_id(1)}' order by report_date")
    )
    assert states == {day: "final" if (TODAY - day).days >= 10 else "provisional" for day in DAYS}


def names_of(served: Tenant) -> set[str]:
    """All names and ids of the people of a tenant, lower case."""
    found = set()
    for user in [*served.users(), *served.deleted_users()]:
        addresses = [str(address).partition(":")[2] for address in user.get("proxyAddresses") or []]
        texts = [user.get(key) for key in ("id", "userPrincipalName", "mail", "displayName")]
        # A shared mailbox may be called Info.
        found |= {str(text).lower() for text in [*texts, *addresses] if text and len(str(text)) > 5}
    return found


def found_names(folder: Path, names: set[str], some: list[str]) -> dict[str, set[str]]:
    """Names in each file of a build: of all people where the file's values are told apart, of some in its bytes."""
    result = {}
    for name, texts in values(folder).items():
        found = texts & names | {word for word in some if any(word in text for text in texts if len(text) > 200)}
        if found:
            result[name] = found
    return result


def test_with_pseudonyms_no_admin_file_names_anybody(rig: Rig, tmp_path: Path) -> None:
    manifest = rig.data_dir / "target" / "manifest.json"
    names = set().union(*(names_of(tenant(seed)) for seed in SEEDS))
    some = sorted(names, key=lambda name: (-len(name), name))[::10]
    admin = rig.data_dir / "published_admin"
    rig.overrides = {"pseudonym_key_file": tmp_path / "key"}
    publish_release(rig.settings, manifest)
    files = {"m365_usage.duckdb", "m365_usage.html", "m365_usage.xlsx", "users.parquet"}
    assert files <= set(found_names(admin, names, some)), "names can be found where they are"
    count = "select count(*), count(distinct u.display_name) from user_app_days d join users u using (user_key)"
    before = read(admin, count)

    rig.overrides["pseudonymize"] = True
    publish_release(rig.settings, manifest)
    assert found_names(admin, names, some) == {}
    assert read(admin, count)[0][0] == before[0][0]
    assert read(admin, "select count(distinct user_key) - count(*) from users") == [(0,)]
    managers = "select count(*) from users m join users u on u.display_name = m.manager_name"
    assert read(admin, managers)[0][0] > 100
    assert [path.parent.name for path in (rig.data_dir / "releases").glob("*/admin")] == [admin.resolve().parent.name]


def read(folder: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str((folder / "m365_usage.duckdb").resolve()), read_only=True) as con:
        return con.execute(sql).fetchall()
