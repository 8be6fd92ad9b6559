"""The action log in the warehouse: whole, once, without secrets, and without the forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from unit_import import empty_warehouse

from pipelines.actions.log import ActionLog, Outcome, Who
from pipelines.actions.plan import Plan, Step, Target, in_order
from pipelines.actions.planning.making import make_plan, make_step
from pipelines.warehouse.forgotten import Forgotten, PersonName
from pipelines.warehouse.load_actions import load_action_log
from pipelines.warehouse.schema import prepare_tables

TENANT = "11111111-2222-3333-4444-555555555555"
ANA = Target(user_id="a0000000-1111-4222-8333-444444444444", user_principal_name="Ana@fabrikam.example")
WHO = Who("app", os_user="nina", host="here")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as con:
        yield con


def a_plan() -> Plan:
    steps: list[Step] = [
        make_step("remove_license", ANA, {"sku_id": "SKU-1"}, reason="idle", saving=Decimal("9.50"), currency="EUR"),
        make_step("remove_group_membership", ANA, {"group_id": "g"}, reason="idle"),
    ]
    return make_plan(TENANT, {"kind": "reclaimable"}, in_order(steps))


def written(folder: Path) -> Plan:
    """A log with both steps of a plan, the first of them tried twice."""
    plan, log = a_plan(), ActionLog(folder)
    first, second = plan.steps
    log.intent(plan, first, WHO, {"is_direct": True}, "c1")
    log.outcome(plan, first, WHO, Outcome.FAILED, after={}, detail="No.", request_id="r1")
    log.intent(plan, first, WHO, {"is_direct": True}, "c2")
    log.progress(plan, first, WHO, {"monitor": "https://copy.example/secret"})
    log.outcome(plan, first, WHO, Outcome.DONE, after={"is_direct": False}, detail=None, request_id="r2")
    log.intent(plan, second, WHO, {"is_member": True, "group_licenses": ["B", "a"]}, "c3")
    return plan


def rows(con: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(f"select {columns} from raw.action_log order by logged_at").fetchall()


def test_every_line_about_a_step_is_one_row_however_often_it_is_loaded(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    plan = written(tmp_path)
    assert load_action_log(con, tmp_path) == 5
    once = rows(con, "*")
    assert load_action_log(con, tmp_path) == 5
    assert rows(con, "*") == once
    assert rows(con, "step_id, kind, outcome, sku_ids, group_id, request_id, monthly_saving, os_user") == [
        ("001", "intent", None, ["sku-1"], None, None, Decimal("9.5"), "nina"),
        ("001", "outcome", "failed", ["sku-1"], None, "r1", Decimal("9.5"), "nina"),
        ("001", "intent", None, ["sku-1"], None, None, Decimal("9.5"), "nina"),
        ("001", "outcome", "done", ["sku-1"], None, "r2", Decimal("9.5"), "nina"),
        ("002", "intent", None, ["a", "b"], "g", None, None, "nina"),
    ]
    assert {row[0] for row in rows(con, "plan_digest")} == {plan.digest}
    assert "secret" not in str(once)


def test_without_a_log_there_are_no_rows(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    written(tmp_path / "log")
    load_action_log(con, tmp_path / "log")
    assert load_action_log(con, tmp_path / "none") == 0
    assert rows(con, "*") == []


def test_lines_that_are_none_are_passed_over(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    written(tmp_path)
    (path,) = tmp_path.glob("*.jsonl")
    lines = [b'{"kind": "outcome", "tena', b"[1]", b'{"kind": "outcome"}']
    strange = {**json.loads(path.read_text().splitlines()[1]), "at": "yesterday", "monthly_saving": "much"}
    path.write_bytes(path.read_bytes() + b"\n".join([*lines, json.dumps(strange).encode()]) + b"\n")
    assert load_action_log(con, tmp_path) == 5


def test_of_the_forgotten_only_the_fact_is_loaded(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    written(tmp_path)
    forgotten = Forgotten.of([PersonName(TENANT, "ana@fabrikam.example")])
    assert load_action_log(con, tmp_path, forgotten) == 5
    text = str(rows(con, "*")).lower()
    assert "ana@" not in text
    assert ANA.user_id not in text
    assert [row[0] for row in rows(con, "outcome")] == [None, "failed", None, "done", None]


def test_a_warehouse_from_before_gets_the_table(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        prepare_tables(con)
        con.execute("drop table raw.action_log; update ledger.schema_version set digest = 'older'")
        prepare_tables(con)
        written(tmp_path)
        assert load_action_log(con, tmp_path) == 5
