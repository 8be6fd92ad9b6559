"""Helpers: files as people export them by hand, and a desk at which they are imported."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from pipelines.imports.importer import ImportedThing, import_files
from pipelines.imports.items import ImportOptions
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.records import FetchRecord

TENANT = "fabrikam.example"
TODAY = date(2026, 10, 30)
# The header of the admin centre's export of active users, in its order.
_ACTIVE_USERS = (
    "Display name,DirSyncEnabled,User principal name,Object Id,First name,Last name,When created,"
    "Soft deletion time stamp,Title,Department,Preferred data location,City,CountryOrRegion,Office,StateOrProvince,"
    "Usage location,Last dirsync time,Block credential,Licenses,Password never expires,"
    "Last password change time stamp,Mobile Phone,Phone number,Postal code,Preferred language,Street address,Fax,"
    "Proxy addresses"
)
ACTIVE_USERS = _ACTIVE_USERS.split(",")
# The header of the Entra admin centre's download of users, in its order.
_ENTRA_USERS = (
    "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,accountEnabled,"
    "usageLocation,streetAddress,state,country,officeLocation,city,postalCode,telephoneNumber,mobilePhone,"
    "alternateEmailAddress,ageGroup,consentProvidedForMinor,legalAgeGroupClassification,companyName,creationType,"
    "directorySynced,invitationState,identityIssuer,createdDateTime"
)
ENTRA_USERS = _ENTRA_USERS.split(",")
PRODUCTS = ["Product title", "Total licenses", "Expired licenses", "Assigned licenses", "Status message"]


def table(
    columns: Sequence[str],
    *rows: Mapping[str, object],
    delimiter: str = ",",
    line_end: str = "\r\n",
    encoding: str = "utf-8",
    quote_all: bool = False,
) -> bytes:
    """A CSV file; cells that a row does not name are empty."""
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow(columns)
    for row in rows:
        assert row.keys() <= set(columns), row.keys() - set(columns)
        writer.writerow([row.get(name, "") for name in columns])
    return text.getvalue().encode(encoding)


def object_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def active_user(number: int, **cells: object) -> dict[str, object]:
    """A row of the active users, under the names of their header; underscores stand for spaces."""
    known: dict[str, object] = {
        "Display name": f"Person {number}",
        "User principal name": f"p{number}@fabrikam.example",
        "Object Id": object_id(number),
        "Block credential": "False",
        "Licenses": "Unlicensed",
    }
    return known | {name.replace("_", " "): value for name, value in cells.items()}


def graph_user(number: int, **facts: Any) -> dict[str, Any]:
    return {
        "id": object_id(number),
        "userPrincipalName": f"p{number}@fabrikam.example",
        "displayName": f"Person {number}",
        "accountEnabled": True,
    } | facts


@contextmanager
def empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of a warehouse, in memory."""
    with duckdb.connect(config={"threads": "1"}) as con:
        con.execute("set timezone = 'UTC'")
        con.execute(files("pipelines.warehouse").joinpath("schema.sql").read_text(encoding="utf-8"))
        yield con


class Desk:
    """A data folder, a landing whose clock goes on by a second, and the warehouse behind it."""

    def __init__(self, folder: Path, con: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self.con = con
        self.files = folder / "files"
        self.files.mkdir()
        ticks = itertools.count()
        start = datetime(2026, 10, 30, 8, 0, tzinfo=timezone.utc)
        self.landing = Landing(folder / "landing", clock=lambda: start + timedelta(seconds=next(ticks)))

    def file(self, name: str, content: bytes | str | object, *, modified: date | None = TODAY) -> Path:
        """Write a file: bytes or text as they are, anything else as JSON."""
        path = self.files / name
        if not isinstance(content, bytes | str):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if modified is not None:
            instant = datetime(modified.year, modified.month, modified.day, 12, tzinfo=timezone.utc).timestamp()
            os.utime(path, (instant, instant))
        return path

    def bring(self, *paths: Path, today: date = TODAY, **options: Any) -> list[ImportedThing]:
        """Import files; what was landed is loaded, too."""
        chosen = ImportOptions(tenant_id=options.pop("tenant_id", TENANT), today=today, **options)
        result = import_files(paths, self.landing, chosen, self.folder)
        load_pending(self.con, self.landing)
        return list(result.things)

    def records(self) -> list[FetchRecord]:
        return [landed.record for landed in self.landing.all_fetches()]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    def used(self, report_date: str) -> dict[str, tuple[int, ...]]:
        """The stored person-days of a day, by UPN."""
        found = self.con.execute(
            "select upn, outlook, word, excel, powerpoint, onenote, teams from raw.m365_app_user_days "
            "join raw.upn_keys using (upn_key) where report_date = ?",
            [report_date],
        ).fetchall()
        return {upn: tuple(values) for upn, *values in found}


def shuffled(columns: Iterable[str]) -> list[str]:
    """The same columns in another order, always the same one."""
    return sorted(columns, key=lambda name: name[::-1])
