"""The published tables that plans rest on; where people are pseudonyms there, the warehouse, which knows the names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.connection import connect
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.publish import DATABASE_NAME
from pipelines.warehouse.releases import BUILDS


@dataclass(frozen=True)
class Published:
    """An open database with the marts, read-only, and the release that they belong to."""

    con: duckdb.DuckDBPyConnection
    publish_id: str | None
    data_through: str | None


@contextmanager
def open_marts(settings: Settings) -> Iterator[Published]:
    """The admin tables with real names. Raises SettingsError when nothing is published, WarehouseBusyError when the
    warehouse is needed and a run works on it.
    """
    path = settings.data_dir / BUILDS["admin"] / DATABASE_NAME
    if not path.exists():
        raise SettingsError(f"Nothing is published below {settings.data_dir} yet: run m365-usage sync (or demo) first.")
    with ExitStack() as stack:
        con = stack.enter_context(_reading(path.resolve()))
        facts = dict(con.execute("select name, value from publish_info").fetchall())
        if facts.get("people") == "pseudonyms":
            stack.enter_context(warehouse_lock(settings.warehouse_path, wait_seconds=settings.lock_wait_seconds))
            con = stack.enter_context(_reading(settings.warehouse_path))
        yield Published(con, facts.get("publish_id"), facts.get("data_through"))


def read_prices(con: duckdb.DuckDBPyConnection, tenant_id: str) -> dict[str, tuple[Decimal, str]]:
    """The price of a unit a month and its currency by SKU id, where it is known."""
    rows = con.execute(
        "select sku_id, unit_price, currency from license_inventory "
        "where tenant_id = ? and unit_price is not null and currency is not null",
        [tenant_id],
    ).fetchall()
    return {sku_id: (Decimal(str(price)).quantize(Decimal("0.01")), currency) for sku_id, price, currency in rows}


def _reading(path: Path) -> duckdb.DuckDBPyConnection:
    con = connect(path, read_only=True)
    con.execute("set timezone = 'UTC'")
    return con
