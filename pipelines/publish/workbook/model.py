"""What a sheet is: a question, the query that answers it, and how its columns look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Excel's own limit, the header among them.
MAX_ROWS = 1_048_576


@dataclass(frozen=True)
class Sheet:
    """One sheet with one native table.

    name: on the tab. table: the table's name in Excel, which links and pivots rely on; never change it. about:
    the sentence below the title. needs: the published tables that sql reads. empty: said when there are no rows.
    year_of: the date column by which a table too long for one sheet is split into years. shaded: a rate to be
    shown as a bar in its cell. named_by: how many columns say what a row is; they stay in sight.
    """

    name: str
    table: str
    title: str
    about: str
    sql: str
    needs: Sequence[str]
    empty: str
    year_of: str | None = None
    shaded: str | None = None
    named_by: int = 1


@dataclass(frozen=True)
class Placed:
    """Where a table came to stand: the rows of its data, from 0, inclusive.

    known: the values of the columns that charts are laid out by.
    """

    sheet: str
    first_row: int
    last_row: int
    columns: Sequence[str]
    known: Mapping[str, Sequence[object]]

    def column(self, name: str) -> int:
        """The number of a column, from 0."""
        return list(self.columns).index(name)

    def runs(self, name: str) -> list[tuple[object, int, int]]:
        """Neighbouring rows with the same value in a column: value, first row, last row of the sheet."""
        found: list[tuple[object, int, int]] = []
        for offset, value in enumerate(self.known[name]):
            row = self.first_row + offset
            if found and found[-1][0] == value:
                found[-1] = (value, found[-1][1], row)
            else:
                found.append((value, row, row))
        return found
