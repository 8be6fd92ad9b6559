"""The result of a query as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

import duckdb

from pipelines.publish.neutral import neutral

_CHUNK = 10_000


class Format(str, Enum):
    """How a result is printed or written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def format_of(path: Path) -> Format | None:
    """The format that a file's name asks for."""
    return {".csv": Format.CSV, ".json": Format.JSON, ".parquet": Format.PARQUET}.get(path.suffix.lower())


def write_csv(result: duckdb.DuckDBPyConnection, file: TextIO) -> int:
    """Write the rows as CSV, instants in UTC, texts that begin like a formula made harmless; returns how many."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(column[0] for column in result.description or [])
    count = 0
    for row in _rows(result):
        writer.writerow(map(_cell, row))
        count += 1
    return count


def write_json(result: duckdb.DuckDBPyConnection, file: TextIO) -> int:
    """Write the rows as one JSON array of objects; returns how many."""
    names = [column[0] for column in result.description or []]
    count = 0
    file.write("[")
    for row in _rows(result):
        document = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        file.write(",\n" if count else "\n")
        file.write(json.dumps(document, ensure_ascii=False, default=str))
        count += 1
    file.write("\n]\n")
    return count


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(_CHUNK):
        yield from rows


def _cell(value: object) -> object:
    """The value as CSV has it."""
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, bool):
        return str(value).lower()
    return _plain(value)


def _plain(value: object) -> object:
    """The value as both formats can hold it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (timedelta, UUID)):
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
