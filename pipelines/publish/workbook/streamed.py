"""A sheet for many rows: they go to disk one by one, so that memory stays flat, and stand in a native table.

XlsxWriter has both, but not together: its native tables need all cells in memory, as columns may have formulas and
totals, which ours have not. So the table is declared before its rows, of which only the header is written with it.
"""

from __future__ import annotations

from typing import Any

from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

# Fewer rows than this cost less than what charts lose: a streamed sheet has no values that a chart could keep.
MANY_ROWS = 20_000


class StreamedSheet(Worksheet):  # type: ignore[misc]  # XlsxWriter has no types
    """Write each row after the one before; ``add_table`` comes before the rows that it spans."""

    def _initialize(self, init_data: dict[str, Any]) -> None:
        super()._initialize({**init_data, "constant_memory": True})

    def add_table(
        self, first_row: int, first_col: int, last_row: int, last_col: int, options: dict[str, Any] | None = None
    ) -> Any:
        """Declare a table with a header row. It may have no data, formulas or totals of its own."""
        # Only two rows as yet: XlsxWriter remembers each cell of a table.
        self.constant_memory = False
        try:
            problem = super().add_table(first_row, first_col, first_row + 1, last_col, options)
        finally:
            self.constant_memory = True
        if problem:
            raise ValueError(f"The table on the sheet {self.get_name()} cannot be written: {problem}.")
        table = self.tables[-1]
        spanned = xl_range(first_row, first_col, last_row, last_col)
        table.update({key: spanned for key in ("range", "a_range", "autofilter") if key in table})
        # The header again, as texts of a sheet on disk stand in its cells.
        for offset, column in enumerate(table["columns"]):
            self.write_string(first_row, first_col + offset, column["name"])
        return problem
