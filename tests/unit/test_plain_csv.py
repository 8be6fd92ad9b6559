"""The quick way through a report is taken for what Microsoft sends, and for nothing that it would misread."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import zstandard

from pipelines.simulator.columns import USER_DETAIL_COLUMNS, flag_cells, use_mask
from pipelines.warehouse.plain_csv import stage_plain
from pipelines.warehouse.report_csv import read_shape

HEADER = "\ufeff" + ",".join(USER_DETAIL_COLUMNS)
NONE = flag_cells(0)
WORD = flag_cells(use_mask("Word", "Mac"))


def take(folder: Path, *rows: str, header: str = HEADER, body_bytes: int | None = None, end: str = "\r\n") -> bool:
    body = "".join(line + end for line in (header, *rows)).encode()
    path = folder / "report.csv.zst"
    path.write_bytes(zstandard.compress(body))
    with duckdb.connect() as con:
        return stage_plain(con, path, read_shape(path, ()), "", body_bytes)


def row(name: str, cells: str = WORD) -> str:
    return f"2026-10-28,{name},2026-01-02,,,{cells}"


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_what_microsoft_sends(tmp_path: Path, end: str) -> None:
    assert take(tmp_path, row("ann@x.com"), row("(Unknown)", NONE), row("", NONE), row("jürgen@x.com"), end=end)


@pytest.mark.parametrize("cell", ["Y", "n", "1", "0", "true", "False", "t", "", "maybe", "Yes "])
def test_other_flags_are_left_to_the_reader_of_text(tmp_path: Path, cell: str) -> None:
    assert not take(tmp_path, row("ann@x.com"), row("bob@x.com", cell + WORD[WORD.index(",") :]))


def test_quotes_blank_lines_and_headers_alone_are_left_too(tmp_path: Path) -> None:
    assert not take(tmp_path, row('"o,brien@x.com"'))
    assert not take(tmp_path, row("ann@x.com"), "")
    assert not take(tmp_path, row("ann@x.com") + ",")
    assert not take(tmp_path)


def test_a_size_that_is_not_the_body_s_is_seen(tmp_path: Path) -> None:
    size = len((HEADER + "\r\n" + row("ann@x.com") + "\r\n").encode())
    assert take(tmp_path, row("ann@x.com"), body_bytes=size)
    assert not take(tmp_path, row("ann@x.com"), body_bytes=size + 1)
