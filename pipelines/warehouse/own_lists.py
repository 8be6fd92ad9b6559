"""The user's own lists (prices, allow list, renames, product names): small CSV files, checked line by line.

Unlike answers of the service they are not landed: the file that lies in the rules folder is the truth, and every
run reads it anew. Spreadsheets of any country may write them: comma, semicolon or tab between cells, a decimal
comma where the cells are not parted by commas, UTF-8 or Windows-1252.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse.database import transaction
from pipelines.warehouse.errors import OwnListError

PRICES_FILE = "prices.csv"
ALLOW_LIST_FILE = "allow_list.csv"
RENAMES_FILE = "renames.csv"
PRODUCT_NAMES_FILE = "product_names.csv"

ALLOW_KINDS = ("keep", "shared_mailbox", "room_mailbox", "service_account")
PERIODS = {"month": "month", "monthly": "month", "year": "year", "yearly": "year", "annual": "year"}
# Rows beyond this in a list made by hand mean that another file was put in its place.
MAX_ROWS = 200_000


@dataclass(frozen=True)
class Cell:
    """One cell as it was written, and how numbers are written in its file."""

    text: str
    has_decimal_comma: bool


Reader = Callable[[Cell], Any]


@dataclass(frozen=True)
class OwnList:
    """One kind of file: the raw table it fills, and what each column must hold.

    required and optional: column -> reader, which raises ValueError with a reason in words. key: the columns that
    no two rows may share.
    """

    file_name: str
    table: str
    required: Mapping[str, Reader]
    optional: Mapping[str, Reader]
    key: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        return (*self.required, *self.optional)


def _words(cell: Cell) -> str:
    if not cell.text:
        raise ValueError("is empty")
    return cell.text


def _lower(cell: Cell) -> str:
    return _words(cell).lower()


def _maybe(reader: Reader) -> Reader:
    return lambda cell: reader(cell) if cell.text else None


def _amount(cell: Cell) -> Decimal:
    text = cell.text.replace("\u00a0", "").replace(" ", "")
    if cell.has_decimal_comma and re.fullmatch(r"\d+,\d+", text):
        text = text.replace(",", ".")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{cell.text!r} is not an amount such as 34.20") from None
    if not amount.is_finite() or amount < 0 or amount >= 10**9:
        raise ValueError(f"{cell.text!r} is not an amount from 0 up")
    return amount


def _currency(cell: Cell) -> str:
    code = cell.text.upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError(f"{cell.text!r} is not a currency code such as EUR")
    return code


def _period(cell: Cell) -> str:
    try:
        return PERIODS[cell.text.lower()]
    except KeyError:
        raise ValueError(f"{cell.text!r} is neither month nor year") from None


def _day(cell: Cell) -> date:
    try:
        return date.fromisoformat(cell.text)
    except ValueError:
        raise ValueError(f"{cell.text!r} is not a date such as 2026-01-31") from None


def _kind(cell: Cell) -> str:
    kind = cell.text.lower() or "keep"
    if kind not in ALLOW_KINDS:
        raise ValueError(f"{cell.text!r} is none of {', '.join(ALLOW_KINDS)}")
    return kind


OWN_LISTS = (
    OwnList(
        PRICES_FILE,
        "prices",
        {"sku": _lower, "price": _amount, "currency": _currency, "per": _period},
        {"tenant_id": _maybe(_lower), "valid_from": _maybe(_day)},
        ("tenant_id", "sku", "valid_from"),
    ),
    OwnList(
        ALLOW_LIST_FILE,
        "allow_list",
        {"user_name": _lower},
        {
            "tenant_id": _maybe(_lower),
            "sku": _maybe(_lower),
            "kind": _kind,
            "reason": _maybe(_words),
            "valid_until": _maybe(_day),
        },
        ("tenant_id", "user_name", "sku"),
    ),
    OwnList(
        RENAMES_FILE,
        "renames",
        {"old_upn": _lower, "new_upn": _lower, "renamed_on": _day},
        {"tenant_id": _maybe(_lower)},
        ("tenant_id", "old_upn", "new_upn", "renamed_on"),
    ),
    OwnList(
        PRODUCT_NAMES_FILE,
        "product_names",
        {"sku_id": _lower, "sku_part_number": _words, "product_name": _words},
        {},
        ("sku_id",),
    ),
)


def load_own_lists(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """Put what the files of ``folder`` say in the place of what their tables said; returns the rows of each file.

    A file that is not there empties its table. All files are read before any table is changed. Raises OwnListError
    for the first line that cannot be used.
    """
    read = [(own_list, read_own_list(own_list, folder)) for own_list in OWN_LISTS]
    with transaction(con):
        for own_list, rows in read:
            con.execute(f"delete from raw.{own_list.table}")
            if rows:
                marks = ", ".join("?" for _ in own_list.columns)
                con.executemany(
                    f"insert into raw.{own_list.table} ({', '.join(own_list.columns)}) values ({marks})",
                    [[row[name] for name in own_list.columns] for row in rows],
                )
    return {own_list.file_name: len(rows) for own_list, rows in read}


def read_own_list(own_list: OwnList, folder: Path) -> list[dict[str, Any]]:
    """The rows of one file, each column read; none where there is no such file. Raises OwnListError."""
    path = folder / own_list.file_name
    try:
        text = _decoded(path.read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OwnListError(f"{path} cannot be read: {error.strerror}.") from None
    seen: dict[tuple[Any, ...], int] = {}
    rows = []
    for line, cells in _lines(path, own_list, text):
        row = {}
        for name, reader in [*own_list.required.items(), *own_list.optional.items()]:
            try:
                row[name] = reader(cells[name])
            except ValueError as reason:
                raise OwnListError(f"{path}, line {line}: {name} {reason}.") from None
        key = tuple(row[name] for name in own_list.key)
        if key in seen:
            names = ", ".join(own_list.key)
            raise OwnListError(f"{path}, line {line}: says the same {names} as line {seen[key]}. Keep one of them.")
        seen[key] = line
        rows.append(row)
        if len(rows) > MAX_ROWS:
            raise OwnListError(f"{path} has more than {MAX_ROWS} lines. Is it another file?")
    return rows


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _lines(path: Path, own_list: OwnList, text: str) -> Iterator[tuple[int, dict[str, Cell]]]:
    """The lines that hold something, numbered as an editor does; comments stand before and between them."""
    lines = text.splitlines(keepends=True)
    above = next((number for number, line in enumerate(lines) if line.strip() and not _is_comment(line)), len(lines))
    header = lines[above] if above < len(lines) else ""
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(lines[above:], delimiter=delimiter)
    names = [name.strip().lower().replace(" ", "_") for name in next(reader, [])]
    missing = [name for name in own_list.required if name not in names]
    unknown = [name for name in names if name and name not in own_list.columns]
    if missing or unknown or len(set(names)) < len(names):
        wrong = f"is missing {', '.join(missing)}" if missing else f"has {', '.join(unknown) or 'a column twice'}"
        raise OwnListError(
            f"{path}: the header {wrong}. Columns: {', '.join(own_list.required)}; "
            f"and where wanted {', '.join(own_list.optional) or 'none'}."
        )
    for cells in reader:
        if not any(cell.strip() for cell in cells) or _is_comment(cells[0]):
            continue
        line = above + reader.line_num
        if len(cells) > len(names):
            raise OwnListError(f"{path}, line {line}: has {len(cells)} cells for {len(names)} columns.")
        texts = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        yield line, {name: Cell(texts.get(name, ""), delimiter != ",") for name in own_list.columns}


def _is_comment(text: str) -> bool:
    return text.lstrip().startswith("#")
