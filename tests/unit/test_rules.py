"""Thresholds, and the user's own lists beside them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from unit_import import empty_warehouse

from pipelines.defs.transform.project import dbt_variables
from pipelines.rules import Rules, load_rules
from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.errors import OwnListError
from pipelines.warehouse.own_lists import load_own_lists

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
DBT_PROJECT = ROOT / "dbt_project" / "dbt_project.yml"
EXAMPLES = ROOT / "docs" / "rules"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as con:
        yield con


def loaded(con: duckdb.DuckDBPyConnection, folder: Path, name: str, text: str | bytes) -> list[tuple[object, ...]]:
    """What stands in the raw table after a file was loaded, by tenant and first words."""
    path = folder / f"{name}.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    load_own_lists(con, folder)
    return con.execute(f"from raw.{name} order by all").fetchall()


def refusal(con: duckdb.DuckDBPyConnection, folder: Path, name: str, text: str) -> str:
    with pytest.raises(OwnListError) as refused:
        loaded(con, folder, name, text)
    return str(refused.value)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_rules(tmp_path) == Rules()


def test_defaults_are_those_of_the_dbt_project() -> None:
    variables = yaml.safe_load(DBT_PROJECT.read_text(encoding="utf-8"))["vars"]
    assert Rules().model_dump() == {name: variables[name] for name in Rules.model_fields}


def test_with_the_defaults_dbt_is_given_no_variables_and_need_not_parse_anew(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, rules_dir=tmp_path)
    assert dbt_variables(settings) == {}
    (tmp_path / "rules.toml").write_text("idle_days = 60\n", encoding="utf-8")
    assert dbt_variables(settings).keys() == {"idle_days", "rule_version"}


def test_a_threshold_changes_the_version_that_evidence_is_marked_with(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("idle_days = 60\nreconciliation_tolerance = 0\n", encoding="utf-8")
    rules = load_rules(tmp_path)
    assert (rules.idle_days, rules.reconciliation_tolerance, rules.grace_days) == (60, 0, 30)
    assert rules.version != Rules().version
    assert rules.dbt_variables()["rule_version"] == rules.version


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("idle_day = 60", "idle_day: is no setting; there are idle_days"),
        ("idle_days = 1", "idle_days: Input should be greater than or equal to 7"),
        ('idle_days = "60"', "idle_days: Input should be a valid integer"),
        ("idle_days = ", "cannot be read"),
    ],
)
def test_wrong_thresholds_are_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "rules.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_rules(tmp_path)
    assert words in str(refused.value)
    assert "rules.toml" in str(refused.value)


def test_prices_are_read_as_amounts_of_money(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = (
        "sku,price,currency,per,valid_from,tenant_id\n"
        "SPE_E3,34.20,eur,Month,,\n"
        "# what the reseller charges from July on\n"
        "spe_e3,36,EUR,month,2026-07-01,\n"
        "VISIOCLIENT,180,EUR,year,,Contoso-Tenant\n"
    )
    assert set(loaded(con, tmp_path, "prices", text)) == {
        ("contoso-tenant", "visioclient", Decimal(180), "EUR", "year", None),
        (None, "spe_e3", Decimal("34.2"), "EUR", "month", None),
        (None, "spe_e3", Decimal(36), "EUR", "month", date(2026, 7, 1)),
    }


def test_a_spreadsheet_with_semicolons_and_decimal_commas_is_read(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert loaded(con, tmp_path, "prices", "\ufeffSKU;Price;Currency;Per\r\nSPE_E5;54,75;CHF;month\r\n") == [
        (None, "spe_e5", Decimal("54.75"), "CHF", "month", None)
    ]
    assert loaded(
        con, tmp_path, "allow_list", "user_name;reason\nJosé@contoso.com;Elternzeit für J\u00f6rg\n".encode("cp1252")
    ) == [(None, "josé@contoso.com", None, "keep", "Elternzeit für Jörg", None)]


def test_the_examples_of_the_documentation_are_read(con: duckdb.DuckDBPyConnection) -> None:
    assert load_own_lists(con, EXAMPLES) == {
        "prices.csv": 3,
        "allow_list.csv": 3,
        "renames.csv": 1,
        "product_names.csv": 0,
    }
    assert con.execute("select max(price) from raw.prices where valid_from is null and per = 'month'").fetchone() == (
        33,
    )
    assert load_rules(EXAMPLES) == Rules()
    assert set(tomllib.loads((EXAMPLES / "rules.toml").read_text(encoding="utf-8"))) == set(Rules.model_fields)


def test_lines_are_numbered_as_in_an_editor(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = "# prices\n\nsku,price,currency,per\nA,1,EUR,month\n# more\nB,x,EUR,month\n"
    assert "line 6: price 'x'" in refusal(con, tmp_path, "prices", text)


def test_a_file_that_is_gone_empties_its_table(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert loaded(con, tmp_path, "renames", "old_upn,new_upn,renamed_on\nA@x.com,B@x.com,2026-05-01\n") == [
        (None, "a@x.com", "b@x.com", date(2026, 5, 1))
    ]
    (tmp_path / "renames.csv").unlink()
    load_own_lists(con, tmp_path)
    assert con.execute("from raw.renames").fetchall() == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("prices", "sku,price,currency\nA,1,EUR\n", "the header is missing per"),
        ("prices", "sku,price,currency,per,note\nA,1,EUR,month,x\n", "the header has note"),
        ("prices", "sku,price,currency,per\nA,1,EUR,month\nB,cheap,EUR,month\n", "line 3: price 'cheap' is not"),
        ("prices", "sku,price,currency,per\nA,-1,EUR,month\n", "line 2: price '-1' is not an amount from 0 up"),
        ("prices", "sku,price,currency,per\nA,nan,EUR,month\n", "line 2: price 'nan'"),
        ("prices", 'sku,price,currency,per\nA,"1,50",EUR,month\n', "line 2: price '1,50' is not an amount"),
        ("prices", "sku,price,currency,per\nA,1,Euro,month\n", "line 2: currency 'Euro' is not a currency code"),
        ("prices", "sku,price,currency,per\nA,1,EUR,week\n", "line 2: per 'week' is neither month nor year"),
        ("prices", "sku,price,currency,per\n,1,EUR,month\n", "line 2: sku is empty"),
        ("prices", "sku,price,currency,per\nA,1,EUR,month\na,2,EUR,month\n", "as line 2. Keep one of them"),
        ("prices", "sku,price,currency,per\nA,1,EUR,month,2026-01-01\n", "line 2: has 5 cells for 4 columns"),
        ("renames", "old_upn,new_upn,renamed_on\na,b,01.05.2026\n", "'01.05.2026' is not a date such as 2026-01-31"),
        ("allow_list", "user_name,kind\na@x.com,boss\n", "kind 'boss' is none of keep, shared_mailbox"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_nothing_changes(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / "product_names.csv").write_text("sku_id,sku_part_number,product_name\nx,X,Ex\n", encoding="utf-8")
    load_own_lists(con, tmp_path)
    (tmp_path / "product_names.csv").write_text("sku_id,sku_part_number,product_name\ny,Y,Why\n", encoding="utf-8")
    message = refusal(con, tmp_path, name, text)
    assert words in message
    assert str(tmp_path / f"{name}.csv") in message
    assert con.execute("from raw.product_names").fetchall() == [("x", "X", "Ex")]
