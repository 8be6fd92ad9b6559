"""Recognising files by their content: encodings, forms of CSV and JSON, and what is refused in which words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from unit_import import ACTIVE_USERS, ENTRA_USERS, PRODUCTS, active_user, graph_user, object_id, table
from unit_reports import APPS, HEADER, report, row

from pipelines.imports.dates import dates_in_name, fitting_styles
from pipelines.imports.errors import RefusedFileError
from pipelines.imports.json_files import JsonAnswer, pages
from pipelines.imports.recognise import recognise
from pipelines.imports.report_files import ReportTable
from pipelines.imports.sku_files import SkuTable
from pipelines.imports.tables import column_key
from pipelines.imports.text import read_text
from pipelines.imports.user_files import UserTable


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        yield con


def recognised(con: duckdb.DuckDBPyConnection, folder: Path, content: bytes, name: str = "file") -> str:
    """What a file is taken for, in a word."""
    path = folder / name
    path.write_bytes(content)
    found = recognise(con, path, folder, 0)
    if isinstance(found, ReportTable | JsonAnswer):
        return found.source
    return {UserTable: "users.csv", SkuTable: "skus.csv"}[type(found)]


PERSON = row("zoe@fabrikam.example", outlook="w")
COUNTS = ["Report Refresh Date", "Report Period", "Report Date", *APPS]
SKU = {"skuId": object_id(9), "skuPartNumber": "SPE_E3", "consumedUnits": 1, "prepaidUnits": {"enabled": 2}}
SUBSCRIPTION = {"id": "s", "skuId": object_id(9), "nextLifecycleDateTime": None, "totalLicenses": 2}
POWERSHELL = {"Id": object_id(1), "UserPrincipalName": "p1@x", "AccountEnabled": True, "AdditionalProperties": {}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (report(PERSON), "getM365AppUserDetail"),
        (report(PERSON, columns=HEADER[::-1]), "getM365AppUserDetail"),
        (report(PERSON, header=[name.upper() for name in HEADER]), "getM365AppUserDetail"),
        (report(), "getM365AppUserDetail"),
        (report().replace(b",", b";"), "getM365AppUserDetail"),
        (table(COUNTS, {"Report Date": "2026-10-28"}), "getM365AppUserCounts"),
        (table(ACTIVE_USERS, active_user(1)), "users.csv"),
        (table(ENTRA_USERS, {"userPrincipalName": "p1@x"}), "users.csv"),
        (table(["UPN", "Display Name", "Department"], {"UPN": "p1@x"}), "users.csv"),
        (table(PRODUCTS, {"Product title": "Visio"}), "skus.csv"),
        (table(["SkuId", "SkuPartNumber", "ConsumedUnits", "PrepaidUnits.Enabled"], {"SkuId": "x"}), "skus.csv"),
        (json.dumps([graph_user(1)]).encode(), "users"),
        (json.dumps({"value": [graph_user(1)]}, indent=2).encode(), "users"),
        (json.dumps({"value": [graph_user(1)]}).encode("utf-16"), "users"),
        (b'{"value":[{"id":"1","userPrincipalName":"a@b"}]}\n{"value":[]}\n', "users"),
        (b'{"id":"1","userPrincipalName":"a@b"}\n{"id":"2","userPrincipalName":"c@d"}\n', "users"),
        (b"\xef\xbb\xbf" + json.dumps([POWERSHELL]).encode(), "users"),
        (json.dumps([graph_user(1, deletedDateTime="2026-10-01T00:00:00Z")]).encode(), "deletedUsers"),
        (b'[{"id":"0A-1","userPrincipalName":"0a1zoe@x"}]', "deletedUsers"),
        (json.dumps({"value": [SKU]}).encode(), "subscribedSkus"),
        (json.dumps([{"SkuId": "x", "ConsumedUnits": 1, "PrepaidUnits": {"Enabled": 1}}]).encode(), "subscribedSkus"),
        (json.dumps([SUBSCRIPTION]).encode(), "subscriptions"),
        (b'{"value":[{"id":"t","displayName":"F","verifiedDomains":[]}]}', "organization"),
        (b'{"value":[]}', ""),
    ],
)  # fmt: skip
def test_recognised_by_content(con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes, expected: str) -> None:
    assert recognised(con, tmp_path, content, name="users_skus_2026.xlsx.json") == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is not recognised; expected a CSV report"),
        (b"PK\x03\x04\x14\x00", "Excel workbook or a zip archive"),
        (b"\x1f\x8b\x08\x00", "is compressed"),
        (b"a\x00b\x00", "is no text file"),
        (b"name\r\n\x81\x8d\x8f", "neither UTF-8 nor Windows-1252"),
        (b"<!doctype html><html>", "is a web page"),
        (b"hello world", "is not recognised; expected a CSV report"),
        (b"a,b,c\r\n1,2,3\r\n", "its columns are not recognised; expected"),
        (b'[{"userPrincipalName":"a@b","id":"1"},', "is no valid JSON; it may be cut off"),
        (b'{"value":[{"id":"1"', "is no valid JSON"),
        (b"[]", "is JSON, but not recognised"),
        (b"[1, 2]", "is JSON, but not recognised"),
        (b'{"colour":"blue"}', "is JSON, but not recognised"),
        (b'{"error":{"code":"Forbidden","message":"no"}}', "is an error message of Graph"),
        (b'[{"userPrincipalName":"a@b","userDisplayName":"A","appDisplayName":"x"}]', "not recognised"),
        (b'{"value":[{"reportRefreshDate":"2026-10-28","userPrincipalName":"a@b","details":[]}]}', "not recognised"),
        (
            json.dumps([graph_user(1), graph_user(2, deletedDateTime="2026-10-01")]).encode(),
            "both people who are there and deleted ones",
        ),
        (json.dumps([POWERSHELL | {"AssignedLicenses": ["Microsoft.Graph.X"]}]).encode(), "ConvertTo-Json -Depth 10"),
        (json.dumps([POWERSHELL | {"LicenseAssignmentStates": "x"}]).encode(), "ConvertTo-Json -Depth 10"),
        (report(PERSON, columns=HEADER[:-2]), "lacks 2 columns: OneNote (Web), Teams (Web)"),
        (report(PERSON, columns=[*HEADER, "outlook"]), "has columns twice: Outlook"),
        (report(PERSON, columns=HEADER[1:]), "lacks 1 columns: Report Refresh Date"),
        # Another usage report, a list of devices, an export of sign-in methods.
        (b"Report Refresh Date,User Principal Name,Send Count,Report Period\r\n", "its columns are not recognised"),
        (b"deviceId,displayName,accountEnabled\r\n1,2,3\r\n", "its columns are not recognised"),
        (b"userPrincipalName,userDisplayName,userType,id\r\n1,2,3,4\r\n", "its columns are not recognised"),
    ],
)  # fmt: skip
def test_refused_in_words_that_name_the_file(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(RefusedFileError) as refusal:
        recognised(con, tmp_path, content, name="odd file.csv")
    assert str(refusal.value).startswith("odd file.csv: ")
    assert words in str(refusal.value)
    assert str(refusal.value).count("\n") == 0


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError, match=r"gone\.csv: cannot be read"):
        read_text(tmp_path / "gone.csv", tmp_path / "text")


@pytest.mark.parametrize(
    ("content", "text", "is_plain"),
    [
        ("a,ü\r\n1,2\r\n".encode(), "a,ü\n1,2\n", True),
        ("a,ü\n1,2\n".encode(), "a,ü\n1,2\n", True),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", "a,b\n1,2\n", True),
        ("a,ü€\r\n".encode("cp1252"), "a,ü€\n", False),
        ("a,ü\r\n".encode("utf-16"), "a,ü\n", False),
        (b"a,b\r\n1,2\n", "a,b\n1,2\n", False),
        (b"a,b\r1,2\r", "a,b\n1,2\n", False),
        (b"a,b\r\n1,2", "a,b\n1,2", False),
    ],
)
def test_text_of_every_encoding(tmp_path: Path, content: bytes, text: str, is_plain: bool) -> None:
    (tmp_path / "file").write_bytes(content)
    found = read_text(tmp_path / "file", tmp_path / "text")
    assert found.head() == text
    assert found.is_plain is is_plain
    assert found.ends_with_line_end is text.endswith("\n")
    assert found.ends_with("2") is text.strip().endswith("2")


def test_pages_hold_every_object_once_in_their_order(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    users = [graph_user(number, displayName=f'Zoë "{number}"\nline, two') for number in range(2500)]
    (tmp_path / "users.json").write_text(json.dumps(users, indent=1, ensure_ascii=False), encoding="utf-8")
    assert recognised(con, tmp_path, (tmp_path / "users.json").read_bytes()) == "users"
    lines = list(pages(con, "answer_0"))
    assert len(lines) == 3
    assert all("\n" not in line for line in lines)
    read = [user for line in lines for user in json.loads(line)["value"]]
    assert [{name: user[name] for name in users[0]} for user in read] == users


def test_powershell_objects_get_the_names_of_graph(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    license_ = {"SkuId": "s", "DisabledPlans": ["p"], "AdditionalProperties": {}}
    state = {"SkuId": "s", "AssignedByGroup": "g", "State": "Active", "Error": "None", "DisabledPlans": []}
    user = POWERSHELL | {"AssignedLicenses": [license_], "LicenseAssignmentStates": [state], "Department": "R&D"}
    recognised(con, tmp_path, json.dumps([user]).encode())
    (written,) = json.loads(next(pages(con, "answer_0")))["value"]
    assert written["assignedLicenses"] == [{"skuId": "s", "disabledPlans": ["p"]}]
    assert written["licenseAssignmentStates"][0]["assignedByGroup"] == "g"
    assert (written["id"], written["accountEnabled"], written["department"]) == (object_id(1), True, "R&D")


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("getM365AppUserDetail_2026-10-12.csv", ["2026-10-12"]),
        ("M365AppUserDetail(date=2026-10-12).csv", ["2026-10-12"]),
        ("usage 20261012.csv", ["2026-10-12"]),
        ("2026_10_12.csv", ["2026-10-12"]),
        ("2026-10-12 to 2026-10-12.csv", ["2026-10-12"]),
        ("2026-10-01_2026-10-28.csv", ["2026-10-01", "2026-10-28"]),
        ("ProPlusUsageUserDetailV210_12_2026 9_17_18 PM.csv", []),
        ("2026-02-30.csv", []),
        ("2026-13-01.csv", []),
        ("20261012083000.csv", []),
        ("2026-1012.csv", []),
        ("120261012.csv", []),
        ("report.csv", []),
    ],
)
def test_dates_in_names(name: str, days: list[str]) -> None:
    assert dates_in_name(name) == [date.fromisoformat(day) for day in days]


@pytest.mark.parametrize(
    ("cells", "styles"),
    [
        (["2026-10-12", "2022-03-18 19:49:35Z"], ["iso"]),
        (["10/28/2026", "9/3/2026"], ["month_first"]),
        (["28.10.2026", "3.9.2026 14:05"], ["day_first"]),
        (["8/19/2021 1:25:31 PM"], ["month_first"]),
        (["10/11/2026"], ["month_first", "day_first"]),
        (["", "  "], ["iso", "month_first", "day_first"]),
        (["soon"], []),
        (["2026-10-12", "10/28/2026"], []),
    ],
)
def test_styles_of_dates(con: duckdb.DuckDBPyConnection, cells: list[str], styles: list[str]) -> None:
    con.execute("create or replace temp table dated (cell varchar)")
    con.executemany("insert into dated values (?)", [[cell] for cell in cells])
    assert fitting_styles(con, "dated", ["cell"]) == styles


def test_column_names_are_compared_by_letters_and_digits() -> None:
    assert column_key(" User  principal NAME ") == column_key("userPrincipalName") == "userprincipalname"
    assert column_key("Last activity date (UTC)") == column_key("Last Activity Date")
    assert column_key("Outlook (Windows)") == "outlookwindows"
