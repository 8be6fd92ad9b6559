"""SKUs as CSV: with Graph's column names, or the admin centre's list of products."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.imports.errors import RefusedFileError
from pipelines.imports.sku_names import SkuNames, describe_unknown, kept_id
from pipelines.imports.tables import CsvTable

# Graph's property -> column names for comparison.
_ALIASES: dict[str, tuple[str, ...]] = {
    "skuId": ("skuid",),
    "skuPartNumber": ("skupartnumber", "partnumber", "stringid"),
    "title": ("producttitle", "productname", "productdisplayname"),
    "consumedUnits": ("consumedunits", "assignedlicenses", "assignedlicences", "assigned"),
    "enabled": ("prepaidunitsenabled", "enabled", "totallicenses", "totallicences"),
    "warning": ("prepaidunitswarning", "warning", "expiredlicenses", "expiredlicences"),
    "suspended": ("prepaidunitssuspended", "suspended"),
    "lockedOut": ("prepaidunitslockedout", "lockedout"),
    "prepaidUnits": ("prepaidunits",),
    "servicePlans": ("serviceplans",),
    "subscriptionIds": ("subscriptionids",),
    "appliesTo": ("appliesto",),
    "capabilityStatus": ("capabilitystatus",),
    "status": ("statusmessage", "status"),
}
_COUNTS = ("enabled", "warning", "suspended", "lockedOut")
_THOUSANDS = re.compile(r"(?<=\d)[.,'\s](?=\d{3}(?:\D|$))")
_MAX_PRODUCTS = 20_000


@dataclass(frozen=True)
class SkuTable:
    """A CSV file of SKUs, and where Graph's properties are in it."""

    table: CsvTable
    positions: dict[str, int]

    @property
    def path(self) -> Path:
        """The file given."""
        return self.table.file.original


@dataclass(frozen=True)
class SkuList:
    """SKUs in Graph's form. notes: what a person should know."""

    rows: int
    skus: list[dict[str, Any]]
    notes: tuple[str, ...]


def recognise_skus(table: CsvTable) -> SkuTable | None:
    """The file as a list of SKUs; None when it is none."""
    keys = table.keys
    positions = {}
    for name, aliases in _ALIASES.items():
        index = next((keys.index(alias) for alias in aliases if alias in keys), None)
        if index is not None:
            positions[name] = index
    is_named = positions.keys() & {"skuId", "skuPartNumber", "title"}
    is_counted = "consumedUnits" in positions and positions.keys() & {"enabled", "prepaidUnits"}
    return SkuTable(table, positions) if is_named and is_counted else None


def read_skus(con: duckdb.DuckDBPyConnection, found: SkuTable, names: SkuNames) -> SkuList:
    """The SKUs of the file, one per product, the units of its subscriptions added up. Raises RefusedFileError."""
    rows = found.table.load(con, "sku_rows")
    if rows > _MAX_PRODUCTS:
        raise RefusedFileError(found.path, f"has {rows:,} rows, too many for a list of products.")
    columns = {name: found.table.cell(index) for name, index in found.positions.items()}
    result = con.execute(f"select {', '.join(columns.values())} from sku_rows")
    skus: dict[str, dict[str, Any]] = {}
    unknown = []
    for cells in result.fetchall():
        row = {name: " ".join((cell or "").split()) for name, cell in zip(columns, cells, strict=True)}
        name = row.get("skuPartNumber") or row.get("title") or ""
        if not name and not row.get("skuId"):
            continue
        sku_id = row.get("skuId") or names.find(name) or names.find(row.get("title") or "")
        if not sku_id:
            unknown.append(name)
        if sku_id and not row.get("skuPartNumber"):
            name = names.part_numbers.get(sku_id.lower(), name)
        _add(skus, _sku(found.path, sku_id or kept_id(name), name, row))
    return SkuList(rows, list(skus.values()), describe_unknown(unknown))


def learn_names(skus: list[dict[str, Any]], names: SkuNames) -> None:
    """Let the names of people's licences be understood as the tenant's own SKUs."""
    for sku in skus:
        if sku.get("skuId"):
            names.add(str(sku["skuId"]), part_number=sku.get("skuPartNumber"), is_owned=True)


def as_pages(skus: list[dict[str, Any]]) -> Iterator[str]:
    """The SKUs as one page of Graph's form."""
    yield json.dumps({"value": skus}, ensure_ascii=False)


def _sku(path: Path, sku_id: str, name: str, row: Mapping[str, str]) -> dict[str, Any]:
    units = {unit: _number(path, unit, row.get(unit)) for unit in _COUNTS}
    units |= {key: value for key, value in _units_of_json(path, row.get("prepaidUnits")).items() if key in _COUNTS}
    if "disabled" in row.get("status", "").lower() and not units["suspended"]:
        # The stage after the grace period: nobody can work with these any more.
        units["suspended"], units["warning"] = units["warning"], 0
    is_usable = units["enabled"] or not (units["warning"] or units["suspended"] or units["lockedOut"])
    status = "Enabled" if is_usable else "Warning" if units["warning"] else "Suspended"
    return {
        "skuId": sku_id.lower(),
        "skuPartNumber": name or None,
        # Only products for people are listed there.
        "appliesTo": row.get("appliesTo") or "User",
        "capabilityStatus": row.get("capabilityStatus") or status,
        "consumedUnits": _number(path, "consumedUnits", row.get("consumedUnits")),
        "prepaidUnits": units,
        "servicePlans": _json_list(row.get("servicePlans")),
        "subscriptionIds": [str(each) for each in _json_list(row.get("subscriptionIds"))],
    }


def _add(skus: dict[str, dict[str, Any]], sku: dict[str, Any]) -> None:
    known = skus.setdefault(sku["skuId"], sku)
    if known is sku:
        return
    known["consumedUnits"] += sku["consumedUnits"]
    for unit in _COUNTS:
        known["prepaidUnits"][unit] += sku["prepaidUnits"][unit]
    if "Enabled" in (known["capabilityStatus"], sku["capabilityStatus"]):
        known["capabilityStatus"] = "Enabled"


def _number(path: Path, name: str, text: str | None) -> int:
    """A count, with or without separators between the thousands; an empty cell is none."""
    plain = _THOUSANDS.sub("", text or "0")
    if not plain.isdecimal():
        raise RefusedFileError(path, f"has a cell for {name} that is no number.")
    return int(plain)


def _units_of_json(path: Path, text: str | None) -> dict[str, int]:
    if not text:
        return {}
    try:
        units = {str(key): int(value or 0) for key, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        raise RefusedFileError(
            path, "does not say how many licences there are (its prepaidUnits are not spelt out); export SKUs as JSON."
        ) from None
    return {key[:1].lower() + key[1:]: value for key, value in units.items()}


def _json_list(text: str | None) -> list[Any]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return []
    return value if isinstance(value, list) else []
