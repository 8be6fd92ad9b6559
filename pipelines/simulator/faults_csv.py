"""What can be wrong with a report body: from the tenant's CSV to one that the service might send on a bad day."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable

from pipelines.simulator.reports import BYTE_ORDER_MARK, LINE_END, UNKNOWN_NAME

Rows = list[list[str]]
Transform = Callable[[bytes], bytes]

UPN = "User Principal Name"
_HASH = re.compile(r"[0-9A-F]{32}\Z")


def rows_of(body: bytes) -> Rows:
    """The header and the rows of a report body."""
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def body_of(rows: Rows) -> bytes:
    """A report body as Graph sends it."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=LINE_END).writerows(rows)
    return BYTE_ORDER_MARK + text.getvalue().encode()


def of_rows(change: Callable[[Rows], Rows]) -> Transform:
    """A transform of the body, made from one of its rows."""
    return lambda body: body_of(change(rows_of(body)))


def header_only(rows: Rows) -> Rows:
    """The header line and nothing else."""
    return rows[:1]


def cut(keep: float, *, whole_lines: bool) -> Transform:
    """The first part of the body: to the middle of a line, or to its end with `whole_lines`."""

    def transform(body: bytes) -> bytes:
        head = body[: int(len(body) * keep)]
        if whole_lines:
            return head[: head.rfind(b"\n") + 1]
        return head[:-1] if head.endswith(b"\n") else head

    return transform


def ragged(row: int, cells: int) -> Callable[[Rows], Rows]:
    """A row (1 is the first behind the header) with so many cells more, or fewer, than the header has."""

    def change(rows: Rows) -> Rows:
        place = min(row, len(rows) - 1)
        struck = rows[place] + ["No"] * cells if cells > 0 else rows[place][:cells]
        return [*rows[:place], struck, *rows[place + 1 :]] if place else rows

    return change


def reversed_columns(rows: Rows) -> Rows:
    """Every column, the last one first."""
    return [row[::-1] for row in rows]


def with_column(name: str, value: str, place: int) -> Callable[[Rows], Rows]:
    """One column more, before the column at `place`, with the same value in every row."""
    return lambda rows: [
        [*row[:place], name if number == 0 else value, *row[place:]] for number, row in enumerate(rows)
    ]


def without_column(name: str) -> Callable[[Rows], Rows]:
    """The report without the column of this name. Raises ValueError when it has none."""

    def change(rows: Rows) -> Rows:
        if name not in rows[0]:
            raise ValueError(f"The report has no column {name!r}.")
        place = rows[0].index(name)
        return [row[:place] + row[place + 1 :] for row in rows]

    return change


def repeated(count: int | None) -> Callable[[Rows], Rows]:
    """The first `count` rows (None: all) once more at the end."""
    return lambda rows: rows + rows[1 : None if count is None else count + 1]


def nameless(count: int, name: str = UNKNOWN_NAME) -> Callable[[Rows], Rows]:
    """The first `count` rows of somebody without the name."""

    def change(rows: Rows) -> Rows:
        place, left, changed = rows[0].index(UPN), count, rows[:1]
        for row in rows[1:]:
            is_struck = left > 0 and row[place] not in ("", UNKNOWN_NAME)
            left -= is_struck
            changed.append([*row[:place], name, *row[place + 1 :]] if is_struck else row)
        return changed

    return change


def rehashed(salt: str) -> Callable[[Rows], Rows]:
    """Other hashes in the place of concealed names; names that are shown stay."""

    def change(rows: Rows) -> Rows:
        place = rows[0].index(UPN)
        return rows[:1] + [
            [*row[:place], _other_hash(salt, row[place]), *row[place + 1 :]] if _HASH.match(row[place]) else row
            for row in rows[1:]
        ]

    return change


def _other_hash(salt: str, name: str) -> str:
    return hashlib.md5(f"{salt}{name}".encode(), usedforsecurity=False).hexdigest().upper()
