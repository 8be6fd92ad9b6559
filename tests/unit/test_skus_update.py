"""Microsoft's table of product names, made into the list that every run reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner
from unit_tls import Answer, TlsStub

from pipelines.cli import app
from pipelines.imports.errors import RefusedFileError
from pipelines.imports.product_table import Product, parse_product_table, read_product_table
from pipelines.settings import SettingsError

HEADER = "Product_Display_Name,String_ Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names"
E3 = "05E9A617-0261-4CEE-BB44-138D3EF5D965"
VISIO = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
TABLE = (
    f"{HEADER}\r\n"
    f"Microsoft 365 E3\t,SPE_E3,{E3},OFFICESUBSCRIPTION,x,y\r\n"
    f"MICROSOFT 365 E3,SPE_E3,{E3.lower()},TEAMS1,x,y\r\n"
    f'Visio\u00a0Plan 2 \u2013 Médias,VISIOCLIENT ,{VISIO},VISIOONLINE,x,"a, b"\r\n'
    "A cut row,CUT\r\n"
    "No id,NOID,none,a,b,c\r\n"
)
PRODUCTS = [
    Product("SPE_E3", E3.lower(), "Microsoft 365 E3"),
    Product("VISIOCLIENT", VISIO, "Visio Plan 2 \u2013 Médias"),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_dirty_cells_and_repeated_rows_become_one_line_a_product(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(TABLE.encode(encoding))
    assert read_product_table(path) == PRODUCTS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html>Not found</html>", "no column product_display_name"),
        (f"{HEADER}\n", "names no product"),
        ("", "is not Microsoft's table"),
    ],
)
def test_another_file_is_refused(text: str, words: str) -> None:
    with pytest.raises(RefusedFileError, match=words):
        parse_product_table(text.encode(), Path("table.csv"))


def test_the_command_writes_the_list_and_says_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M365_RULES_DIR", str(tmp_path / "rules"))
    (tmp_path / "table.csv").write_bytes(TABLE.encode("cp1252"))
    first = CliRunner().invoke(app, ["skus", "update", "--file", str(tmp_path / "table.csv")])
    again = CliRunner().invoke(app, ["skus", "update", "--file", str(tmp_path / "table.csv")])
    assert "2 products, 2 of them new" in first.stderr
    assert "2 products, 0 of them new" in again.stderr
    lines = (tmp_path / "rules" / "product_names.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == [f"{p.sku_id},{p.sku_part_number},{p.product_name}" for p in PRODUCTS]


def test_it_is_downloaded_and_a_refusal_leaves_the_old_list(
    tmp_path: Path, stub: Callable[..., TlsStub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("M365_RULES_DIR", str(tmp_path))
    answers = iter([Answer(body=TABLE.encode()), Answer(status=404), Answer(body=b"<html>")])
    server = stub(lambda _: next(answers))
    monkeypatch.setenv("M365_CA_BUNDLE", str(server.bundle))
    url = f"{server.url}/table.csv"
    assert CliRunner().invoke(app, ["skus", "update", "--url", url]).exit_code == 0
    before = (tmp_path / "product_names.csv").read_bytes()
    for words in ("the server answered 404. Download the CSV by hand", "is not Microsoft's table"):
        refused = CliRunner().invoke(app, ["skus", "update", "--url", url])
        assert isinstance(refused.exception, SettingsError)
        assert words in str(refused.exception)
    assert (tmp_path / "product_names.csv").read_bytes() == before
    with pytest.raises(SettingsError, match="is no https address"):
        CliRunner().invoke(app, ["skus", "update", "--url", "http://localhost/x"], catch_exceptions=False)
