"""Importing people, their licences and SKUs: every export's columns, names for SKU ids, nobody lost by accident."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from unit_import import (
    ACTIVE_USERS,
    ENTRA_USERS,
    PRODUCTS,
    TODAY,
    Desk,
    active_user,
    empty_warehouse,
    graph_user,
    object_id,
    shuffled,
    table,
)

from pipelines.imports.errors import RefusedFileError
from pipelines.imports.sku_names import SEED, SkuNames, name_key
from pipelines.settings import SettingsError

E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
EMS = "efccb6f7-5641-4e0e-bd10-b4976e1bf68e"
POWER_BI = "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with empty_warehouse() as con:
        yield Desk(tmp_path, con)


def held(desk: Desk) -> dict[str, list[str]]:
    """The licences of everybody in their newest state, by UPN."""
    found = desk.rows(
        """
        with newest as (
            from raw.users qualify row_number() over (partition by user_key order by observed_at desc) = 1
        )
        select user_principal_name, list(sku_id order by sku_id) filter (where sku_id is not null)
        from newest left join raw.user_licenses as l using (tenant_id, user_key, observed_at)
        where is_present group by all
        """
    )
    return {upn: skus or [] for upn, skus in found}


def notes(desk: Desk, *paths: Path, **options: Any) -> str:
    return "; ".join(note for thing in desk.bring(*paths, **options) for note in thing.item.notes)


# --- exports -----------------------------------------------------------------------------------------------------


def test_active_users_of_the_admin_centre(desk: Desk) -> None:
    zoe = active_user(
        1,
        Display_name='=cmd|" /C calc"!A0, Zoë',
        When_created="2022-03-18 19:49:35Z",
        Department='R&D, "special"\nteam',
        Title="x" * 5000,
        CountryOrRegion="Österreich",
        Office="Linz",
        DirSyncEnabled="True",
        Licenses="Microsoft 365 E3+Enterprise Mobility + Security E3+Power BI (free)",
        Proxy_addresses="SMTP:zoe@fabrikam.example+smtp:zoe+tag@fabrikam.example",
    )
    blocked = active_user(2, Block_credential="True", When_created="2024-01-02 03:04:05Z")
    deleted = active_user(3, Soft_deletion_time_stamp="2026-10-01 00:00:00Z")
    body = table(ACTIVE_USERS, zoe, blocked, deleted)
    (thing,) = desk.bring(desk.file("users_10_30_2026 9_17_18 PM.csv", body))
    assert (thing.item.what, thing.item.rows, thing.item.as_of) == ("people", (2,), TODAY)
    assert thing.item.notes == ("1 deleted people left out",)
    assert desk.rows(
        "select user_id, user_principal_name, display_name, department, length(job_title), country, office_location, "
        "account_enabled, on_premises_sync_enabled, created_at, proxy_addresses, user_type from raw.users order by all"
    ) == [
        (
            object_id(1), "p1@fabrikam.example", '=cmd|" /C calc"!A0, Zoë', 'R&D, "special"\nteam', 5000, "Österreich",
            "Linz", True, True, datetime(2022, 3, 18, 19, 49, 35, tzinfo=timezone.utc),
            ["SMTP:zoe@fabrikam.example", "smtp:zoe+tag@fabrikam.example"], None,
        ),
        (
            object_id(2), "p2@fabrikam.example", "Person 2", None, None, None, None, False, None,
            datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc), [], None,
        ),
    ]  # fmt: skip
    assert held(desk) == {"p1@fabrikam.example": sorted([E3, EMS, POWER_BI]), "p2@fabrikam.example": []}
    assert desk.rows("select distinct assigned_by_group, state, error from raw.user_licenses") == [
        (None, "Active", "None")
    ]


def test_download_of_the_entra_admin_centre(desk: Desk) -> None:
    guest = {
        "userPrincipalName": "guest_x#EXT#@fabrikam.example", "displayName": "Gäst", "id": object_id(7),
        "userType": "Guest", "accountEnabled": "False", "companyName": "Contoso",
        "createdDateTime": "8/19/2021 1:25:31 PM", "mail": "guest@x.example", "directorySynced": "",
    }  # fmt: skip
    assert notes(desk, desk.file("exportUsers_2026-10-30.csv", table(ENTRA_USERS, guest))) == "without licences"
    assert desk.rows(
        "select user_type, account_enabled, company_name, created_at, mail, on_premises_sync_enabled from raw.users"
    ) == [("Guest", False, "Contoso", datetime(2021, 8, 19, 13, 25, 31, tzinfo=timezone.utc), "guest@x.example", None)]


PERSON = {
    "id": object_id(1), "userPrincipalName": "p1@fabrikam.example", "displayName": "Zoë", "department": "R&D",
    "accountEnabled": "True", "createdDateTime": "2022-03-18T19:49:35Z",
    "assignedLicenses": json.dumps([{"skuId": E3}]),
}  # fmt: skip
COLUMNS = list(PERSON)
HEADERS = {
    "graph": COLUMNS,
    "shuffled": shuffled(COLUMNS),
    "spaced": ["Object ID", "User Principal Name", "DISPLAY NAME", "Department", "Account enabled", "Created date time",
               "Assigned licenses"],
    "other words": ["objectId", "UPN", "Display name", "department", "accountEnabled", "When created", "Licenses"],
}  # fmt: skip


def test_one_person_under_every_name_of_a_column(desk: Desk) -> None:
    """Whatever form an export has, the same body comes of it, and the same person."""
    encodings = ("utf-8", "utf-8-sig", "cp1252", "utf-16")
    for number, (name, header) in enumerate(HEADERS.items()):
        order = header if name == "shuffled" else COLUMNS
        row = dict(zip(header, [PERSON[column] for column in order], strict=True))
        body = table(
            header,
            row,
            delimiter=";" if number % 2 else ",",
            encoding=encodings[number],
            quote_all=number > 1,
            line_end="\n" if number > 2 else "\r\n",
        )
        desk.bring(desk.file(f"{name}.csv", body), day=date(2026, 10, 20 + number))
    assert [record.as_of.day for record in desk.records()] == [20, 21, 22, 23]
    assert len({record.body_sha256 for record in desk.records()}) == 1
    assert desk.rows("select user_id, display_name, department, account_enabled from raw.users") == [
        (object_id(1), "Zoë", "R&D", True)
    ]
    assert held(desk) == {"p1@fabrikam.example": [E3]}


def test_pages_of_one_answer_belong_together(desk: Desk) -> None:
    first = {"@odata.nextLink": "https://graph.microsoft.com/v1.0/users?$skiptoken=x", "value": [graph_user(1)]}
    last = {"value": [graph_user(2)]}
    paths = [desk.file("page1.json", first), desk.file("page2.json", last)]
    (thing,) = desk.bring(*paths)
    assert (thing.item.files, thing.item.rows, thing.item.is_complete) == (tuple(paths), (1, 1), True)
    assert len(desk.records()) == 1
    assert set(held(desk)) == {"p1@fabrikam.example", "p2@fabrikam.example"}


def test_an_answer_that_goes_on_makes_nobody_gone(desk: Desk) -> None:
    desk.bring(desk.file("all.json", [graph_user(1), graph_user(2)]))
    page = {"@odata.nextLink": "https://graph.microsoft.com/x", "value": [graph_user(1, department="R&D")]}
    (thing,) = desk.bring(desk.file("first page.json", page))
    assert not thing.item.is_complete
    assert thing.item.notes == ("ends in a link to a further page, so nobody counts as gone",)
    assert set(held(desk)) == {"p1@fabrikam.example", "p2@fabrikam.example"}


def test_people_without_an_object_id_keep_the_same_key(desk: Desk) -> None:
    columns = ["User principal name", "Display name", "Department", "Object Id"]
    rows = [
        {"User principal name": "Zoe@Fabrikam.example", "Display name": "Zoë", "Department": "R&D"},
        {"User principal name": "ann@fabrikam.example", "Display name": "Ann", "Object Id": object_id(2)},
        {"Display name": "nobody"},
    ]
    said = notes(desk, desk.file("a.csv", table(columns, *rows)), day=date(2026, 10, 1))
    assert "1 people without an object id are known by their user principal name" in said
    assert "1 rows without a name left out" in said
    rows[0]["User principal name"] = "ZOE@fabrikam.EXAMPLE"
    desk.bring(desk.file("b.csv", table(columns, *rows)), day=date(2026, 10, 2))
    # The same surrogate from JSON; in another tenant another one.
    plain = {"userPrincipalName": "zoe@fabrikam.example", "displayName": "Zoë", "department": "Sales"}
    desk.bring(desk.file("c.json", [plain, graph_user(2)]), day=date(2026, 10, 3))
    desk.bring(desk.file("d.json", [plain]), tenant_id="contoso.example")
    found = desk.rows("select tenant_id, user_id, user_key from raw.user_keys order by user_key")
    assert [tenant for tenant, _, _ in found] == ["fabrikam.example", "fabrikam.example", "contoso.example"]
    surrogates = [user_id for _, user_id, _ in found if user_id.startswith("import-")]
    assert len(set(surrogates)) == len(surrogates) == 2
    assert all("zoe" not in surrogate for surrogate in surrogates)
    with pytest.raises(RefusedFileError, match="1 people without id and userPrincipalName"):
        desk.bring(desk.file("e.json", [graph_user(1), {"userPrincipalName": None, "displayName": "x"}]))


def test_deleted_people(desk: Desk) -> None:
    deleted = graph_user(1, deletedDateTime="2026-10-20T00:00:00Z", department="R&D")
    deleted["userPrincipalName"] = deleted["id"].replace("-", "") + "zoe@fabrikam.example"
    desk.bring(desk.file("deletedItems.json", {"value": [deleted]}))
    row = active_user(2, Soft_deletion_time_stamp="2026-10-21 10:00:00Z")
    desk.bring(desk.file("deleted.csv", table(ACTIVE_USERS, row)), day=date(2026, 10, 30))
    assert desk.rows("select original_upn, cast(deleted_at as date) from raw.deleted_users order by all") == [
        ("p2@fabrikam.example", date(2026, 10, 21)),
        ("zoe@fabrikam.example", date(2026, 10, 20)),
    ]


# --- SKUs and their names ------------------------------------------------------------------------------------------

SKUS = [
    {
        "skuId": E3.upper(), "skuPartNumber": "SPE_E3", "appliesTo": "User", "capabilityStatus": "Enabled",
        "consumedUnits": 3, "prepaidUnits": {"enabled": 5, "suspended": 0, "warning": 1, "lockedOut": 0},
        "servicePlans": [{"servicePlanId": "p", "servicePlanName": "TEAMS1", "provisioningStatus": "Success"}],
        "subscriptionIds": ["s"],
    },
    {
        "skuId": object_id(99), "skuPartNumber": "NEW_SUITE", "appliesTo": "User", "consumedUnits": 1,
        "prepaidUnits": {"enabled": 1},
    },
]  # fmt: skip
UNITS = (
    "select sku_id, sku_part_number, consumed_units, enabled, warning, suspended from raw.subscribed_skus order by all"
)


def test_skus_as_from_graph(desk: Desk) -> None:
    (thing,) = desk.bring(desk.file("skus.json", {"value": SKUS}))
    assert (thing.item.what, thing.item.rows) == ("SKUs", (2,))
    assert desk.rows(UNITS) == [
        (object_id(99), "NEW_SUITE", 1, 1, None, None),
        (E3, "SPE_E3", 3, 5, 1, 0),
    ]
    assert desk.rows("select service_plan_name from raw.sku_service_plans") == [("TEAMS1",)]


def test_skus_as_csv_with_the_names_of_graph(desk: Desk) -> None:
    columns = [
        "SkuPartNumber",
        "SkuId",
        "CapabilityStatus",
        "Consumed Units",
        "PrepaidUnits",
        "AppliesTo",
        "SubscriptionIds",
    ]
    row = {
        "SkuPartNumber": "SPE_E3", "SkuId": E3.upper(), "CapabilityStatus": "Warning", "Consumed Units": "3",
        "PrepaidUnits": '{"Enabled":5,"Suspended":0,"Warning":1,"LockedOut":0}', "AppliesTo": "Company",
        "SubscriptionIds": '["s"]',
    }  # fmt: skip
    desk.bring(desk.file("skus.csv", table(columns, row)))
    assert desk.rows(UNITS) == [(E3, "SPE_E3", 3, 5, 1, 0)]
    assert desk.rows("select applies_to, capability_status, subscription_ids from raw.subscribed_skus") == [
        ("Company", "Warning", ["s"])
    ]
    row["PrepaidUnits"] = "Microsoft.Graph.PowerShell.Models.MicrosoftGraphLicenseUnitsDetail"
    with pytest.raises(RefusedFileError, match="does not say how many licences there are"):
        desk.bring(desk.file("bad.csv", table(columns, row)))


def test_products_of_the_admin_centre(desk: Desk) -> None:
    def product(title: str, total: str, expired: str, assigned: str, message: str = "") -> dict[str, object]:
        return dict(zip(PRODUCTS, [title, total, expired, assigned, message], strict=True))

    body = table(
        PRODUCTS,
        product("Microsoft 365 E3", "1,000", "0", "900"),
        product("microsoft 365 e3 ", "10", "0", "5"),
        product("Microsoft Power BI (free)", "1000000", "", "61"),
        product("Project Plan 3", "0", "8", "8", "Expired"),
        product("Visio Plan 2", "0", "4", "4", "Disabled on 1 October"),
        product("Fabrikam, Inc. add-on", "2", "0", "1"),
        product("", "1", "0", "1"),
    )
    (thing,) = desk.bring(desk.file("ProductList_10_30_2026_9_17_18_AM.csv", body))
    assert thing.item.notes == ("1 product name kept without a SKU id: Fabrikam, Inc. add-on",)
    assert desk.rows(UNITS) == [
        (E3, "SPE_E3", 905, 1010, 0, 0),
        ("53818b1b-4a27-454b-8896-0dba576410e6", "PROJECTPROFESSIONAL", 8, 0, 8, 0),
        (POWER_BI, "POWER_BI_STANDARD", 61, 1_000_000, 0, 0),
        ("c5928f49-12ba-48f7-ada3-0d743a3601d5", "VISIOCLIENT", 4, 0, 0, 4),
        ("fabrikam, inc. add-on", "Fabrikam, Inc. add-on", 1, 2, 0, 0),
    ]
    assert desk.rows("select capability_status from raw.subscribed_skus order by sku_id") == [
        ("Enabled",), ("Warning",), ("Enabled",), ("Suspended",), ("Enabled",)
    ]  # fmt: skip
    with pytest.raises(RefusedFileError, match="a cell for enabled that is no number"):
        desk.bring(desk.file("bad.csv", table(PRODUCTS, product("Visio", "many", "0", "1"))))


def test_names_are_resolved_by_the_skus_of_the_same_command_or_an_earlier_one(desk: Desk) -> None:
    users = desk.file("users.csv", table(ACTIVE_USERS, active_user(1, Licenses="NEW_SUITE+Odd Product+Odd  product")))
    said = notes(desk, users, day=date(2026, 10, 1))
    assert said == "3 product names kept without a SKU id: NEW_SUITE, Odd Product, Odd product"
    assert held(desk) == {"p1@fabrikam.example": ["new_suite", "odd product"]}
    skus = desk.file("skus.json", SKUS)
    assert "2 product names" in notes(desk, users, skus, day=date(2026, 10, 2))
    assert held(desk) == {"p1@fabrikam.example": [object_id(99), "odd product"]}
    other = table(ACTIVE_USERS, active_user(1, Licenses="New_Suite"), active_user(2, Licenses="Unlicensed"))
    assert notes(desk, desk.file("later.csv", other), day=date(2026, 10, 3)) == ""
    assert held(desk) == {"p1@fabrikam.example": [object_id(99)], "p2@fabrikam.example": []}


@pytest.fixture(scope="module")
def names() -> SkuNames:
    found = SkuNames()
    for sku_id, name in {"1": "Microsoft 365 E3", "2": "Enterprise Mobility + Security E3", "3": "Power BI (free)",
                         "4": "A+B", "5": "Plan, with comma"}.items():  # fmt: skip
        found.add(sku_id, name)
    found.add("6", "Twice")
    found.add("7", "Twice", is_owned=True)
    return found


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("Unlicensed", []),
        ("Microsoft 365 E3", ["1"]),
        ("microsoft 365 e3+MICROSOFT POWER BI FREE", ["1", "3"]),
        ("Enterprise Mobility + Security E3", ["2"]),
        ("Power BI (free)+Enterprise Mobility + Security E3+Microsoft 365 E3", ["3", "2", "1"]),
        ("Microsoft 365 E3 + Power BI (free)", ["1", "3"]),
        ("Microsoft 365 E3 + Enterprise Mobility + Security E3", ["1", "2"]),
        ("A+B", ["4"]),
        ("Microsoft 365 E3+A+B+Power BI (free)", ["1", "4", "3"]),
        ("Plan, with comma;Twice", ["5", "7"]),
        ("Microsoft 365 E3|Microsoft 365 E3", ["1"]),
        ("Own + Product", ["own + product"]),
        (f"{E3}", [E3]),
        (f"{E3.upper()}, {EMS}", [E3, EMS]),
        (f"{{{E3};{EMS}}}", [E3, EMS]),
        (json.dumps([{"skuId": E3, "disabledPlans": [EMS]}]), [E3]),
        (json.dumps([{"SkuId": E3}, {"SkuId": EMS}]), [E3, EMS]),
        ("[]", []),
    ],
)
def test_cells_of_licences(names: SkuNames, text: str, ids: list[str]) -> None:
    assert list(names.read_cell(text).sku_ids) == ids


def test_names_known_by_ourselves() -> None:
    names = SkuNames.known()
    assert names.find("Microsoft Power Automate Free") == names.find("FLOW_FREE")
    assert names.find("Microsoft Entra ID P1") == names.find("AAD_PREMIUM")
    assert names.find("Office 365 E3") != names.find("Microsoft 365 E3")
    assert len(names.names) > 120
    assert SEED.is_file()
    assert name_key("Microsoft") == "microsoft"
    assert name_key("???") == "???"
    assert SkuNames.known(Path("nowhere.csv")).names == {}


def test_names_of_types_are_no_licences(desk: Desk) -> None:
    row = active_user(1, Licenses="Microsoft.Graph.PowerShell.Models.MicrosoftGraphAssignedLicense")
    with pytest.raises(RefusedFileError, match="the name of a type where the licences should be"):
        desk.bring(desk.file("users.csv", table(ACTIVE_USERS, row)))


# --- what must not happen --------------------------------------------------------------------------------------------


def test_an_export_without_licences_takes_none_away(desk: Desk) -> None:
    desk.bring(desk.file("graph.json", [graph_user(1, assignedLicenses=[{"skuId": E3}])]))
    with pytest.raises(RefusedFileError, match="says nothing about licences, but the directory of 2026-10-30 does"):
        desk.bring(desk.file("entra.csv", table(ENTRA_USERS, {"userPrincipalName": "p1@x", "id": object_id(1)})))
    with pytest.raises(RefusedFileError, match="says nothing about licences"):
        desk.bring(desk.file("plain.json", [graph_user(1)]))
    assert held(desk) == {"p1@fabrikam.example": [E3]}
    # Nobody holds any: that is said, and may be.
    desk.bring(desk.file("none.json", [graph_user(1, assignedLicenses=[])]))
    assert held(desk) == {"p1@fabrikam.example": []}


def test_a_part_of_the_people_makes_nobody_gone_by_accident(desk: Desk) -> None:
    everybody = [graph_user(number) for number in range(40)]
    desk.bring(desk.file("all.json", everybody))
    some = desk.file("some.json", everybody[:20])
    with pytest.raises(RefusedFileError, match="lacks 20 of the 40 people of the directory of 2026-10-30") as refusal:
        desk.bring(some)
    assert "--partial" in str(refusal.value)
    desk.bring(some, is_partial=True)
    assert len(held(desk)) == 40
    # A few leavers are no accident.
    desk.bring(desk.file("fewer.json", everybody[:32]))
    assert len(held(desk)) == 32


def test_people_of_an_older_day_are_not_put_over_newer_ones(desk: Desk) -> None:
    older = desk.file("users_2026-09-30.json", [graph_user(1, department="Sales")])
    newer = desk.file("users_2026-10-30.json", [graph_user(1, department="R&D")])
    desk.bring(newer)
    (thing,) = desk.bring(older)
    assert thing.why_not == "not imported: an answer of 2026-10-30 is stored, and this one is of 2026-09-30"
    # In one command they come in the order of their days.
    things = desk.bring(newer, older, tenant_id="contoso.example")
    assert [thing.item.as_of for thing in things] == [date(2026, 9, 30), date(2026, 10, 30)]
    states = "select observed_on, department from raw.users where tenant_id = 'contoso.example' order by observed_at"
    assert desk.rows(states) == [(date(2026, 9, 30), "Sales"), (date(2026, 10, 30), "R&D")]


def test_the_same_people_again(desk: Desk) -> None:
    path = desk.file("users.csv", table(ACTIVE_USERS, active_user(1)), modified=date(2026, 10, 28))
    desk.bring(path)
    assert [thing.why_not for thing in desk.bring(path, today=date(2026, 11, 3))] == [
        "imported already (on 2026-10-30)"
    ]
    assert [record.as_of for record in desk.records()] == [date(2026, 10, 28)]
    # Said to be of another day it is another observation; nothing of it is new.
    desk.bring(path, day=date(2026, 10, 30))
    assert [record.as_of for record in desk.records()] == [date(2026, 10, 28), date(2026, 10, 30)]
    assert len(desk.rows("from raw.users")) == 1


def test_two_lists_for_one_day_are_refused(desk: Desk) -> None:
    active = desk.file("active.csv", table(ACTIVE_USERS, active_user(1)))
    entra = desk.file("entra.csv", table(ENTRA_USERS, {"userPrincipalName": "p1@x", "id": object_id(1)}))
    with pytest.raises(RefusedFileError, match="are both people of 2026-10-30; import only one of them"):
        desk.bring(active, entra)
    assert desk.records() == []


@pytest.mark.parametrize(
    ("user", "words"),
    [
        (graph_user(1, accountEnabled="perhaps"), "does not have the form that Graph gives"),
        (graph_user(1, createdDateTime="/Date(1459237969000)/"), "does not have the form that Graph gives"),
        (graph_user(1, assignedLicenses="zoe's"), "does not have the form that Graph gives"),
    ],
)
def test_odd_objects_land_nothing_and_name_nobody(desk: Desk, user: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedFileError, match=words) as refusal:
        desk.bring(desk.file("users.json", [graph_user(2), user]))
    assert "fabrikam" not in str(refusal.value)
    assert "zoe" not in str(refusal.value)
    assert desk.records() == []


def test_ragged_lists_name_nobody(desk: Desk) -> None:
    body = table(ACTIVE_USERS, active_user(1)).replace(b"p1@fabrikam.example", b"p1@fabrikam.example,x")
    with pytest.raises(RefusedFileError) as refusal:
        desk.bring(desk.file("users.csv", body))
    assert "rows with more cells than there are columns" in str(refusal.value)
    assert "fabrikam" not in str(refusal.value)
    with pytest.raises(RefusedFileError, match="cannot be read as CSV at line 2"):
        desk.bring(desk.file("users.csv", table(ACTIVE_USERS, active_user(1))[:-20]))
    shared = [active_user(1, Object_Id="N/A"), active_user(2, Object_Id="N/A")]
    with pytest.raises(RefusedFileError, match="different names under the same object id"):
        desk.bring(desk.file("users.csv", table(ACTIVE_USERS, *shared)))
    with pytest.raises(RefusedFileError, match="holds nobody"):
        desk.bring(desk.file("users.csv", table(ACTIVE_USERS)))


def test_subscriptions_and_the_organization(desk: Desk) -> None:
    subscription = {"id": "s", "skuId": E3, "skuPartNumber": "SPE_E3", "status": "Enabled", "totalLicenses": 5,
                    "isTrial": False, "nextLifecycleDateTime": "2027-01-24T00:00:00Z"}  # fmt: skip
    organization = {
        "id": "t",
        "displayName": "Fabrikam",
        "verifiedDomains": [{"name": "fabrikam.example", "isDefault": True}],
    }
    paths = [desk.file("subs.json", {"value": [subscription]}), desk.file("org.json", organization)]
    desk.bring(*paths, desk.file("nothing.json", {"@odata.context": "x", "value": []}))
    assert desk.rows("select total_licenses, cast(next_lifecycle_at as date) from raw.subscriptions") == [
        (5, date(2027, 1, 24))
    ]
    assert desk.rows("select display_name, default_domain from raw.organization") == [("Fabrikam", "fabrikam.example")]


def test_dates_ahead_are_refused(desk: Desk) -> None:
    with pytest.raises(SettingsError, match="--date 2026-11-01 lies ahead"):
        desk.bring(desk.file("users.json", [graph_user(1)]), day=date(2026, 11, 1))


def test_folders(desk: Desk) -> None:
    with pytest.raises(SettingsError, match="There is no file in the folder"):
        desk.bring(desk.files)
    with pytest.raises(SettingsError, match=r"There is no file .*gone"):
        desk.bring(desk.files / "gone")
    desk.file("users.json", [graph_user(1)])
    (desk.files / "inner").mkdir()
    assert len(desk.bring(desk.files, desk.files / "users.json")) == 1
