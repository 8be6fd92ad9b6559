"""The made-up company: what it must always hold, whatever the seed and the day."""

from __future__ import annotations

import ast
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

import pipelines.simulator
from pipelines.simulator import Tenant, TenantSpec
from pipelines.simulator import skus as catalog

TODAY = date(2026, 9, 14)
APPS = ("Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams")
PLATFORMS = ("Windows", "Mac", "Mobile", "Web")
HEADER = (
    "Report Refresh Date,User Principal Name,Last Activation Date,Last Activity Date,Report Period,Windows,Mac,"
    "Mobile,Web,Outlook,Word,Excel,PowerPoint,OneNote,Teams,Outlook (Windows),Word (Windows),Excel (Windows),"
    "PowerPoint (Windows),OneNote (Windows),Teams (Windows),Outlook (Mac),Word (Mac),Excel (Mac),PowerPoint (Mac),"
    "OneNote (Mac),Teams (Mac),Outlook (Mobile),Word (Mobile),Excel (Mobile),PowerPoint (Mobile),OneNote (Mobile),"
    "Teams (Mobile),Outlook (Web),Word (Web),Excel (Web),PowerPoint (Web),OneNote (Web),Teams (Web)"
)


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    return Tenant(TenantSpec(today=TODAY))


def rows_of(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def window(spec: TenantSpec) -> list[date]:
    return [spec.oldest_report_date + timedelta(days=n) for n in range(spec.oldest_age_days - spec.newest_age_days + 1)]


def used(row: dict[str, str]) -> set[tuple[str, str]]:
    return {(app, platform) for app in APPS for platform in PLATFORMS if row[f"{app} ({platform})"] == "Yes"}


def upns_of(body: bytes) -> set[str]:
    return {row["User Principal Name"] for row in rows_of(body)}


def test_a_day_has_graphs_header_a_byte_order_mark_and_crlf(tenant: Tenant) -> None:
    body = tenant.report_csv(TODAY - timedelta(days=5))
    assert body.startswith(b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n")
    assert body.endswith(b"\r\n")
    assert body.count(b"\n") == body.count(b"\r\n")
    assert body.count(b"\xef\xbb\xbf") == 1
    assert all(len(row) == 39 and None not in row.values() for row in rows_of(body))


@pytest.mark.parametrize("seed", [1, 7])
def test_flags_and_dates_of_every_row_agree(seed: int) -> None:
    tenant = Tenant(TenantSpec(seed=seed, users=120, today=TODAY))
    for day in window(tenant.spec):
        for row in rows_of(tenant.report_csv(day)):
            pairs = used(row)
            assert {app for app, _ in pairs} == {app for app in APPS if row[app] == "Yes"}
            assert {platform for _, platform in pairs} == {p for p in PLATFORMS if row[p] == "Yes"}
            assert set(row.values()) >= {"No"}
            assert row["Report Refresh Date"] == day.isoformat()
            assert (row["Last Activity Date"] == day.isoformat()) == bool(pairs)
            assert row["Last Activity Date"] <= day.isoformat()
            assert row["Last Activation Date"] <= day.isoformat()


def test_the_bytes_are_the_same_in_every_process() -> None:
    program = (
        "import hashlib, json, datetime as d\n"
        "from pipelines.simulator import Tenant, TenantSpec\n"
        "t = Tenant(TenantSpec(seed=3, users=80, today=d.date(2026, 9, 14)))\n"
        "h = hashlib.sha256()\n"
        "for n in (2, 9, 29): h.update(t.report_csv(d.date(2026, 9, 14) - d.timedelta(days=n)))\n"
        "for p in ('D7', 'D30'): h.update(t.period_csv(p) + t.user_counts_csv(p))\n"
        "for part in (t.users(), t.deleted_users(), t.subscribed_skus(), t.subscriptions(), t.organization(),\n"
        "             t.groups()):\n"
        "    h.update(json.dumps(part).encode())\n"
        "print(h.hexdigest())\n"
    )
    digests = set()
    for hash_seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            cwd=Path(pipelines.simulator.__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_another_seed_is_another_company() -> None:
    one, two = (Tenant(TenantSpec(seed=seed, users=50, today=TODAY)) for seed in (1, 2))
    assert one.report_csv(TODAY - timedelta(days=3)) != two.report_csv(TODAY - timedelta(days=3))
    assert {u["id"] for u in one.users()}.isdisjoint(u["id"] for u in two.users())


def test_history_does_not_depend_on_today(tenant: Tenant) -> None:
    day = TODAY - timedelta(days=4)
    for later in (1, 9, 25):
        moved = tenant.with_today(TODAY + timedelta(days=later))
        fresh = Tenant(TenantSpec(today=TODAY + timedelta(days=later)))
        assert moved.report_csv(day) == tenant.report_csv(day) == fresh.report_csv(day)
        assert moved.users() == fresh.users() != tenant.users()
        assert moved.users(TODAY) == tenant.users()
        assert moved.subscribed_skus() == fresh.subscribed_skus()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("today", [TODAY, date(2026, 10, 30), date(2027, 2, 1)])
def test_whoever_makes_trouble_is_there_on_any_day(seed: int, today: date) -> None:
    tenant = Tenant(TenantSpec(seed=seed, today=today))
    truth, spec = tenant.truth, tenant.spec
    for kind in (
        *("joiner", "leaver", "deleted", "renamed", "guest", "shared_mailbox", "room_mailbox", "service_account"),
        *("part_timer", "idle", "on_leave", "never_used", "activated_never_used", "teams_only", "web_only"),
        *("mac_only", "web_mobile", "contractor", "frontline"),
    ):
        assert truth.of_kind(kind), kind
    first, last = spec.oldest_report_date, spec.newest_report_date
    assert any(p.upns[-1].valid_from > first and p.upns[-1].valid_from <= last for p in truth.of_kind("renamed"))
    assert any(first < p.created <= last for p in truth.of_kind("joiner"))
    gone = [p for p in truth.people if p.deleted is not None]
    assert any(
        p.upns[0].upn == other.upns[-1].upn and p.user_id != other.user_id
        for p in truth.of_kind("rehire")
        for other in gone
        if first < (other.deleted or today) <= p.created <= last
    )
    states = [state for user in tenant.users() for state in user["licenseAssignmentStates"]]
    assert any(state["state"] == "Error" and state["error"] == "CountViolation" for state in states)
    assert {state["state"] for state in states} == {"Active", "ActiveWithError", "Error"}
    names = Counter(user["userPrincipalName"].lower() for user in tenant.users())
    assert max(names.values()) == 1


def test_hard_names_are_there(tenant: Tenant) -> None:
    users = tenant.users()
    shown = [user["displayName"] for user in users]
    upns = [user["userPrincipalName"] for user in users]
    assert "Siobhán O'Brien" in shown
    assert any("'" in upn for upn in upns)
    assert any("," in name for name in shown)
    assert any(name.startswith("=") for name in shown)
    assert any(re.search(r"[\u0400-\u04ff]", name) for name in shown)
    assert any(re.search(r"[\u4e00-\u9fff]", name) for name in shown)
    assert sum(upn != upn.lower() and "#EXT#" not in upn for upn in upns) >= 2
    assert any("#EXT#" in upn for upn in upns)
    departments = Counter(user["department"] for user in users if user["department"])
    assert any("," in department for department in departments)
    assert len(departments) >= 10
    assert min(departments.values()) < 5
    assert len({user["usageLocation"] for user in users}) >= 6


def test_a_renamed_person_has_the_old_name_before_the_day_and_the_new_from_it_on(tenant: Tenant) -> None:
    spec = tenant.spec
    seen = 0
    for person in tenant.truth.of_kind("renamed"):
        old, new = person.upns[-2:]
        day = new.valid_from
        if not spec.oldest_report_date < day <= spec.newest_report_date:
            continue
        before, after = upns_of(tenant.report_csv(day - timedelta(days=1))), upns_of(tenant.report_csv(day))
        assert old.upn in before
        assert new.upn not in before
        assert new.upn in after
        assert old.upn not in after
        (user,) = (user for user in tenant.users() if user["id"] == person.user_id)
        assert user["userPrincipalName"] == new.upn
        assert (f"smtp:{old.upn}" in user["proxyAddresses"]) == person.keeps_alias
        seen += 1
    assert seen


def test_most_but_not_all_renamed_people_keep_the_old_address(tenant: Tenant) -> None:
    kept = Counter(p.keeps_alias for p in tenant.with_today(TODAY + timedelta(days=300)).truth.of_kind("renamed"))
    assert kept[True] > kept[False] > 0


def test_a_deleted_person_stays_in_the_days_before_and_in_no_period(tenant: Tenant) -> None:
    deleted = {user["id"]: user for user in tenant.deleted_users()}
    truth = {p.user_id: p for p in tenant.truth.of_kind("deleted")}
    assert deleted.keys() == truth.keys()
    living = {user["id"] for user in tenant.users()}
    assert living.isdisjoint(deleted)
    shown = 0
    for user_id, person in truth.items():
        assert person.deleted is not None
        upn = person.upns[-1].upn
        assert deleted[user_id]["userPrincipalName"] == user_id.replace("-", "") + upn
        assert deleted[user_id]["deletedDateTime"].startswith(person.deleted.isoformat())
        assert deleted[user_id]["assignedLicenses"] == []
        day = person.deleted - timedelta(days=1)
        if day >= tenant.spec.oldest_report_date:
            assert upn in upns_of(tenant.report_csv(day))
            shown += 1
        if not any(u["userPrincipalName"] == upn for u in tenant.users()):
            assert upn not in upns_of(tenant.report_csv(person.deleted))
            assert upn not in upns_of(tenant.period_csv("D30"))
    assert shown


def test_a_person_deleted_since_the_refresh_is_in_no_period() -> None:
    tenant = Tenant(TenantSpec(today=TODAY))
    person = next(p for p in tenant.truth.of_kind("deleted") if "seasonal" not in p.kinds)
    assert person.deleted is not None
    upn = person.upns[-1].upn
    assert upn in upns_of(tenant.with_today(person.deleted - timedelta(days=1)).period_csv("D7"))
    on_the_day = tenant.with_today(person.deleted)
    assert upn not in upns_of(on_the_day.period_csv("D7"))
    assert upn in upns_of(on_the_day.report_csv(on_the_day.spec.newest_report_date))


def test_leavers_are_blocked_and_still_licensed_and_do_nothing(tenant: Tenant) -> None:
    by_id = {user["id"]: user for user in tenant.users()}
    for person in tenant.truth.of_kind("leaver"):
        assert by_id[person.user_id]["accountEnabled"] is False
        assert by_id[person.user_id]["assignedLicenses"]
        assert person.disabled is not None
        for day in window(tenant.spec):
            if day >= person.disabled:
                assert not tenant.truth.active_flags(person.user_id, day)


def test_nobody_is_active_before_joining(tenant: Tenant) -> None:
    for person in tenant.truth.of_kind("joiner"):
        for day in window(tenant.spec):
            if day < person.created:
                assert person.user_id not in tenant.truth.active_on(day)


def test_activation_is_not_use(tenant: Tenant) -> None:
    by_upn = {row["User Principal Name"]: row for row in rows_of(tenant.period_csv("D180"))}
    for kind, is_activated in (("activated_never_used", True), ("never_used", False)):
        for person in tenant.truth.of_kind(kind):
            row = by_upn[person.upns[-1].upn]
            assert not used(row)
            assert row["Last Activity Date"] == ""
            if not is_activated:
                assert row["Last Activation Date"] == ""
    activated = [by_upn[p.upns[-1].upn]["Last Activation Date"] for p in tenant.truth.of_kind("activated_never_used")]
    assert any(activated)


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [("mac_only", {"Mac"}), ("web_only", {"Web"}), ("web_mobile", {"Web", "Mobile"})],
)
def test_people_keep_to_their_devices(tenant: Tenant, kind: str, allowed: set[str]) -> None:
    platforms = Counter(
        platform
        for person in tenant.truth.of_kind(kind)
        for day in window(tenant.spec)
        for _, platform in tenant.truth.active_flags(person.user_id, day)
    )
    assert set(platforms) == allowed


def test_frontline_people_have_no_desktop(tenant: Tenant) -> None:
    for person in tenant.truth.of_kind("frontline"):
        for day in window(tenant.spec):
            assert {p for _, p in tenant.truth.active_flags(person.user_id, day)} <= {"Mobile", "Web"}


def test_weekends_are_quiet_and_not_empty_and_departments_differ(tenant: Tenant) -> None:
    active = {day: sum(map(bool, tenant.truth.active_on(day).values())) for day in window(tenant.spec)}
    weekend = [count for day, count in active.items() if day.weekday() >= 5]
    weekdays = sorted(count for day, count in active.items() if day.weekday() < 5)
    assert min(weekend) > 0
    assert max(weekend) < weekdays[len(weekdays) // 2] / 3
    excel = Counter[str]()
    days = Counter[str]()
    departments = {person.user_id: person.department for person in tenant.truth.people}
    for day in window(tenant.spec):
        for user_id, pairs in tenant.truth.active_on(day).items():
            name = departments[user_id] or ""
            days[name] += bool(pairs)
            excel[name] += any(app == "Excel" for app, _ in pairs)
    assert excel["Finance"] / days["Finance"] > 2 * excel["Marketing"] / days["Marketing"]


def test_teams_is_not_the_suite(tenant: Tenant) -> None:
    suite_days = teams_days = 0
    for day in window(tenant.spec):
        for pairs in tenant.truth.active_on(day).values():
            apps = {app for app, _ in pairs}
            suite_days += bool(apps - {"Teams"})
            teams_days += "Teams" in apps
    assert abs(suite_days - teams_days) > 0.1 * suite_days
    for person in tenant.truth.of_kind("teams_only"):
        for day in window(tenant.spec):
            assert {app for app, _ in tenant.truth.active_flags(person.user_id, day)} <= {"Teams"}


def test_a_period_is_the_or_of_its_days(tenant: Tenant) -> None:
    end = tenant.spec.newest_report_date
    names = {person.user_id: person.upns[-1].upn for person in tenant.truth.people}
    total: dict[str, set[tuple[str, str]]] = {}
    for age in range(7):
        for user_id, pairs in tenant.truth.active_on(end - timedelta(days=age)).items():
            total.setdefault(names[user_id], set()).update(pairs)
    rows = [row for row in rows_of(tenant.period_csv("D7")) if row["User Principal Name"] != "(Unknown)"]
    assert len(rows) > 250
    for row in rows:
        assert used(row) == total.get(row["User Principal Name"], set())
        assert row["Report Period"] == "7"
        assert row["Report Refresh Date"] == end.isoformat()


def test_microsofts_own_counts_are_those_of_the_days(tenant: Tenant) -> None:
    body = tenant.user_counts_csv("D7")
    rows = rows_of(body)
    assert [row["Report Date"] for row in rows] == sorted((row["Report Date"] for row in rows), reverse=True)
    assert rows[0]["Report Date"] == rows[0]["Report Refresh Date"] == tenant.spec.newest_report_date.isoformat()
    assert len(rows) == 7
    for row in rows:
        detail = rows_of(tenant.report_csv(date.fromisoformat(row["Report Date"])))
        assert {app: int(row[app]) for app in APPS} == {app: sum(r[app] == "Yes" for r in detail) for app in APPS}


def test_one_or_two_rows_a_day_name_nobody(tenant: Tenant) -> None:
    counts = {
        sum(row["User Principal Name"] == "(Unknown)" for row in rows_of(tenant.report_csv(day)))
        for day in window(tenant.spec)
    }
    assert counts == {1, 2}
    assert not any(row["User Principal Name"] == "(Unknown)" for row in rows_of(tenant.report_csv(date(2026, 1, 20))))


def test_every_row_is_a_licensed_account_and_every_licensed_account_has_a_row(tenant: Tenant) -> None:
    reported = {sku.sku_id for sku in catalog.CATALOG if sku.is_reported}
    day = tenant.spec.newest_report_date
    licensed = {
        user["userPrincipalName"]
        for user in tenant.users(day)
        if any(held["skuId"] in reported for held in user["assignedLicenses"])
    }
    assert upns_of(tenant.report_csv(day)) - {"(Unknown)"} == licensed


def test_the_order_of_rows_is_stable_and_not_the_alphabet(tenant: Tenant) -> None:
    day = tenant.spec.newest_report_date
    names = [row["User Principal Name"] for row in rows_of(tenant.report_csv(day))]
    before = [row["User Principal Name"] for row in rows_of(tenant.report_csv(day - timedelta(days=1)))]
    assert names != sorted(names)
    both = set(names) & set(before) - {"(Unknown)"}
    assert [n for n in names if n in both] == [n for n in before if n in both]


def test_concealed_names_are_32_hex_and_stable_between_days() -> None:
    tenant = Tenant(TenantSpec(users=60, today=TODAY, is_concealed=True))
    day = tenant.spec.newest_report_date
    names = upns_of(tenant.report_csv(day)) - {"(Unknown)"}
    assert all(re.fullmatch(r"[0-9A-F]{32}", name) for name in names)
    assert len(names & upns_of(tenant.report_csv(day - timedelta(days=1)))) > 0.9 * len(names)
    salted = tenant.replaced(conceal_salt="other")
    assert names.isdisjoint(upns_of(salted.report_csv(day)))
    named = upns_of(tenant.replaced(is_concealed=False).report_csv(day)) - {"(Unknown)"}
    assert all("@" in name for name in named)
    assert len(named) == len(names)


@pytest.mark.parametrize("seed", [1, 5])
@pytest.mark.parametrize(("users", "later"), [(40, 0), (300, 0), (300, 100)])
def test_consumed_units_are_the_distinct_holders(seed: int, users: int, later: int) -> None:
    tenant = Tenant(TenantSpec(seed=seed, users=users, today=TODAY)).with_today(TODAY + timedelta(days=later))
    holders: Counter[str] = Counter()
    for user in tenant.users():
        skus = [held["skuId"] for held in user["assignedLicenses"]]
        assert len(skus) == len(set(skus))
        active = {s["skuId"] for s in user["licenseAssignmentStates"] if s["state"] != "Error"}
        assert active == set(skus)
        holders.update(skus)
    subscriptions = {item["id"]: item for item in tenant.subscriptions()}
    for sku in tenant.subscribed_skus():
        assert sku["consumedUnits"] == holders[sku["skuId"]]
        assert sku["id"] == f"{sku['accountId']}_{sku['skuId']}"
        parts = [subscriptions[key] for key in sku["subscriptionIds"]]
        assert sum(part["totalLicenses"] for part in parts) == sum(sku["prepaidUnits"].values())
        assert {part["skuId"] for part in parts} == {sku["skuId"]}
        if sku["prepaidUnits"]["enabled"] and not sku["prepaidUnits"]["warning"]:
            assert sku["consumedUnits"] <= sku["prepaidUnits"]["enabled"]


def test_the_inventory_has_every_case(tenant: Tenant) -> None:
    skus = {sku["skuPartNumber"]: sku for sku in tenant.subscribed_skus()}
    visio = skus["VISIOCLIENT"]
    enabled, warning = visio["prepaidUnits"]["enabled"], visio["prepaidUnits"]["warning"]
    assert enabled < visio["consumedUnits"] <= enabled + warning
    project = skus["PROJECTPROFESSIONAL"]
    assert project["prepaidUnits"]["enabled"] == 0
    assert project["prepaidUnits"]["suspended"] > 0
    assert project["prepaidUnits"]["lockedOut"] > 0
    assert project["consumedUnits"] > 0
    assert project["capabilityStatus"] == "Suspended"
    copilot = skus["Microsoft_365_Copilot"]
    assert copilot["consumedUnits"] == copilot["prepaidUnits"]["enabled"]
    assert skus["POWER_BI_STANDARD"]["prepaidUnits"]["enabled"] == 1_000_000
    assert skus["SPE_E3"]["consumedUnits"] < skus["SPE_E3"]["prepaidUnits"]["enabled"]
    assert len(skus["SPE_E3"]["subscriptionIds"]) == 2
    assert {sku["appliesTo"] for sku in skus.values()} == {"User", "Company"}
    (trial,) = [item for item in tenant.subscriptions() if item["isTrial"]]
    assert trial["skuPartNumber"] == "TEAMS_EXPLORATORY"
    assert all(
        item["nextLifecycleDateTime"] is None or item["nextLifecycleDateTime"][:10] > TODAY.isoformat()
        for item in tenant.subscriptions()
    )


def test_licences_come_directly_by_group_and_both_ways(tenant: Tenant) -> None:
    ways: Counter[str] = Counter()
    groups = {group["id"] for group in tenant.groups()}
    for user in tenant.users():
        sources: dict[str, set[bool]] = {}
        for state in user["licenseAssignmentStates"]:
            assert state["assignedByGroup"] is None or state["assignedByGroup"] in groups
            if state["state"] != "Error":
                sources.setdefault(state["skuId"], set()).add(state["assignedByGroup"] is not None)
        ways.update(
            {frozenset({True}): "group", frozenset({False}): "direct"}.get(frozenset(s), "both")
            for s in sources.values()
        )
        held = {h["skuId"] for h in user["assignedLicenses"]}
        ways["overlap"] += {catalog.E5.sku_id, catalog.E3.sku_id} <= held
    assert min(ways[way] for way in ("group", "direct", "both", "overlap")) > 0


def test_licence_history_is_what_the_directory_shows_day_by_day(tenant: Tenant) -> None:
    later = tenant.with_today(TODAY + timedelta(days=120))
    periods = later.truth.assignments()
    assert any(period.valid_to is not None for period in periods)
    for day in (TODAY, TODAY + timedelta(days=60), later.spec.today):
        standing = {(p.user_id, p.sku_id, p.assigned_by_group) for p in periods if p.covers(day)}
        shown = {
            (user["id"], state["skuId"], state["assignedByGroup"])
            for user in later.users(day)
            for state in user["licenseAssignmentStates"]
        }
        assert standing == shown


def test_nobody_uses_what_the_licence_does_not_allow(tenant: Tenant) -> None:
    exchange_only = {
        user["id"]
        for user in tenant.users()
        if {held["skuId"] for held in user["assignedLicenses"]} == {catalog.EXCHANGE_PLAN_1.sku_id}
    }
    assert exchange_only
    for day in window(tenant.spec):
        for user_id, pairs in tenant.truth.active_on(day).items():
            if user_id in exchange_only:
                assert {app for app, _ in pairs} <= {"Outlook"}


def test_managers_form_a_tree(tenant: Tenant) -> None:
    managers = {user["id"]: (user.get("manager") or {}).get("id") for user in tenant.users()}
    heads = 0
    for user_id in managers:
        seen = {user_id}
        above = managers[user_id]
        while above is not None:
            assert above not in seen
            assert above in managers
            seen.add(above)
            above = managers[above]
    reports = Counter(managers.values())
    heads = sum(1 for count in reports.values() if count > 1)
    assert heads > 15


def test_corrections_change_one_day_and_say_whom_they_hit() -> None:
    tenant = Tenant(TenantSpec(users=80, today=TODAY))
    day = next(day for day in window(tenant.spec) if day.weekday() == 1)
    before = rows_of(tenant.report_csv(day))
    others = {other: tenant.report_csv(other) for other in window(tenant.spec) if other != day}
    settled = TODAY + timedelta(days=3)
    correction = tenant.correct(day, drop=2, switch_off=3, switch_on=1, add=1, app="Excel", seen_from=settled)
    assert rows_of(tenant.report_csv(day)) == before
    later = tenant.with_today(settled)
    after = {row["User Principal Name"]: row for row in rows_of(later.report_csv(day))}
    old = {row["User Principal Name"]: row for row in before}
    assert len(correction.dropped) == len(old.keys() - after.keys()) == 2
    assert len(correction.added) == len(after.keys() - old.keys()) == 1
    switched = Counter(
        (old[name]["Excel"], after[name]["Excel"])
        for name in old.keys() & after.keys()
        if old[name]["Excel"] != after[name]["Excel"]
    )
    assert switched == {("Yes", "No"): 3, ("No", "Yes"): 1}
    for row in after.values():
        assert (row["Last Activity Date"] == day.isoformat()) == bool(used(row))
    for other, body in others.items():
        assert {r["User Principal Name"] for r in rows_of(later.report_csv(other))} == upns_of(body)
        assert [used(r) for r in rows_of(later.report_csv(other))] == [used(r) for r in rows_of(body)]
    again = Tenant(TenantSpec(users=80, today=TODAY))
    assert again.correct(day, drop=2, switch_off=3, switch_on=1, add=1, app="Excel", seen_from=settled) == correction


def test_a_corrected_person_who_did_nothing_was_last_active_before() -> None:
    tenant = Tenant(TenantSpec(users=80, today=TODAY))
    day = next(day for day in window(tenant.spec) if day.weekday() == 2)
    users = sum(row["Teams"] == "Yes" for row in rows_of(tenant.report_csv(day)) if "@" in row["User Principal Name"])
    before = {row["User Principal Name"]: used(row) for row in rows_of(tenant.report_csv(day))}
    tenant.correct(day, switch_off=users, app="Teams")
    idle = [row for row in rows_of(tenant.report_csv(day)) if before[row["User Principal Name"]] and not used(row)]
    idle = [row for row in idle if row["User Principal Name"] != "(Unknown)"]
    assert idle
    assert all(row["Last Activity Date"] < day.isoformat() for row in idle)
    following = {row["User Principal Name"]: row for row in rows_of(tenant.report_csv(day + timedelta(days=1)))}
    for row in idle:
        assert following[row["User Principal Name"]]["Last Activity Date"] != day.isoformat()


def test_more_corrections_than_people_are_refused() -> None:
    tenant = Tenant(TenantSpec(users=10, today=TODAY))
    with pytest.raises(ValueError, match="fewer than the 500"):
        tenant.correct(TODAY - timedelta(days=4), drop=500)


@pytest.mark.parametrize("users", [1, 2, 5, 11, 25])
def test_small_companies_work_too(users: int) -> None:
    tenant = Tenant(TenantSpec(users=users, today=TODAY))
    assert rows_of(tenant.report_csv(tenant.spec.newest_report_date))
    assert tenant.users()
    assert tenant.period_csv("D7")
    assert tenant.subscribed_skus()


def test_who_the_people_are_cannot_be_changed_afterwards(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="another tenant"):
        tenant.replaced(users=10)
    with pytest.raises(ValueError, match="No report period"):
        tenant.period_csv("D8")


def test_two_tenants_of_one_seed_are_two_companies() -> None:
    other = TenantSpec(users=30, today=TODAY, tenant_id="11111111-2222-4333-8444-555555555555", domain="adatum.example")
    mine = Tenant(TenantSpec(users=30, today=TODAY)).users()
    theirs = Tenant(other).users()
    assert {user["id"] for user in mine}.isdisjoint(user["id"] for user in theirs)
    assert all("fabrikam" not in json.dumps(user) or user["userType"] == "Guest" for user in theirs if user["id"])


def test_the_simulator_imports_nothing_of_the_product() -> None:
    folder = Path(pipelines.simulator.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            for name in names:
                assert not name.startswith("pipelines") or name.startswith("pipelines.simulator"), (path, name)


def test_fixed_bytes_of_a_fixed_day() -> None:
    """The demo's figures rest on these bytes: whoever changes them must look at the figures again."""
    tenant = Tenant(TenantSpec(seed=1, users=300, today=date(2026, 10, 30)))
    digest = hashlib.sha256(b"".join(tenant.report_csv(day) for day in window(tenant.spec))).hexdigest()
    assert digest[:16] == "d85e45def3fe4ec6"
