"""A warehouse of an earlier version is brought up to date, or says how to make it anew."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.errors import WarehouseOutdatedError
from pipelines.warehouse.schema import prepare_tables


def columns(con: duckdb.DuckDBPyConnection, table: str) -> set[tuple[str, str]]:
    return set(con.execute("select column_name, column_type from (describe " + table + ")").fetchall())


def test_a_column_that_a_newer_version_added_is_added(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as con:
        wanted = columns(con, "ledger.fetches")
        con.execute("insert into raw.prices values (null, 'a', 1, 'EUR', 'month', null)")
    with duckdb.connect(str(path)) as con:
        con.execute("alter table ledger.fetches drop column accepts_fetch_id")
        con.execute("drop table raw.renames")
        con.execute("update ledger.schema_version set digest = 'older'")
    with open_warehouse(path) as con:
        assert columns(con, "ledger.fetches") == wanted
        assert con.execute("select count(*) from raw.prices").fetchone() == (1,)
        assert con.execute("from raw.renames").fetchall() == []


def test_a_warehouse_from_before_versions_were_noted_is_prepared() -> None:
    with duckdb.connect() as con:
        con.execute("create schema ledger; create table ledger.restatements (tenant_id varchar not null)")
        with pytest.raises(WarehouseOutdatedError, match=r"ledger.restatements has no column report_date"):
            prepare_tables(con)
        assert con.execute("select count(*) from duckdb_tables() where schema_name = 'raw'").fetchone() == (0,)


def test_another_type_asks_for_a_rebuild() -> None:
    with duckdb.connect() as con:
        prepare_tables(con)
        con.execute("alter table raw.upn_keys alter upn_key type bigint; drop table ledger.schema_version")
        with pytest.raises(WarehouseOutdatedError, match=r"raw.upn_keys has another column upn_key"):
            prepare_tables(con)


def test_what_is_prepared_is_not_prepared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect() as con:
        prepare_tables(con)
        monkeypatch.setattr("pipelines.warehouse.schema._add_missing_columns", None)
        prepare_tables(con)
