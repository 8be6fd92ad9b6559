"""What was written to the simulated tenant is seen by whatever reads it: delta, reports, later days."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from pipelines.simulator import Limits, SimulatorServer, Tenant, TenantSpec
from pipelines.simulator import skus as catalog
from tests.contract.writing import Json, Writer, holders

TODAY = date(2026, 9, 14)
SPEC = TenantSpec(users=80, today=TODAY)
DELTA = "/users/delta?$select=id,userPrincipalName,accountEnabled,assignedLicenses"


def delta(writer: Writer, url: str = DELTA) -> tuple[dict[str, Json], str]:
    """What has changed, by id, and where to ask the next time."""
    found: dict[str, Json] = {}
    while True:
        page = writer.get(url)
        found |= {item["id"]: item for item in page["value"]}
        if "@odata.deltaLink" in page:
            return found, page["@odata.deltaLink"]
        url = page["@odata.nextLink"]


def direct_holder(tenant: Tenant, sku: str) -> Json:
    """An employee who has this product directly, and no other, and uses it."""
    people = [user for user in holders(tenant, sku) if user["accountEnabled"]]
    return max(people, key=lambda u: u.get("signInActivity", {}).get("lastSignInDateTime", ""))


def rows(body: bytes) -> dict[str, Json]:
    return {r["User Principal Name"]: r for r in csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))}


def newcomer(writer: Writer) -> str:
    body = {
        "accountEnabled": True,
        "displayName": "Nora Newcomer",
        "mailNickname": "nora",
        "userPrincipalName": f"nora@{SPEC.domain}",
        "usageLocation": "US",
        "passwordProfile": {"password": "Correct-Horse-7"},
    }
    answer = writer.ask("POST", "/users", body)
    assert answer.status_code == 201, answer.text
    assert writer.assign(answer.json()["id"], add=(catalog.E3.sku_id,)).status_code == 200
    return str(answer.json()["id"])


def test_delta_tells_of_each_write_once(server: SimulatorServer, writer: Writer) -> None:
    everybody, link = delta(writer)
    assert everybody.keys() == {u["id"] for u in server.tenant.users()}
    assert delta(writer, link)[0] == {}
    person = direct_holder(server.tenant, catalog.E3.sku_id)
    writer.ask("PATCH", f"/users/{person['id']}", {"accountEnabled": False})
    changed, later = delta(writer, link)
    assert list(changed) == [person["id"]]
    assert changed[person["id"]]["accountEnabled"] is False
    assert delta(writer, later)[0] == {}
    made = newcomer(writer)
    writer.ask("DELETE", f"/users/{person['id']}")
    changed, last = delta(writer, later)
    assert changed[made]["assignedLicenses"] == [{"disabledPlans": [], "skuId": catalog.E3.sku_id}]
    assert changed[person["id"]] == {"id": person["id"], "@removed": {"reason": "changed"}}
    assert changed.keys() == {made, person["id"]}
    writer.ask("POST", f"/directory/deletedItems/{person['id']}/restore")
    assert delta(writer, last)[0][person["id"]]["userPrincipalName"] == person["userPrincipalName"]
    assert delta(writer, link)[0].keys() == {made, person["id"]}


def test_delta_from_one_day_to_the_next_sees_the_writes_of_both(server: SimulatorServer, writer: Writer) -> None:
    person = direct_holder(server.tenant, catalog.E3.sku_id)
    _, link = delta(writer)
    writer.assign(person["id"], remove=(catalog.E3.sku_id,))
    server.tenant = server.tenant.with_today(TODAY + timedelta(days=1))
    made = newcomer(writer)
    changed, _ = delta(writer, link)
    assert changed[person["id"]]["assignedLicenses"] == []
    assert made in changed
    assert made not in {u["id"] for u in server.tenant.users(TODAY)}
    assert server.tenant.with_today(TODAY - timedelta(days=1)).users() == Tenant(SPEC).users(TODAY - timedelta(days=1))


def test_reports_follow_from_the_day_of_the_write_on(server: SimulatorServer, writer: Writer) -> None:
    e3 = catalog.E3.sku_id
    blocked = direct_holder(server.tenant, e3)
    stays = {(u["id"], u["userPrincipalName"]) for u in server.tenant.users(TODAY + timedelta(days=40))}
    others = [u for u in server.tenant.users() if u["id"] != blocked["id"] and u["employeeId"] and u["accountEnabled"]]
    others = [u for u in others if (u["id"], u["userPrincipalName"]) in stays]
    plain = [
        u for u in others if [(s["skuId"], s["assignedByGroup"]) for s in u["licenseAssignmentStates"]] == [(e3, None)]
    ]
    unlicensed = plain[0]
    deleted = next(
        u for u in others if u["licenseAssignmentStates"] and u["id"] not in (unlicensed["id"], *server.tenant.admins())
    )
    before = server.tenant.report_csv(TODAY - timedelta(days=2))
    assert writer.ask("PATCH", f"/users/{blocked['id']}", {"accountEnabled": False}).status_code == 204
    assert writer.assign(unlicensed["id"], remove=(e3,)).status_code == 200
    assert writer.ask("DELETE", f"/users/{deleted['id']}").status_code == 204
    made = newcomer(writer)
    later = server.tenant = server.tenant.with_today(TODAY + timedelta(days=40))
    untouched = Tenant(SPEC).with_today(later.spec.today)
    assert later.report_csv(TODAY - timedelta(days=2)) == before
    name = {u["id"]: u["userPrincipalName"] for u in (blocked, unlicensed, deleted)}
    new = f"nora@{SPEC.domain}"
    used: dict[str, int] = {new: 0, name[blocked["id"]]: 0}
    for age in range(35):
        day = TODAY + timedelta(days=age)
        after, base = rows(later.report_csv(day)), rows(untouched.report_csv(day))
        assert name[unlicensed["id"]] not in after
        assert name[deleted["id"]] not in after
        assert after[new]["Last Activation Date"] == ""
        if age == 0:
            assert after[new]["Last Activity Date"] == ""
        used[new] += after[new]["Outlook (Web)"] == "Yes"
        mine = after.get(name[blocked["id"]])
        if mine is not None:
            used[name[blocked["id"]]] += "Yes" in mine.values()
            assert mine["Last Activity Date"] < TODAY.isoformat()
        same = {n: r for n, r in after.items() if n not in (*name.values(), new, "(Unknown)")}
        assert same == {n: r for n, r in base.items() if n not in (*name.values(), new, "(Unknown)")}
    assert used[name[blocked["id"]]] == 0
    assert 15 < used[new] < 26
    period = rows(later.period_csv("D30"))
    assert period[new]["Outlook"] == "Yes"
    assert name[unlicensed["id"]] not in period
    assert name[deleted["id"]] not in period
    shown = {u["id"]: u for u in later.users()}
    assert shown[made]["mail"] == new
    if blocked["id"] in shown:
        assert shown[blocked["id"]]["signInActivity"] == blocked["signInActivity"]
    counts = rows_with_unknown(later.user_counts_csv("D30"))
    day = later.spec.newest_report_date
    outlook = [r for r in rows_with_unknown(later.report_csv(day)) if r["Outlook"] == "Yes"]
    assert int(counts[0]["Outlook"]) == len(outlook)


def rows_with_unknown(body: bytes) -> list[Json]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_a_new_name_stands_in_later_reports(server: SimulatorServer, writer: Writer) -> None:
    person = next(
        u for u in server.tenant.users() if u["employeeId"] and not u["onPremisesSyncEnabled"] and u["assignedLicenses"]
    )
    name = f"another.name@{SPEC.domain}"
    assert writer.ask("PATCH", f"/users/{person['id']}", {"userPrincipalName": name}).status_code == 204
    later = server.tenant.with_today(TODAY + timedelta(days=4))
    assert person["userPrincipalName"] in rows(later.report_csv(TODAY - timedelta(days=1)))
    after = rows(later.report_csv(TODAY))
    assert name in after
    assert person["userPrincipalName"] not in after
    assert writer.get(f"/users/{name}?$select=id")["id"] == person["id"]
    assert writer.ask("GET", f"/users/{person['userPrincipalName']}").status_code == 404


def test_a_tenant_nobody_wrote_to_is_what_it_was() -> None:
    one, two = Tenant(SPEC), Tenant(SPEC)
    with SimulatorServer(one, Limits.generous()) as server:
        writer = Writer(server)
        writer.get(f"/users/{one.users()[0]['id']}")
        writer.ask("PATCH", "/users/nobody", {"accountEnabled": False})
        writer.items("/groups")
    for day in (TODAY, TODAY + timedelta(days=3)):
        first, second = one.with_today(day), two.with_today(day)
        assert first.users() == second.users()
        assert first.deleted_users() == second.deleted_users()
        assert first.subscribed_skus() == second.subscribed_skus()
        assert first.report_csv(day - timedelta(days=2)) == second.report_csv(day - timedelta(days=2))
    assert one.writes.history.newest == 0
