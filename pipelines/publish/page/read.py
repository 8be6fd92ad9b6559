"""Reading the published database that the page stands beside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

from pipelines.warehouse.connection import connect

Record = dict[str, Any]

PERIODS = (7, 28, 90, 180)
DAY_KINDS = {"weekdays": "weekdays", "all": "all days"}
ALL = "All"


class Published:
    """One build's database, read-only, for one tenant at a time."""

    def __init__(self, path: Path) -> None:
        self._con = connect(path, read_only=True)
        self._con.execute("set TimeZone = 'UTC'")
        found = self._con.execute(
            "select table_name from duckdb_tables() union all select view_name from duckdb_views() where not internal"
        ).fetchall()
        self._tables = {str(name) for (name,) in found}

    def __enter__(self) -> Published:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._con.close()

    def has(self, *tables: str) -> bool:
        """Whether this build holds the tables."""
        return self._tables.issuperset(tables)

    def records(self, sql: str, parameters: Sequence[Any] = (), *, needs: Sequence[str] = ()) -> list[Record]:
        """The rows of a query by column name; none when a table that it needs is not in this build."""
        if not self.has(*needs):
            return []
        result = self._con.execute(sql, list(parameters))
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def rows_of(self, table: str, tenant_id: str, order_by: str) -> list[Record]:
        """All rows of one tenant in one of our tables; none when the table is not in this build."""
        return self.records(
            f"select * from {table} where tenant_id = ? order by {order_by}",
            [tenant_id],
            needs=[table],
        )


def app_names(db: Published) -> dict[str, str]:
    """App -> the name that readers know, in the order to show them; the suite, which is all but Teams, is first."""
    apps = db.records("select app, display_name from apps order by sort_order", needs=["apps"])
    return {"suite": "Office suite", **{str(row["app"]): str(row["display_name"]) for row in apps}}


def is_settling(state: object) -> bool:
    """Whether a day's figures may still change, or never settled."""
    return state in ("provisional", "unsettled_lost")


def is_weekday(value: date) -> bool:
    """Monday to Friday."""
    return value.weekday() < 5
