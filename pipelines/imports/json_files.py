"""JSON as from Graph: one answer or pages of one, a bare list or JSON lines; as sent, or as PowerShell writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.imports.errors import RefusedFileError
from pipelines.imports.text import TextFile

OBJECTS_PER_PAGE = 1000
_SMALLEST_BUFFER = 16 << 20

# What each kind of answer is known by: all of the first set of properties, one of the second.
_MARKS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "users": (frozenset({"userprincipalname"}), frozenset()),
    "subscribedSkus": (frozenset({"skuid"}), frozenset({"consumedunits", "prepaidunits"})),
    "subscriptions": (
        frozenset({"skuid"}),
        frozenset({"nextlifecycledatetime", "totallicenses", "commercesubscriptionid"}),
    ),
    "organization": (frozenset({"verifieddomains"}), frozenset()),
}
# Properties with parts, which ConvertTo-Json cuts off when it is not told to go deep enough.
_NESTED: dict[str, tuple[str, ...]] = {
    "users": ("AssignedLicenses", "LicenseAssignmentStates"),
    "subscribedSkus": ("PrepaidUnits", "ServicePlans"),
    "subscriptions": (),
    "organization": ("VerifiedDomains",),
}
# Other answers name people, too: sign-ins, risks, usage.
_NO_PEOPLE = frozenset({"userdisplayname", "appdisplayname", "reportrefreshdate"})
_LICENSE = '{"skuId":"VARCHAR","disabledPlans":["VARCHAR"]}'
_SERVICE_PLAN = (
    '{"servicePlanId":"VARCHAR","servicePlanName":"VARCHAR","provisioningStatus":"VARCHAR","appliesTo":"VARCHAR"}'
)
# What is taken over of objects whose property names begin with a capital, as PowerShell's cmdlets write them.
_STRUCTURES = {
    "users": (
        '{"id":"VARCHAR","userPrincipalName":"VARCHAR","mail":"VARCHAR","proxyAddresses":["VARCHAR"],'
        '"displayName":"VARCHAR","userType":"VARCHAR","accountEnabled":"BOOLEAN","department":"VARCHAR",'
        '"jobTitle":"VARCHAR","officeLocation":"VARCHAR","city":"VARCHAR","country":"VARCHAR",'
        '"usageLocation":"VARCHAR","companyName":"VARCHAR","employeeId":"VARCHAR","employeeType":"VARCHAR",'
        '"onPremisesSyncEnabled":"BOOLEAN","createdDateTime":"VARCHAR","deletedDateTime":"VARCHAR",'
        f'"assignedLicenses":[{_LICENSE}],"licenseAssignmentStates":[{{"skuId":"VARCHAR",'
        '"disabledPlans":["VARCHAR"],"assignedByGroup":"VARCHAR","state":"VARCHAR","error":"VARCHAR",'
        '"lastUpdatedDateTime":"VARCHAR"}],"signInActivity":{"lastSignInDateTime":"VARCHAR",'
        '"lastNonInteractiveSignInDateTime":"VARCHAR","lastSuccessfulSignInDateTime":"VARCHAR"}}'
    ),
    "subscribedSkus": (
        '{"skuId":"VARCHAR","skuPartNumber":"VARCHAR","appliesTo":"VARCHAR","capabilityStatus":"VARCHAR",'
        '"consumedUnits":"INTEGER","prepaidUnits":{"enabled":"INTEGER","suspended":"INTEGER","warning":"INTEGER",'
        f'"lockedOut":"INTEGER"}},"servicePlans":[{_SERVICE_PLAN}],"subscriptionIds":["VARCHAR"]}}'
    ),
    "subscriptions": (
        '{"id":"VARCHAR","commerceSubscriptionId":"VARCHAR","skuId":"VARCHAR","skuPartNumber":"VARCHAR",'
        '"status":"VARCHAR","isTrial":"BOOLEAN","totalLicenses":"INTEGER","createdDateTime":"VARCHAR",'
        '"nextLifecycleDateTime":"VARCHAR"}'
    ),
    "organization": (
        '{"id":"VARCHAR","displayName":"VARCHAR","countryLetterCode":"VARCHAR","createdDateTime":"VARCHAR",'
        '"verifiedDomains":[{"name":"VARCHAR","isDefault":"BOOLEAN","isInitial":"BOOLEAN"}]}'
    ),
}


@dataclass(frozen=True)
class JsonAnswer:
    """A JSON file whose objects stand in the table ``table`` (column ``item``), in file order.

    source: what they are; "" for an answer without objects. has_more: it ends with the address of a further page.
    """

    file: TextFile
    table: str
    source: str
    rows: int
    has_more: bool

    @property
    def path(self) -> Path:
        """The file given."""
        return self.file.original


def looks_like_json(file: TextFile) -> bool:
    """Whether the text begins as JSON does."""
    return file.head(256).lstrip()[:1] in ("{", "[")


def read_json(con: duckdb.DuckDBPyConnection, file: TextFile, table: str) -> JsonAnswer | None:
    """Read a JSON file into ``table``; None when its objects are none of ours. Raises RefusedFileError."""
    try:
        pages, last_pages = _read_objects(con, file, table)
    except (duckdb.InvalidInputException, duckdb.IOException):
        raise RefusedFileError(file.original, "is no valid JSON; it may be cut off.") from None
    counted = con.execute(
        f"select count(*), count(*) filter (where json_type(item) <> 'OBJECT') from {table}"
    ).fetchone()
    assert counted is not None
    rows, strange = counted
    if not rows:
        return JsonAnswer(file, table, "", 0, False) if pages else None
    if strange:
        return None
    source = _source(con, file, table)
    return JsonAnswer(file, table, source, rows, has_more=bool(pages and not last_pages)) if source else None


def _read_objects(con: duckdb.DuckDBPyConnection, file: TextFile, table: str) -> tuple[int, int]:
    """The objects into ``table``; returns how many pages they stood on, and how many of those name no further one."""
    size = max(_SMALLEST_BUFFER, file.text.stat().st_size + 1)
    path: dict[str, object] = {"path": str(file.text)}
    is_list = file.head(256).lstrip().startswith("[")
    if is_list and not file.ends_with("]"):
        # DuckDB takes a list that breaks off behind a comma for whole.
        raise duckdb.InvalidInputException("the list breaks off")
    # A list is read item by item, whatever its length; pages are read whole.
    form = f"format = '{'array' if is_list else 'unstructured'}', maximum_object_size = {size}"
    con.execute(
        f"""
        create or replace temp table parts as
        select case when not is_page then item end as item, is_page, is_page and not has_more as is_last
        from (
            select json as item, coalesce(json_type(json, '$.value') = 'ARRAY', false) as is_page,
                coalesce(json_exists(json, '$."@odata.nextLink"'), false) as has_more
            from read_json_objects($path, {form})
        ) as listed
        """,
        path,
    )
    counted = con.execute(
        "select count(*) filter (where is_page), count(*) filter (where is_last) from parts"
    ).fetchone()
    assert counted is not None
    on_pages = (
        f"select unnest(value) as item from read_json($path, {form}, columns = {{value: 'JSON[]'}}) union all"
        if counted[0]
        else ""
    )
    con.execute(
        f"create or replace temp table {table} as {on_pages} select json(item) as item from parts where not is_page",
        path if on_pages else None,
    )
    con.execute("drop table parts")
    return counted[0], counted[1]


def _source(con: duckdb.DuckDBPyConnection, file: TextFile, table: str) -> str | None:
    found = con.execute(f"select distinct unnest(json_keys(item)) from {table}").fetchall()
    written = {str(row[0]) for row in found}
    keys = {name.lower() for name in written}
    if "error" in keys and keys <= {"error", "@odata.context"}:
        raise RefusedFileError(file.original, "is an error message of Graph, not an answer.")
    source = next(
        (name for name, (all_of, any_of) in _MARKS.items() if all_of <= keys and (not any_of or any_of & keys)), None
    )
    if source is None or (source == "users" and keys & _NO_PEOPLE):
        return None
    if keys & {"id", "skuid"} and not written & {"id", "skuId"}:
        _rename_properties(con, file, table, source)
    if source != "users":
        return source
    _keep_what_is_read(con, table)
    return _deleted_or_present(con, file, table)


def _keep_what_is_read(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Of people only what a fetch would have asked for: an export may hold telephone numbers and more."""
    kept = (*json.loads(_STRUCTURES["users"]), "manager")
    paths = ", ".join(f"'$.{name}'" for name in kept)
    values = ", ".join(f"'{name}', found[{index}]" for index, name in enumerate(kept, start=1))
    con.execute(
        f"""
        create or replace temp table {table} as
        select json_object({values}) as item from (select json_extract(item, [{paths}]) as found from {table}) as listed
        """
    )


def _rename_properties(con: duckdb.DuckDBPyConnection, file: TextFile, table: str, source: str) -> None:
    """From Id, UserPrincipalName, … to id, userPrincipalName, …; properties that nothing reads are left out."""
    flattened = " or ".join(
        f"coalesce(item->>'$.{name}', '') <> '' and 'VARCHAR' in (json_type(item, '$.{name}'), "
        f"json_type(item, '$.{name}[0]'))"
        for name in _NESTED[source]
    )
    found = con.execute(f"select count(*) from {table} where {flattened or 'false'}").fetchone()
    if found and found[0]:
        raise RefusedFileError(
            file.original,
            "holds only the names of types where lists should be; write it with ConvertTo-Json -Depth 10.",
        )
    structure = _STRUCTURES[source]
    con.execute(
        f"""
        create or replace temp table {table} as
        select to_json(cast(item as {_as_type(con, structure)})) as item
        from (select from_json(item, '{_with_capitals(structure)}') as item from {table}) as listed
        """
    )


def _with_capitals(structure: str) -> str:
    """The structure with every property name beginning with a capital; type names have none to lose."""
    parts = structure.split('"')
    return '"'.join(
        part[:1].upper() + part[1:] if index % 2 and not part.isupper() else part for index, part in enumerate(parts)
    )


def _as_type(con: duckdb.DuckDBPyConnection, structure: str) -> str:
    found = con.execute(f"select typeof(from_json('null', '{structure}'))").fetchone()
    return str(found[0]) if found else "JSON"


def _deleted_or_present(con: duckdb.DuckDBPyConnection, file: TextFile, table: str) -> str:
    """People in the bin have a date of deletion, or their id before their name."""
    found = con.execute(
        f"""
        select count(*), count(*) filter (
            where item->>'deletedDateTime' is not null
            or starts_with(lower(item->>'userPrincipalName'), replace(lower(item->>'id'), '-', ''))
        )
        from {table}
        """
    ).fetchone()
    assert found is not None
    everyone, deleted = found
    if deleted and deleted < everyone:
        raise RefusedFileError(file.original, "holds both people who are there and deleted ones; export them apart.")
    return "deletedUsers" if deleted else "users"


def pages(con: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
    """The objects of ``table`` as pages of Graph's form, one line each."""
    result = con.execute(
        f"""
        select string_agg(cast(item as varchar), ',' order by rowid)
        from {table} group by rowid // {OBJECTS_PER_PAGE} order by rowid // {OBJECTS_PER_PAGE}
        """
    )
    while row := result.fetchone():
        yield f'{{"value":[{row[0]}]}}'
