"""People as CSV: with Graph's column names, from the Entra admin centre, or the admin centre's active users."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.imports.dates import fitting_styles, timestamp_sql
from pipelines.imports.errors import RefusedFileError
from pipelines.imports.sku_names import SkuNames, describe_unknown
from pipelines.imports.tables import CsvTable

# Graph's property -> column names for comparison (letters and digits, lower case), the best first.
TEXTS: dict[str, tuple[str, ...]] = {
    "id": ("id", "objectid", "userid"),
    "userPrincipalName": ("userprincipalname", "upn"),
    "mail": ("mail", "email", "emailaddress"),
    "displayName": ("displayname",),
    "userType": ("usertype",),
    "department": ("department",),
    "jobTitle": ("jobtitle", "title"),
    "officeLocation": ("officelocation", "office", "physicaldeliveryofficename"),
    "city": ("city",),
    "country": ("country", "countryorregion", "countryregion"),
    "usageLocation": ("usagelocation",),
    "companyName": ("companyname", "company"),
    "employeeId": ("employeeid",),
    "employeeType": ("employeetype",),
}
YES_OR_NO: dict[str, tuple[str, ...]] = {
    "accountEnabled": ("accountenabled",),
    "onPremisesSyncEnabled": ("onpremisessyncenabled", "dirsyncenabled", "directorysynced"),
}
# Yes here means no there.
NO_OR_YES: dict[str, tuple[str, ...]] = {
    "accountEnabled": ("blockcredential", "blocksignin", "signinblocked"),
}
DATES: dict[str, tuple[str, ...]] = {
    "createdDateTime": ("createddatetime", "whencreated", "creationtime"),
    "deletedDateTime": ("deleteddatetime", "softdeletiontimestamp"),
}
LICENSES = ("licenses", "licences", "assignedlicenses", "assignedlicences")
ADDRESSES = ("proxyaddresses",)
MANAGER: dict[str, tuple[str, ...]] = {
    "id": ("managerid", "managerobjectid"),
    "displayName": ("managerdisplayname", "managername", "manager"),
}
# A list of names with so few columns more may be anything.
_LEAST_COLUMNS = 3
# Other exports name people, too: usage, sign-ins, methods of authentication.
_NO_PEOPLE = frozenset({"reportrefreshdate", "userdisplayname", "appdisplayname"})

_TRUE = "('true', 'yes', '1', 'enabled', 'allowed')"
_FALSE = "('false', 'no', '0', 'disabled', 'blocked')"


@dataclass(frozen=True)
class UserTable:
    """A CSV file of people, and where Graph's properties are in it (name -> positions, the best first)."""

    table: CsvTable
    positions: dict[str, tuple[int, ...]]

    @property
    def path(self) -> Path:
        """The file given."""
        return self.table.file.original


@dataclass(frozen=True)
class UserList:
    """People in Graph's form, in a table with the column ``item``. notes: what a person should know."""

    table: str
    source: str
    rows: int
    notes: tuple[str, ...]


def recognise_users(table: CsvTable) -> UserTable | None:
    """The file as a list of people; None when it is none."""
    keys = table.keys
    if _NO_PEOPLE & set(keys):
        return None
    positions: dict[str, tuple[int, ...]] = {}
    named = {
        **TEXTS,
        **{name: YES_OR_NO[name] for name in YES_OR_NO},
        **{f"not {name}": NO_OR_YES[name] for name in NO_OR_YES},
        **DATES,
        "licenses": LICENSES,
        "proxyAddresses": ADDRESSES,
        **{f"manager {name}": MANAGER[name] for name in MANAGER},
    }
    for name, aliases in named.items():
        found = tuple(keys.index(alias) for alias in aliases if alias in keys)
        if found:
            positions[name] = found
    if "userPrincipalName" not in positions or len(positions) < _LEAST_COLUMNS:
        return None
    return UserTable(table, positions)


def read_users(
    con: duckdb.DuckDBPyConnection, found: UserTable, names: SkuNames, tenant_id: str, table: str
) -> UserList:
    """Turn the rows into Graph's objects, in the table ``table``. Raises RefusedFileError.

    Who has no object id gets one made of tenant and name: the same at every import, another after a rename.
    """
    found.table.load(con, "user_rows")
    cells = {
        name: "coalesce(" + ", ".join(f"nullif(trim({found.table.cell(index)}), '')" for index in indexes) + ", null)"
        for name, indexes in found.positions.items()
    }
    notes: list[str] = []
    objects = {name: cells[name] for name in TEXTS if name in cells}
    objects["id"] = f"coalesce({cells.get('id', 'null')}, {surrogate_sql(cells['userPrincipalName'])})"
    for name in YES_OR_NO:
        if name in cells:
            objects[name] = _boolean(cells[name])
        elif f"not {name}" in cells:
            objects[name] = f"not {_boolean(cells[f'not {name}'])}"
    for name in (name for name in DATES if name in cells):
        objects[name] = _date(con, found.positions[name], found.table, cells[name], name, notes)
    if "proxyAddresses" in cells:
        objects["proxyAddresses"] = _addresses(cells["proxyAddresses"])
    if any(f"manager {name}" in cells for name in MANAGER):
        parts = ", ".join(f"{name}: {cells.get(f'manager {name}', 'cast(null as varchar)')}" for name in MANAGER)
        first = " or ".join(f"{cells[f'manager {name}']} is not null" for name in MANAGER if f"manager {name}" in cells)
        objects["manager"] = f"case when {first} then {{{parts}}} end"
    if "licenses" in cells:
        notes += _read_licenses(con, found, cells["licenses"], names)
        objects["assignedLicenses"] = "coalesce(held.licenses, [])"
    source = _deleted_or_present(con, cells, notes)
    joined = f"left join license_cells as held on held.cell = {cells['licenses']}" if "licenses" in cells else ""
    is_kept = f"({cells['userPrincipalName']} is not null or {cells.get('id', 'null')} is not null)"
    if source == "users" and "deletedDateTime" in cells:
        is_kept += f" and {cells['deletedDateTime']} is null"
    packed = ", ".join(f"{name}: {sql}" for name, sql in objects.items())
    con.execute(
        f"""
        create or replace temp table {table} as
        select to_json({{{packed}}}) as item from user_rows {joined} where {is_kept} order by user_rows.rowid
        """,
        {"tenant_id": tenant_id},
    )
    _refuse_shared_ids(con, found, table)
    notes += _describe(con, cells, table)
    if not objects.keys() & {"assignedLicenses"} and source == "users":
        notes.append("without licences")
    counted = con.execute(f"select count(*) from {table}").fetchone()
    if not counted or not counted[0]:
        raise RefusedFileError(found.path, "holds nobody.")
    return UserList(table, source, int(counted[0]), tuple(notes))


def surrogate_sql(upn: str) -> str:
    """SQL for the id of somebody whose object id is not known: of ``$tenant_id`` and the name in lower case."""
    return f"'import-' || left(sha256($tenant_id || chr(31) || lower({upn})), 32)"


def _boolean(cell: str) -> str:
    return f"case when lower({cell}) in {_TRUE} then true when lower({cell}) in {_FALSE} then false end"


def _addresses(cell: str) -> str:
    """Addresses with their prefix (SMTP:, smtp:, SIP:); a plus may stand in an address, too."""
    parted = (
        f"regexp_replace(trim({cell}, '{{}}[]\" '), '[+;,|\\s]+([A-Za-z][A-Za-z0-9]{{1,9}}:)', chr(31) || '\\1', 'g')"
    )
    return f"coalesce(string_split({parted}, chr(31)), [])"


def _date(
    con: duckdb.DuckDBPyConnection, indexes: tuple[int, ...], table: CsvTable, cell: str, name: str, notes: list[str]
) -> str:
    styles = fitting_styles(con, "user_rows", [table.cell(index) for index in indexes])
    if not styles:
        notes.append(f"{name} left empty: its dates are in no known form")
        return "cast(null as varchar)"
    return f"strftime({timestamp_sql(cell, styles[0])}, '%Y-%m-%dT%H:%M:%SZ')"


def _read_licenses(con: duckdb.DuckDBPyConnection, found: UserTable, cell: str, names: SkuNames) -> tuple[str, ...]:
    """Resolve each different cell of licences once, into the table ``license_cells``."""
    different = con.execute(f"select distinct {cell} as cell from user_rows where {cell} is not null").fetchall()
    resolved = {str(row[0]): names.read_cell(str(row[0])) for row in different}
    if not all(licenses.is_readable for licenses in resolved.values()):
        raise RefusedFileError(
            found.path, "holds the name of a type where the licences should be; export people as JSON instead."
        )
    con.execute(
        "create or replace temp table license_cells "
        '(cell varchar, licenses struct("skuId" varchar, "disabledPlans" varchar[])[])'
    )
    if resolved:
        con.executemany(
            "insert into license_cells select $1, [{skuId: id, disabledPlans: []} for id in cast($2 as varchar[])]",
            [[text, list(licenses.sku_ids)] for text, licenses in resolved.items()],
        )
    return describe_unknown(name for licenses in resolved.values() for name in licenses.unknown_names)


def _deleted_or_present(con: duckdb.DuckDBPyConnection, cells: dict[str, str], notes: list[str]) -> str:
    if "deletedDateTime" not in cells:
        return "users"
    counted = con.execute(f"select count(*), count({cells['deletedDateTime']}) from user_rows").fetchone()
    assert counted is not None
    everyone, deleted = counted
    if deleted == everyone:
        return "deletedUsers"
    if deleted:
        notes.append(f"{deleted} deleted people left out")
    return "users"


def _refuse_shared_ids(con: duckdb.DuckDBPyConnection, found: UserTable, table: str) -> None:
    """A column of ids that says the same of several people does not hold ids."""
    counted = con.execute(
        f"""
        select count(*) from (
            select item->>'id' from {table} group by 1 having count(distinct lower(item->>'userPrincipalName')) > 1
        ) as shared
        """
    ).fetchone()
    if counted and counted[0]:
        raise RefusedFileError(found.path, "has people with different names under the same object id.")


def _describe(con: duckdb.DuckDBPyConnection, cells: dict[str, str], table: str) -> list[str]:
    counted = con.execute(
        f"""
        select
            (select count(*) from user_rows
                where {cells["userPrincipalName"]} is null and {cells.get("id", "null")} is null),
            (select count(*) from {table} where starts_with(item->>'id', 'import-')),
            (select count(*) from user_rows where {_unread(cells)})
        """
    ).fetchone()
    assert counted is not None
    nameless, surrogates, unread = counted
    notes = []
    if nameless:
        notes.append(f"{nameless} rows without a name left out")
    if surrogates:
        notes.append(f"{surrogates} people without an object id are known by their user principal name")
    if unread:
        notes.append(f"{unread} people whose account is neither said to be enabled nor blocked")
    return notes


def _unread(cells: dict[str, str]) -> str:
    cell = cells.get("accountEnabled") or cells.get("not accountEnabled")
    return f"{cell} is not null and {_boolean(cell)} is null" if cell else "false"
