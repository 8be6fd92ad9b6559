"""Microsoft's table of product names and service plans, made into a short list of products.

The table has one row per product and service plan, in an encoding that changes (UTF-8 with or without a mark, or
Windows-1252), a header with stray blanks (``String_ Id``) and cells with tabs and no-break spaces around them
(licensing-service-plan-reference; the file itself).
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from pipelines.imports.errors import RefusedFileError
from pipelines.warehouse.atomic import write_atomically

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COLUMNS = {"product_display_name": "product_name", "string_id": "sku_part_number", "guid": "sku_id"}


@dataclass(frozen=True, order=True)
class Product:
    """One product as Microsoft sells it."""

    sku_part_number: str
    sku_id: str
    product_name: str


def read_product_table(path: Path) -> list[Product]:
    """The products of a downloaded table, by part number. Raises RefusedFileError."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise RefusedFileError(path, f"cannot be read: {error.strerror}.") from None
    return parse_product_table(body, path)


def parse_product_table(body: bytes, path: Path) -> list[Product]:
    """The products of a table's bytes; where rows differ in a product's name, the first one counts.

    path is what the file is called in a refusal. Raises RefusedFileError.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252", errors="replace")
    reader = csv.reader(io.StringIO(text))
    header = [re.sub(r"\s", "", name).lower() for name in next(reader, [])]
    if missing := [name for name in _COLUMNS if name not in header]:
        raise RefusedFileError(path, f"is not Microsoft's table of product names: no column {', '.join(missing)}.")
    places = {field: header.index(name) for name, field in _COLUMNS.items()}
    found: dict[str, Product] = {}
    for cells in reader:
        if len(cells) <= max(places.values()):
            continue
        row = {field: " ".join(cells[place].split()) for field, place in places.items()}
        sku_id = row["sku_id"].lower()
        if _GUID.fullmatch(sku_id) and row["product_name"] and row["sku_part_number"]:
            found.setdefault(sku_id, Product(row["sku_part_number"], sku_id, row["product_name"]))
    if not found:
        raise RefusedFileError(path, "names no product.")
    return sorted(found.values())


def write_product_names(products: list[Product], path: Path) -> None:
    """Write the list that every run reads from the rules folder; whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["sku_id", "sku_part_number", "product_name"])
    writer.writerows([product.sku_id, product.sku_part_number, product.product_name] for product in products)
    write_atomically(path, text.getvalue())
