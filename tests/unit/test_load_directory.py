"""Loading directory and licence answers: states that change, people that go, licences, hostile values."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest
from conftest import House
from unit_landing import START, TENANT

OTHER = "other.example"
NEVER = "0001-01-01T00:00:00Z"
E5, F3 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "66b55226-6b4f-492c-910c-a3b7a3c9d993"


def user(user_id: str, **properties: Any) -> dict[str, Any]:
    return {"id": user_id, "userPrincipalName": f"{user_id}@fabrikam.example", "accountEnabled": True, **properties}


def state(sku: str = E5, group: str | None = None, **facts: Any) -> dict[str, Any]:
    return {"skuId": sku, "assignedByGroup": group, "state": "Active", "error": "None", "disabledPlans": []} | facts


def states(house: House, tenant_id: str = TENANT) -> list[tuple[Any, ...]]:
    """(user, seconds after the start, present) of every stored state, oldest first."""
    found = house.rows("select user_id, observed_at, is_present from raw.users where tenant_id = ?", tenant_id)
    return sorted(((name, round((at - START).total_seconds()), here) for name, at, here in found), key=lambda r: r[1])


def licences(house: House, columns: str = "user_id, sku_id, assigned_by_group, l.state") -> list[tuple[Any, ...]]:
    return house.rows(
        f"select {columns} from raw.user_licenses as l join raw.users as u using (tenant_id, user_key, observed_at) "
        "order by all"
    )


# --- people -------------------------------------------------------------------------------------------------


def test_all_properties_of_a_person(house: House) -> None:
    house.objects(
        "users",
        [
            user(
                "u1",
                mail="u1@mail.example",
                proxyAddresses=["smtp:b@x.example", "SMTP:a@x.example"],
                displayName="Una",
                userType="Member",
                department="Sales",
                jobTitle="Clerk",
                officeLocation="12",
                city="Ulm",
                country="Germany",
                usageLocation="DE",
                companyName="Fabrikam",
                employeeId="007",
                employeeType="Full-time",
                onPremisesSyncEnabled=True,
                createdDateTime="2020-02-29T12:34:56Z",
                manager={"id": "m1", "displayName": "Mia", "userPrincipalName": "mia@fabrikam.example"},
                newProperty={"of": "tomorrow"},
            )
        ],
    )
    (found,) = house.con.execute("select * exclude (state_hash) from raw.users").fetchall()
    assert found == (
        *(TENANT, 1, "u1", START + timedelta(seconds=1), date(2026, 8, 31), True),
        *("u1@fabrikam.example", "u1@mail.example", ["SMTP:a@x.example", "smtp:b@x.example"], "Una", "Member", True),
        *("Sales", "Clerk", "12", "Ulm", "Germany", "DE", "Fabrikam", "007", "Full-time", True),
        *(datetime(2020, 2, 29, 12, 34, 56, tzinfo=timezone.utc), "m1", "Mia"),
    )


def test_people_with_nothing_but_an_id(house: House) -> None:
    verdict = house.objects("users", [{"id": "u1"}, {"id": "u2", "manager": None, "assignedLicenses": None}])
    assert verdict.verdict == "applied"
    assert house.rows(
        "select user_id, user_principal_name, account_enabled, department, proxy_addresses from raw.users"
    ) == [
        ("u1", None, None, None, None),
        ("u2", None, None, None, None),
    ]
    assert house.ledger("rows") == [(2,)]


def test_pages_are_read_together_and_a_person_on_two_pages_is_one(house: House) -> None:
    house.objects("users", [user("u1"), user("u2")], [], [user("u2"), user("u3")])
    assert states(house) == [("u1", 1, True), ("u2", 1, True), ("u3", 1, True)]


def test_a_state_is_stored_only_when_something_changed(house: House) -> None:
    first = [user("u1", department="Sales"), user("u2", department="Sales"), user("u3", proxyAddresses=["a", "b"])]
    house.objects("users", first)
    house.objects("users", list(reversed(first)))
    house.objects("users", [first[0], user("u2", department="Legal"), user("u3", proxyAddresses=["b", "a"])])
    assert states(house) == [("u1", 1, True), ("u2", 1, True), ("u3", 1, True), ("u2", 3, True)]
    assert house.rows("select department from raw.users where user_id = 'u2' order by observed_at") == [
        ("Sales",),
        ("Legal",),
    ]


CHANGES: dict[str, dict[str, Any]] = {
    "disabled": {"accountEnabled": False},
    "renamed": {"userPrincipalName": "new.name@fabrikam.example"},
    "manager": {"manager": {"id": "m2", "displayName": "Max"}},
    "shown": {"displayName": "New Name"},
    "alias": {"proxyAddresses": ["smtp:more@x.example"]},
    "product": {"licenseAssignmentStates": [state(F3)]},
    "error": {"licenseAssignmentStates": [state(E5, state="Error", error="CountViolation")]},
    "plan": {"licenseAssignmentStates": [state(E5, disabledPlans=["p1"])]},
    "group": {"licenseAssignmentStates": [state(E5, group="g1")]},
    "nothing": {},
}


def test_every_kind_of_change_is_a_new_state(house: House) -> None:
    before = {
        name: user(name, licenseAssignmentStates=[state(E5)], manager={"id": "m1", "displayName": "Mia"})
        for name in CHANGES
    }
    after = {name: person | CHANGES[name] for name, person in before.items()}
    for people in (before, after, after, before):
        house.objects("users", list(people.values()))
    found: dict[str, list[int]] = {}
    for name, when, _ in states(house):
        found.setdefault(name, []).append(when)
    assert found == {name: [1] if name == "nothing" else [1, 2, 4] for name in CHANGES}


def test_the_order_of_licences_is_no_change(house: House) -> None:
    both = [state(E5), state(F3)]
    house.objects("users", [user("u1", licenseAssignmentStates=both)])
    house.objects("users", [user("u1", licenseAssignmentStates=both[::-1])])
    assert len(states(house)) == 1
    assert len(licences(house)) == 2


def test_absence_from_a_complete_read_is_a_state(house: House) -> None:
    house.objects("users", [user("u1", department="Sales"), user("u2", licenseAssignmentStates=[state()])])
    house.objects("users", [user("u1", department="Sales")])
    house.objects("users", [user("u1", department="Sales")])
    assert states(house) == [("u1", 1, True), ("u2", 1, True), ("u2", 2, False)]
    # The last known values stay with the row of the absence; its licences do not.
    assert house.rows("select user_principal_name from raw.users where not is_present") == [("u2@fabrikam.example",)]
    assert licences(house, "user_id, is_present") == [("u2", True)]


def test_who_comes_back_is_present_again(house: House) -> None:
    everyone = [user("u1"), user("u2")]
    for listed in (everyone, everyone[:1], everyone):
        house.objects("users", listed)
    assert states(house) == [("u1", 1, True), ("u2", 1, True), ("u2", 2, False), ("u2", 3, True)]


@pytest.mark.parametrize("is_complete", [False, None])
def test_absence_from_an_incomplete_read_says_nothing(house: House, is_complete: bool | None) -> None:
    house.objects("users", [user("u1"), user("u2")])
    house.objects("users", [user("u1", department="Sales")], is_complete=is_complete)
    assert states(house) == [("u1", 1, True), ("u2", 1, True), ("u1", 2, True)]


def test_an_answer_without_anybody_makes_nobody_absent(house: House) -> None:
    house.objects("users", [user("u1")])
    house.objects("users", [])
    assert states(house) == [("u1", 1, True)]


def test_tenants_do_not_mix(house: House) -> None:
    house.objects("users", [user("same"), user("u1")])
    house.objects("users", [user("same")], tenant_id=OTHER)
    house.objects("users", [user("same", department="x")], tenant_id=OTHER)
    house.objects("users", [user("same", department="y"), user("u1")])
    assert states(house) == [("same", 1, True), ("u1", 1, True), ("same", 4, True)]
    assert states(house, OTHER) == [("same", 2, True), ("same", 3, True)]
    assert house.rows("select distinct tenant_id, user_id, user_key from raw.users order by all") == [
        (TENANT, "same", 1),
        (TENANT, "u1", 2),
        (OTHER, "same", 3),
    ]
    assert house.rows("select user_key, tenant_id, user_id from raw.user_keys order by user_key") == [
        (1, TENANT, "same"),
        (2, TENANT, "u1"),
        (3, OTHER, "same"),
    ]


def test_people_without_an_id_are_left_out(house: House) -> None:
    house.objects("users", [user("u1"), {"id": None, "displayName": "Nobody"}])
    assert states(house) == [("u1", 1, True)]


# --- licences of people -------------------------------------------------------------------------------------


def test_licences_direct_by_group_and_in_error(house: House) -> None:
    house.objects(
        "users",
        [
            user(
                "u1",
                assignedLicenses=[{"skuId": F3, "disabledPlans": []}],
                licenseAssignmentStates=[
                    state(E5, lastUpdatedDateTime="2026-01-02T03:04:05Z", disabledPlans=["p1", "p2"]),
                    state(E5, group="g1"),
                    state(F3, group="g1", state="Error", error="CountViolation"),
                ],
            )
        ],
    )
    assert licences(house, "sku_id, assigned_by_group, l.state, error, last_updated_at, disabled_plans") == [
        (E5, "g1", "Active", "None", None, []),
        (E5, None, "Active", "None", datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc), ["p1", "p2"]),
        (F3, "g1", "Error", "CountViolation", None, []),
    ]


@pytest.mark.parametrize("given", [None, []])
def test_assigned_licences_stand_in_where_states_are_not_given(house: House, given: list[Any] | None) -> None:
    assigned = [{"skuId": E5, "disabledPlans": ["p1"]}, {"skuId": F3, "disabledPlans": []}]
    person = user("u1", assignedLicenses=assigned)
    if given is not None:
        person["licenseAssignmentStates"] = given
    house.objects("users", [person, user("u2", assignedLicenses=[])])
    assert licences(house, "user_id, sku_id, assigned_by_group, l.state, disabled_plans") == [
        ("u1", E5, None, "Active", ["p1"]),
        ("u1", F3, None, "Active", []),
    ]


def test_licences_belong_to_the_state_they_were_seen_with(house: House) -> None:
    house.objects("users", [user("u1", licenseAssignmentStates=[state(E5)])])
    house.objects("users", [user("u1", licenseAssignmentStates=[state(F3)])])
    house.objects("users", [user("u1", licenseAssignmentStates=[])])
    found = house.rows(
        "select u.observed_at, l.sku_id from raw.users as u "
        "left join raw.user_licenses as l using (tenant_id, user_key, observed_at) order by 1"
    )
    assert [sku for _, sku in found] == [E5, F3, None]


# --- sign-ins -----------------------------------------------------------------------------------------------


def sign_in(last: str | None, **others: str) -> dict[str, Any]:
    return {"signInActivity": {"lastSignInDateTime": last, **others}}


def test_sign_ins_and_never(house: House) -> None:
    house.objects(
        "users",
        [
            user("u1", **sign_in("2026-08-30T10:00:00Z", lastNonInteractiveSignInDateTime=NEVER)),
            user("u2", **sign_in(NEVER, lastSuccessfulSignInDateTime="2026-08-01T00:00:00Z")),
            user("u3", **sign_in(None)),
            user("u4"),
        ],
    )
    assert house.rows(
        "select user_key, * exclude (tenant_id, user_key, observed_at) from raw.user_sign_ins order by 1"
    ) == [
        (1, datetime(2026, 8, 30, 10, tzinfo=timezone.utc), None, None),
        (2, None, None, datetime(2026, 8, 1, tzinfo=timezone.utc)),
        (3, None, None, None),
    ]


def test_a_new_sign_in_is_no_new_state(house: House) -> None:
    house.objects("users", [user("u1", **sign_in("2026-08-30T10:00:00Z"))])
    house.objects("users", [user("u1", **sign_in("2026-08-31T10:00:00Z"))])
    assert len(states(house)) == 1
    assert house.rows("select last_sign_in_at from raw.user_sign_ins") == [
        (datetime(2026, 8, 31, 10, tzinfo=timezone.utc),)
    ]


def test_an_answer_without_sign_ins_keeps_the_known_ones(house: House) -> None:
    house.objects("users", [user("u1", **sign_in("2026-08-30T10:00:00Z"))])
    house.objects("users", [user("u1")])
    assert house.rows("select count(*) from raw.user_sign_ins") == [(1,)]


# --- the bin ------------------------------------------------------------------------------------------------

BIN_ID = "0f0e0d0c-0b0a-4908-8706-050403020100"
PREFIX = BIN_ID.replace("-", "")


@pytest.mark.parametrize(
    ("upn", "original"),
    [
        (f"{PREFIX}una@fabrikam.example", "una@fabrikam.example"),
        (f"{PREFIX.upper()}Una@fabrikam.example", "Una@fabrikam.example"),
        ("una@fabrikam.example", "una@fabrikam.example"),
        (f"{'a' * 32}una@fabrikam.example", f"{'a' * 32}una@fabrikam.example"),
        (None, None),
    ],
)
def test_the_name_of_a_deleted_person(house: House, upn: str | None, original: str | None) -> None:
    deleted = {"id": BIN_ID, "userPrincipalName": upn, "displayName": "Una", "deletedDateTime": "2026-08-20T01:02:03Z"}
    house.objects("deletedUsers", [deleted])
    assert house.rows(
        "select user_id, user_principal_name, original_upn, display_name, deleted_at from raw.deleted_users"
    ) == [(BIN_ID, upn, original, "Una", datetime(2026, 8, 20, 1, 2, 3, tzinfo=timezone.utc))]


def test_deleted_people_stay_known_and_have_one_key_with_the_living(house: House) -> None:
    house.objects("users", [user("u1"), user("u2")])
    house.objects("deletedUsers", [{"id": "u2", "deletedDateTime": "2026-08-20T00:00:00Z"}])
    house.objects("deletedUsers", [{"id": "u3"}, {"id": "u2", "displayName": "seen again"}])
    house.objects("deletedUsers", [])
    assert house.rows("select user_id, user_key, display_name from raw.deleted_users order by 1") == [
        ("u2", 2, "seen again"),
        ("u3", 3, None),
    ]


def test_somebody_deleted_twice_in_one_answer(house: House) -> None:
    house.objects(
        "deletedUsers",
        [
            {"id": "u1", "deletedDateTime": "2026-08-01T00:00:00Z"},
            {"id": "u1", "deletedDateTime": "2026-08-20T00:00:00Z"},
        ],
    )
    assert house.rows("select cast(deleted_at as date) from raw.deleted_users") == [(date(2026, 8, 20),)]


# --- products, subscriptions, the organization, the setting -------------------------------------------------


def sku(sku_id: str = E5, **facts: Any) -> dict[str, Any]:
    return {
        "skuId": sku_id,
        "skuPartNumber": "SPE_E5",
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": 7,
        "prepaidUnits": {"enabled": 10, "suspended": 1, "warning": 2, "lockedOut": 3},
        "servicePlans": [
            {"servicePlanId": "p1", "servicePlanName": "P", "provisioningStatus": "Success", "appliesTo": "User"}
        ],
        "subscriptionIds": ["s1", "s2"],
        **facts,
    }


def test_products(house: House) -> None:
    house.objects("subscribedSkus", [sku(E5.upper())])
    assert house.rows("select * exclude (observed_at) from raw.subscribed_skus") == [
        (TENANT, date(2026, 8, 31), E5, "SPE_E5", "User", "Enabled", 7, 10, 1, 2, 3, ["s1", "s2"])
    ]
    assert house.rows("from raw.sku_service_plans") == [(TENANT, date(2026, 8, 31), E5, "p1", "P", "Success", "User")]


def test_a_product_with_little_said(house: House) -> None:
    house.objects("subscribedSkus", [{"skuId": E5, "prepaidUnits": None, "servicePlans": None}, {"skuId": F3}])
    assert house.rows("select sku_id, consumed_units, enabled from raw.subscribed_skus") == [
        (E5, None, None),
        (F3, None, None),
    ]


def test_the_last_answer_of_a_day_counts_and_other_days_stay(house: House) -> None:
    yesterday = date(2026, 8, 30)
    house.objects("subscribedSkus", [sku(consumedUnits=1)], as_of=yesterday)
    house.objects("subscribedSkus", [sku(consumedUnits=2), sku(F3)])
    house.objects("subscribedSkus", [sku(consumedUnits=3)])
    house.objects("subscribedSkus", [sku(consumedUnits=9)], tenant_id=OTHER)
    assert house.rows("select tenant_id, observed_on, consumed_units from raw.subscribed_skus order by all") == [
        (TENANT, yesterday, 1),
        (TENANT, date(2026, 8, 31), 3),
        (OTHER, date(2026, 8, 31), 9),
    ]
    assert house.rows("select count(*) from raw.sku_service_plans") == [(3,)]


def test_subscriptions(house: House) -> None:
    house.objects(
        "subscriptions",
        [
            {
                "id": "s1",
                "commerceSubscriptionId": "c1",
                "skuId": E5.upper(),
                "skuPartNumber": "SPE_E5",
                "status": "Enabled",
                "isTrial": False,
                "totalLicenses": 10,
                "createdDateTime": "2026-01-01T00:00:00Z",
                "nextLifecycleDateTime": "2027-01-01T00:00:00Z",
            },
            {"id": "s2", "isTrial": True},
        ],
    )
    assert house.rows("select * exclude (observed_at) from raw.subscriptions") == [
        (
            *(TENANT, date(2026, 8, 31), "s1", "c1", E5, "SPE_E5", "Enabled", False, 10),
            *(datetime(2026, 1, 1, tzinfo=timezone.utc), datetime(2027, 1, 1, tzinfo=timezone.utc)),
        ),
        (TENANT, date(2026, 8, 31), "s2", None, None, None, None, True, None, None, None),
    ]


def test_the_organization(house: House) -> None:
    domains = [
        {"name": "fabrikam.onmicrosoft.example", "isDefault": False, "isInitial": True},
        {"name": "fabrikam.example", "isDefault": True, "isInitial": False},
    ]
    house.objects("organization", [{"id": "o1", "displayName": "Fabrikam", "verifiedDomains": domains}])
    columns = "organization_id, display_name, default_domain, initial_domain, country_letter_code"
    assert house.rows(f"select {columns} from raw.organization") == [
        ("o1", "Fabrikam", "fabrikam.example", "fabrikam.onmicrosoft.example", None)
    ]
    house.objects("organization", [{"id": "o1"}])
    assert house.rows(f"select {columns} from raw.organization") == [("o1", None, None, None, None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"displayConcealedNames":true}\n', True),
        ('{"@odata.context":"x","displayConcealedNames":false}\n', False),
        ('{"displayConcealedNames":null}\n', None),
    ],
)
def test_the_setting_that_conceals_names(house: House, text: str, expected: bool | None) -> None:
    house.lander.raw("reportSettings", text)
    house.only_verdict()
    assert house.rows("select is_concealed from raw.report_settings") == [(expected,)]


# --- what is refused, and what is only data -----------------------------------------------------------------

WRONG = {
    "a word for a flag": ("users", {"value": [user("u1", accountEnabled="perhaps")]}),
    "a word for a date": ("users", {"value": [user("u1", createdDateTime="soon")]}),
    "a word for a list": ("users", {"value": [user("u1", proxyAddresses="smtp:a")]}),
    "a word for an object": ("users", {"value": [user("u1", manager="boss")]}),
    "no list": ("users", {"value": user("u1")}),
    "a product without id": ("subscribedSkus", {"value": [{"skuPartNumber": "SPE_E5"}]}),
    "a plan without id": ("subscribedSkus", {"value": [sku(servicePlans=[{"servicePlanName": "P"}])]}),
    "units beyond counting": ("subscribedSkus", {"value": [sku(consumedUnits=99_999_999_999)]}),
    "a subscription without id": ("subscriptions", {"value": [{"status": "Enabled"}]}),
    "a word for the setting": ("reportSettings", {"displayConcealedNames": "maybe"}),
}


def test_an_answer_of_another_form_is_refused_whole(house: House) -> None:
    house.objects("users", [user("kept")])
    house.objects("subscribedSkus", [sku(F3)])
    tables = ("users", "user_keys", "subscribed_skus", "sku_service_plans", "subscriptions", "report_settings")
    before = {name: house.rows(f"from raw.{name} order by all") for name in tables}
    for words, (source, content) in WRONG.items():
        house.lander.raw(source, json.dumps(content) + "\n")
        verdict = house.only_verdict()
        assert (verdict.verdict, verdict.reason) == (
            "refused",
            f"The answer for {source} does not have the form that Graph gives.",
        ), words
        assert {name: house.rows(f"from raw.{name} order by all") for name in tables} == before, words


@pytest.mark.parametrize("text", ["<html>Una</html>\n", '{"value":[{"id":"u1"}\n', "Una\n"])
def test_what_is_no_json_is_refused(house: House, text: str) -> None:
    house.lander.raw("users", text)
    verdict = house.only_verdict()
    assert verdict.verdict == "refused"
    assert "Una" not in (verdict.reason or "")


def test_a_damaged_file_is_refused_but_trouble_of_the_machine_is_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = house.lander.objects("users", [user("u1")])
    house.lander.landing.body_path(record).write_bytes(b"not packed")
    assert house.only_verdict().reason == "The landed file is damaged."

    def full(*_: object) -> int:
        raise duckdb.IOException("Could not write file: No space left on device\n\nLINE 1: … 'zstd' checksum")

    house.lander.objects("users", [user("u1")])
    monkeypatch.setattr("pipelines.warehouse.load_users.stage_objects", full)
    with pytest.raises(duckdb.IOException, match="No space left"):
        house.load()
    assert house.ledger("verdict") == [("refused",)]


HOSTILE = [
    "O'Hara; drop table raw.users;--",
    '"quoted", and\tmore',
    "</script><script>alert(1)</script>",
    '=HYPERLINK("https://evil.example")',
    "😀 family 👨‍👩‍👧",
    "\u202eright to left\u202c עברית",
    "line\nbreak\r\nand\u2028more",
    "$tenant_id ? {0} %s",
    "\u0000 nothing",
    "x" * 5000,
    "",
    " ",
]


def test_hostile_values_are_data(house: House) -> None:
    listed = [
        {
            "id": f"id {name}",
            "displayName": name,
            "department": name,
            "userPrincipalName": name,
            "proxyAddresses": [name],
            "manager": {"id": name, "displayName": name},
        }
        for name in HOSTILE
    ]
    assert house.objects("users", listed).verdict == "applied"
    found = house.rows(
        "select user_id, display_name, department, user_principal_name, manager_id, manager_name, proxy_addresses[1] "
        "from raw.users"
    )
    assert sorted(found) == sorted((f"id {name}", *[name] * 6) for name in HOSTILE)
