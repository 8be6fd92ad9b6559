"""From the names of products, as the admin centre writes them, to SKU ids."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# The product names that the models know, too.
SEED = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "sku_names.csv"

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ONLY_GUIDS = re.compile(rf"^\W*{_GUID.pattern}(?:\W+{_GUID.pattern})*\W*$", re.IGNORECASE)
_NOTHING = frozenset({"", "unlicensed", "none", "no licenses", "no licences", "[]", "{}"})
# The names of types, which PowerShell writes where a list was.
_TYPE_NAME = re.compile(r"Microsoft\.Graph\.|System\.(?:Object|String|Collections)")
# A plus between two names; "Mobility + Security" is one name.
_BETWEEN = re.compile(r"(?<!\s)\+(?!\s)|[;|\n]")


def name_key(name: str) -> str:
    """A product's name for comparison: letters and digits, in lower case, without Microsoft before it."""
    folded = " ".join(name.casefold().split())
    return "".join(c for c in folded.removeprefix("microsoft ") if c.isalnum()) or folded


def kept_id(name: str) -> str:
    """The id under which a product of unknown SKU is kept: its own name, in lower case."""
    return " ".join(name.split()).lower()


@dataclass
class SkuNames:
    """Which SKU a name means.

    names: name for comparison -> ids; the ids that the tenant has come before others. part_numbers: by id.
    """

    names: dict[str, list[str]] = field(default_factory=dict)
    part_numbers: dict[str, str] = field(default_factory=dict)
    owned: set[str] = field(default_factory=set)

    @classmethod
    def known(cls, seed: Path = SEED) -> SkuNames:
        """The names that the product knows by itself."""
        found = cls()
        if seed.is_file():
            with seed.open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    found.add(row["sku_id"], row["product_name"], part_number=row["sku_part_number"])
        return found

    def add(self, sku_id: str, *names: str, part_number: str | None = None, is_owned: bool = False) -> None:
        """Learn what a SKU is called."""
        sku_id = sku_id.lower()
        if is_owned:
            self.owned.add(sku_id)
        if part_number:
            self.part_numbers[sku_id] = part_number
        for name in (*names, part_number):
            if name and sku_id not in self.names.setdefault(name_key(name), []):
                self.names[name_key(name)].append(sku_id)

    def find(self, name: str) -> str | None:
        """The SKU's id; None when nobody knows it."""
        if _GUID.fullmatch(name.strip()):
            return name.strip().lower()
        ids = self.names.get(name_key(name), [])
        return next((sku_id for sku_id in ids if sku_id in self.owned), ids[0] if ids else None)

    def read_cell(self, text: str) -> LicenseCell:
        """The licences in a cell: names joined by ``+``, SKU ids, or Graph's own JSON."""
        text = text.strip()
        if text.casefold() in _NOTHING:
            return LicenseCell((), ())
        if text.startswith(("[", "{")):
            ids = _ids_of_json(text)
            if ids is not None:
                return LicenseCell(tuple(ids), ())
        if _ONLY_GUIDS.match(text):
            return LicenseCell(tuple(guid.lower() for guid in _GUID.findall(text)), ())
        if _TYPE_NAME.search(text):
            return LicenseCell((), (), is_readable=False)
        ids, unknown = [], []
        for name in self._split(text):
            sku_id = self.find(name)
            ids.append(sku_id or kept_id(name))
            if sku_id is None:
                unknown.append(name)
        return LicenseCell(tuple(dict.fromkeys(ids)), tuple(unknown))

    def _split(self, text: str) -> list[str]:
        names = self._join([part.strip() for part in _BETWEEN.split(text)], "+")
        found = []
        for name in names:
            # Somebody may have put spaces around every plus: only where all the parts are known names.
            parts = self._join([part.strip() for part in name.split("+")], " + ")
            is_list = self.find(name) is None and len(parts) > 1 and all(self.find(part) for part in parts)
            found += parts if is_list else [name]
        return [name for name in found if name]

    def _join(self, parts: Sequence[str], joint: str) -> list[str]:
        """Put neighbours together again that are one known name."""
        found, start = [], 0
        while start < len(parts):
            end = next(
                (end for end in range(len(parts), start + 1, -1) if self.find(joint.join(parts[start:end]))), start + 1
            )
            found.append(joint.join(parts[start:end]))
            start = end
        return found


@dataclass(frozen=True)
class LicenseCell:
    """The licences of one cell: SKU ids, among them names kept as they are; the latter once more as written.

    is_readable: false where an export wrote the name of a type instead of the licences.
    """

    sku_ids: tuple[str, ...]
    unknown_names: tuple[str, ...]
    is_readable: bool = True


def describe_unknown(names: Iterable[str]) -> tuple[str, ...]:
    """One sentence on the product names that no SKU id is known for; none when all are known."""
    distinct = sorted({" ".join(name.split()) for name in names})
    if not distinct:
        return ()
    shown = ", ".join(name[:60] for name in distinct[:3]) + (", …" if len(distinct) > 3 else "")
    plural = "names" if len(distinct) > 1 else "name"
    return (f"{len(distinct)} product {plural} kept without a SKU id: {shown}",)


def _ids_of_json(text: str) -> list[str] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    entries = value if isinstance(value, list) else [value]
    ids = []
    for entry in entries:
        sku_id = (entry.get("skuId") or entry.get("SkuId")) if isinstance(entry, dict) else entry
        if not isinstance(sku_id, str):
            return None
        ids.append(sku_id.lower())
    return ids
