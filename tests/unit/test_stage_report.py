"""One pass over a report file: what is tolerated, what is refused, and what the packed rows say."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit_reports import APPS, HEADER, PACKED, REFRESH_DATE, packed_file, report, row

from pipelines.warehouse.bits import APP_BIT, PLATFORM_BITS
from pipelines.warehouse.errors import RefusedBodyError
from pipelines.warehouse.report_csv import FlagReader, read_shape
from pipelines.warehouse.stage_report import StagedReport, stage_report

ANNA, BEN = "anna@fabrikam.example", "ben@fabrikam.example"
APP_COLUMNS = [app.lower() for app in APPS]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


Stage = Callable[..., StagedReport]


@pytest.fixture
def stage(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Stage:
    def run(body: bytes, **options: bool) -> StagedReport:
        return stage_report(con, packed_file(tmp_path / "day.csv.zst", body), **options)

    return run


def staged(con: duckdb.DuckDBPyConnection) -> dict[str | None, tuple[int, ...]]:
    found = con.execute(f"select upn, {', '.join(APP_COLUMNS)} from staged").fetchall()
    return {upn: values for upn, *values in ((name, *rest) for name, *rest in found)}


def refusal(stage: Stage, body: bytes, **options: bool) -> str:
    with pytest.raises(RefusedBodyError) as caught:
        stage(body, **options)
    message = str(caught.value)
    assert "anna" not in message
    assert "fabrikam" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


# --- what a row means ---------------------------------------------------------------------------------------


def test_the_bits() -> None:
    assert APP_BIT == 16
    assert PLATFORM_BITS == {"windows": 1, "mac": 2, "mobile": 4, "web": 8}


def test_each_app_on_each_platform(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    cases = {f"{app}{where or 0}@x.example": (app, where) for app in APP_COLUMNS for where in PACKED}
    counted = stage(report(*(row(upn, **{app: where}) for upn, (app, where) in cases.items())))
    assert staged(con) == {
        upn: [PACKED[where] if name == app else 0 for name in APP_COLUMNS] for upn, (app, where) in cases.items()
    }
    assert counted.active_rows == len(cases) - len(APP_COLUMNS)


def test_counts_of_a_mixed_file(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    counted = stage(
        report(
            row(ANNA, outlook="wb", teams="p"),
            row(BEN),
            row("(Unknown)", word="w"),
            row(""),
            row("0123456789ABCDEF0123456789ABCDEF", excel="m"),
            row("carla@fabrikam.example", onenote="-"),
        )
    )
    assert counted == StagedReport(
        rows=6,
        active_rows=4,
        unknown_rows=2,
        concealed_rows=1,
        duplicate_rows=0,
        flag_disagreements=1,
        report_refresh_date=date.fromisoformat(REFRESH_DATE),
    )
    assert staged(con)[ANNA] == [25, 0, 0, 0, 0, 20]


def test_the_app_flag_wins_over_the_platform_flags(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    platforms_without_app = row(ANNA, cells={"Word (Windows)": "Yes", "Word (Mac)": "Yes"})
    app_without_platforms = row(BEN, cells={"Excel": "Yes"})
    counted = stage(report(platforms_without_app, app_without_platforms, row("c@x.example", outlook="w")))
    assert staged(con)[ANNA] == [0] * 6
    assert staged(con)[BEN] == [0, 0, 16, 0, 0, 0]
    assert (counted.flag_disagreements, counted.active_rows) == (2, 2)


def test_the_platform_columns_of_all_apps_together_make_nobody_active(
    stage: Stage, con: duckdb.DuckDBPyConnection
) -> None:
    counted = stage(report(row(ANNA, cells={"Windows": "Yes", "Web": "Yes", "Last Activity Date": "2026-08-29"})))
    assert staged(con)[ANNA] == [0] * 6
    assert (counted.active_rows, counted.flag_disagreements) == (0, 0)


@pytest.mark.parametrize("unknown", ["(Unknown)", "(unknown)", " (UNKNOWN) ", "", "   "])
def test_rows_that_name_nobody(stage: Stage, con: duckdb.DuckDBPyConnection, unknown: str) -> None:
    counted = stage(report(row(unknown, outlook="b"), row(unknown, outlook="b"), row(unknown), row(ANNA)))
    assert (counted.rows, counted.unknown_rows, counted.duplicate_rows, counted.concealed_rows) == (4, 3, 0, 0)
    assert con.execute("select count(*) from staged where upn is null").fetchone() == (3,)


@pytest.mark.parametrize("written", ["Anna@Fabrikam.Example", " ANNA@FABRIKAM.EXAMPLE ", ANNA])
def test_upns_are_folded(stage: Stage, con: duckdb.DuckDBPyConnection, written: str) -> None:
    stage(report(row(written, word="w")))
    assert list(staged(con)) == [ANNA]


@pytest.mark.parametrize(
    ("upn", "is_concealed"),
    [
        ("0123456789ABCDEF0123456789ABCDEF", True),
        ("0123456789abcdef0123456789abcdef", True),
        ("<PII:H105(AAAA)>@fabrikam.example", True),
        ("no-at-sign", True),
        ("0123456789ABCDEF0123456789ABCDEF@fabrikam.example", False),
        ("ABCDEF@fabrikam.example", False),
        ("o'hara_partner.com#EXT#@fabrikam.onmicrosoft.example", False),
    ],
)
def test_concealed_names(stage: Stage, con: duckdb.DuckDBPyConnection, upn: str, is_concealed: bool) -> None:
    counted = stage(report(row(upn, outlook="b")))
    assert counted.concealed_rows == int(is_concealed)
    assert counted.is_concealed is is_concealed
    assert con.execute("select is_concealed from staged").fetchone() == (is_concealed,)


@pytest.mark.parametrize(
    ("concealed", "named", "unknown", "expected"),
    [(3, 2, 0, True), (2, 3, 0, False), (2, 2, 0, False), (1, 0, 9, True), (0, 0, 3, False), (0, 0, 0, False)],
)
def test_a_file_is_concealed_when_most_of_its_names_are(
    stage: Stage, concealed: int, named: int, unknown: int, expected: bool
) -> None:
    rows = [row(f"{n:032X}") for n in range(concealed)]
    rows += [row(f"p{n}@x.example") for n in range(named)] + [row("(Unknown)")] * unknown
    assert stage(report(*rows)).is_concealed is expected


def test_duplicate_rows_are_merged(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    counted = stage(
        report(
            row(ANNA, outlook="w", word="m"),
            row(ANNA.upper(), outlook="b", teams="p"),
            row(BEN, word="w"),
            row("(Unknown)", word="w"),
            row("(Unknown)", word="w"),
            row(ANNA),
        )
    )
    assert (counted.rows, counted.duplicate_rows, counted.unknown_rows) == (6, 2, 2)
    assert staged(con)[ANNA] == [25, 18, 0, 0, 0, 20]
    assert con.execute("select count(*) from staged").fetchone() == (4,)


# --- what is tolerated in a file ----------------------------------------------------------------------------


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_mark_line_ends_and_quotes(
    stage: Stage, con: duckdb.DuckDBPyConnection, line_end: str, mark: bool, quoting: int
) -> None:
    rows = [row(ANNA, outlook="b"), row(BEN, word="w")]
    assert stage(report(*rows, line_end=line_end, mark=mark, quoting=quoting)).rows == 2
    assert staged(con) == {ANNA: [24, 0, 0, 0, 0, 0], BEN: [0, 17, 0, 0, 0, 0]}


@pytest.mark.parametrize(
    "upn",
    [
        'quote"in@fabrikam.example',
        "comma,in@fabrikam.example",
        "line\r\nin@fabrikam.example",
        "line\nin@fabrikam.example",
        "semi;colon@fabrikam.example",
        "back\\slash@fabrikam.example",
        "#hash@fabrikam.example",
        "</script><b>@fabrikam.example",
        "';drop table staged;--@fabrikam.example",
        "=cmd|'/c calc'!a1@fabrikam.example",
        "😀\u202egnirts@fabrikam.example",
        "jürgen.øst@fabrikam.example",
        "x" * 5000 + "@fabrikam.example",
    ],
    ids=lambda upn: ascii(upn[:12]),
)
def test_hostile_names_are_data(stage: Stage, con: duckdb.DuckDBPyConnection, upn: str) -> None:
    stage(report(row(upn, outlook="b"), row(ANNA, word="w")))
    assert staged(con) == {upn.lower(): [24, 0, 0, 0, 0, 0], ANNA: [0, 17, 0, 0, 0, 0]}


def test_columns_in_another_order(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    rows = [row(ANNA, outlook="w", teams="b"), row(BEN, excel="p")]
    stage(report(*rows, columns=list(reversed(HEADER))))
    assert staged(con) == {ANNA: [17, 0, 0, 0, 0, 24], BEN: [0, 0, 20, 0, 0, 0]}


def test_new_columns(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    columns = ["Tenant", *HEADER[:9], "New Outlook", 'It\'s "odd", really', *HEADER[9:], "outlook (vision)", "upn"]
    extra = {
        "New Outlook": "Yes",
        'It\'s "odd", really': "a,b",
        "Tenant": "x",
        "upn": "nobody",
        "outlook (vision)": "?",
    }
    counted = stage(report(row(ANNA, word="w", cells=extra), columns=columns))
    assert staged(con) == {ANNA: [0, 17, 0, 0, 0, 0]}
    assert counted.rows == 1


def test_a_comma_at_the_end_of_every_line(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    stage(report(row(ANNA, word="w"), columns=[*HEADER, ""]))
    assert staged(con) == {ANNA: [0, 17, 0, 0, 0, 0]}


def test_white_space_in_column_names(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    odd = [f"  {name.replace(' ', '  ')}\t" for name in HEADER]
    stage(report(row(ANNA, word="w"), header=odd))
    assert staged(con) == {ANNA: [0, 17, 0, 0, 0, 0]}


def test_blank_lines(stage: Stage) -> None:
    body = report(row(ANNA), row(BEN)).replace(b"\r\n", b"\r\n\r\n")
    assert stage(body).rows == 2


def test_flag_cells(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    yes = ["Yes", "yes", "YES", "True", "TRUE", " true "]
    no = ["No", "NO", "no", "False", "false", "", "  "]
    stage(report(*(row(f"u{n}@x", cells={"Word": cell, "Word (Mac)": cell}) for n, cell in enumerate(yes + no))))
    found = staged(con)
    assert [found[f"u{n}@x"][1] for n in range(len(yes + no))] == [18] * len(yes) + [0] * len(no)


@pytest.mark.parametrize("cell", ["Yes", "No", ""])
def test_the_cells_that_microsoft_sends_are_read_in_one_pass(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, cell: str
) -> None:
    monkeypatch.setattr("pipelines.warehouse.stage_report.FlagReader", _OnlyExact)
    assert stage(report(row(ANNA, cells={"Word": cell}))).rows == 1


class _OnlyExact(FlagReader):
    def __post_init__(self) -> None:
        assert not self.is_tolerant, "a second, dearer pass over the file"


def test_a_file_of_true_and_false(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    body = report(row(ANNA, outlook="b", word="wm", excel="p")).replace(b"Yes", b"True").replace(b"No,", b"False,")
    body = body.replace(b"No\r\n", b"False\r\n")
    stage(body)
    assert staged(con) == {ANNA: [24, 19, 20, 0, 0, 0]}


def test_quoted_empty_flags(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    body = report(row(ANNA, outlook="b", cells={"Word": ""}), quoting=csv.QUOTE_ALL)
    assert b',"",' in body
    stage(body)
    assert staged(con) == {ANNA: [24, 0, 0, 0, 0, 0]}


@pytest.mark.parametrize(
    ("written", "meant"),
    [("2026-08-29", date(2026, 8, 29)), ("2026-08-29T00:00:00Z", date(2026, 8, 29)), ("", None), ("soon", None)],
)
def test_dates(stage: Stage, con: duckdb.DuckDBPyConnection, written: str, meant: date | None) -> None:
    cells = {"Report Refresh Date": written, "Last Activity Date": written, "Last Activation Date": written}
    assert stage(report(row(ANNA, cells=cells)), with_dates=True).report_refresh_date == meant
    found = con.execute("select last_activation_date, last_activity_date from staged").fetchone()
    assert found == (meant, meant)


def test_duplicates_of_a_period_keep_their_newest_dates(stage: Stage, con: duckdb.DuckDBPyConnection) -> None:
    old = row(ANNA, cells={"Last Activity Date": "2026-08-01", "Last Activation Date": "2025-01-01"})
    new = row(ANNA, cells={"Last Activity Date": "2026-08-20"})
    stage(report(old, new), with_dates=True)
    found = con.execute("select last_activation_date, last_activity_date from staged").fetchall()
    assert found == [(date(2025, 1, 1), date(2026, 8, 20))]


def test_a_header_alone_is_a_report_without_rows(stage: Stage) -> None:
    assert stage(report()) == StagedReport(0, 0, 0, 0, 0, 0, None)


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The report is empty, without even a header line."),
        (b"\xef\xbb\xbf", "The report is empty, without even a header line."),
        (b"\r\n \r\n", "The report is empty, without even a header line."),
        (b"<!DOCTYPE html><html><body>anna</body></html>\n", "The answer is an HTML page, not a CSV report."),
        (b"\n\n  <html>\n", "The answer is an HTML page, not a CSV report."),
        (b'{"error":{"code":"x","message":"anna"}}\n', "The answer is JSON, not a CSV report."),
        (b"[1]\n", "The answer is JSON, not a CSV report."),
        (report()[:-2], "The report breaks off inside its header line."),
        (b"\n" + report(row(ANNA)), "The report lacks 32 of its columns"),
        (report(row(ANNA)).decode("utf-8-sig").encode("utf-16"), "header line of the report cannot be read"),
        (report(row(ANNA)).replace(b",", b";"), "The report lacks 32 of its columns"),
    ],
)
def test_what_is_no_report(stage: Stage, body: bytes, words: str) -> None:
    assert words in refusal(stage, body)


@pytest.mark.parametrize("missing", ["User Principal Name", "Report Refresh Date", "Teams", "OneNote (Mac)"])
def test_a_missing_column_is_named(stage: Stage, missing: str) -> None:
    columns = [name for name in HEADER if name != missing]
    assert refusal(stage, report(row(ANNA), columns=columns)) == f"The report lacks 1 of its columns: {missing}."


@pytest.mark.parametrize("missing", ["Windows", "Web", "Report Period", "Last Activation Date", "Last Activity Date"])
def test_columns_that_are_not_needed_may_be_missing(stage: Stage, missing: str) -> None:
    columns = [name for name in HEADER if name != missing]
    assert stage(report(row(ANNA), columns=columns)).rows == 1


def test_a_period_report_needs_its_dates(stage: Stage) -> None:
    columns = [name for name in HEADER if name != "Last Activity Date"]
    assert "Last Activity Date" in refusal(stage, report(row(ANNA), columns=columns), with_dates=True)


@pytest.mark.parametrize("name", ["Word", "word", " Word", "Report Period", "REPORT PERIOD"])
def test_a_column_that_stands_twice_is_named(stage: Stage, name: str) -> None:
    message = refusal(stage, report(row(ANNA), header=[*HEADER, name], columns=[*HEADER, "Word"]))
    assert message.startswith("The report has columns twice: ")
    assert name.strip() in message


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        ("Y", "Outlook"),
        ("N", "Teams (Web)"),
        ("1", "Excel (Mobile)"),
        ("maybe", "OneNote (Mac)"),
        ("Yes,", "Outlook"),
        ("NULL", "Teams"),
    ],
)
def test_a_strange_cell_is_refused(stage: Stage, cell: str, column: str) -> None:
    body = report(row(BEN), row(ANNA, cells={column: cell}), row(BEN, outlook="w"))
    assert refusal(stage, body) == "The report has 1 cells that are neither Yes, No, True, False nor empty."


def test_strange_cells_are_counted_also_beside_tolerated_ones(stage: Stage) -> None:
    cells = {"Word": "maybe", "Excel": "perhaps", "Teams": "TRUE"}
    assert "has 2 cells" in refusal(stage, report(row(ANNA, cells=cells)))


def test_a_ragged_row_is_told_by_its_line(stage: Stage) -> None:
    whole = report(row(BEN), row(ANNA), row(BEN))
    lines = whole.split(b"\r\n")
    fewer = b"\r\n".join([*lines[:2], lines[2].rpartition(b",")[0], *lines[3:]])
    more = b"\r\n".join([*lines[:2], lines[2] + b",No", *lines[3:]])
    assert refusal(stage, fewer) == (
        "The report cannot be read as CSV at line 3: expected number of columns: 39 found: 38."
    )
    assert refusal(stage, more) == (
        "The report cannot be read as CSV at line 3: expected number of columns: 39 found: 40."
    )


@pytest.mark.parametrize("cut", [3, 5, 8, 40, 120])
def test_a_file_cut_inside_its_last_line_is_refused(stage: Stage, cut: int) -> None:
    """A cut between the last comma and the line end cannot be seen here: the record tells of it."""
    refusal(stage, report(row(BEN, outlook="w"), row(ANNA, outlook="w"))[:-cut])


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_an_open_quote_is_refused(stage: Stage, line_end: str) -> None:
    body = report(row(BEN), row("QUOTE"), row(ANNA), line_end=line_end).replace(b"QUOTE", b'"anna')
    assert refusal(stage, body).startswith("The report cannot be read as CSV")


def test_line_ends_that_change_are_refused(stage: Stage) -> None:
    refusal(stage, report(row(ANNA), row(BEN)).replace(b"\r\n", b"\n", 2))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_another_encoding_is_refused(stage: Stage, encoding: str) -> None:
    body = report(row("annaé@fabrikam.example"), mark=False).decode().encode(encoding)
    assert refusal(stage, body).startswith("The report cannot be read as CSV at line 2")


@pytest.mark.parametrize("damage", ["flipped", "not packed", "random"])
def test_a_damaged_file_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path, damage: str) -> None:
    body = report(*(row(f"user{n}@fabrikam.example", outlook="b") for n in range(5000)))
    path = packed_file(tmp_path / "x.csv.zst", body)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes({"flipped": bytes(content), "not packed": body, "random": os.urandom(99)}[damage])
    with pytest.raises(RefusedBodyError, match="The landed file is damaged"):
        stage_report(con, path)


def test_trouble_of_the_machine_is_no_refusal(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A file that cannot be opened must not be judged, or a day would be lost for good."""
    with pytest.raises(OSError, match="nothing-here"):
        stage_report(con, tmp_path / "nothing-here.csv.zst")


def test_a_file_that_vanishes_under_the_reader_is_no_refusal(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed_file(tmp_path / "x.csv.zst", report(row(ANNA)))
    shape = read_shape(path, ())
    path.unlink()
    monkeypatch.setattr("pipelines.warehouse.stage_report.read_shape", lambda *_: shape)
    with pytest.raises(duckdb.IOException, match="No files found"):
        stage_report(con, path)


# --- against an independent reading -------------------------------------------------------------------------

uses = st.fixed_dictionaries({app: st.sampled_from(["", "", "w", "b", "wb", "wmpb", "-"]) for app in APP_COLUMNS})
names = st.sampled_from(["Anna", "anna", "BEN", "carla", "(Unknown)", "", "0123456789ABCDEF0123456789ABCDEF"])


@given(st.lists(st.tuples(names, uses), max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_as_python_reads_it(stage: Stage, con: duckdb.DuckDBPyConnection, rows: list, random) -> None:
    made = [
        row(name if name in ("", "(Unknown)") or len(name) > 9 else f"{name}@x.example", **use) for name, use in rows
    ]
    columns = random.sample(HEADER, len(HEADER))
    counted = stage(report(*made, columns=columns))
    expected: dict[str | None, list[int]] = {}
    unknown = []
    for item, (_, use) in zip(made, rows, strict=True):
        upn = item["User Principal Name"].lower()
        values = [PACKED[use[app]] for app in APP_COLUMNS]
        if upn in ("", "(unknown)"):
            unknown.append(values)
        else:
            expected[upn] = [a | b for a, b in zip(expected.get(upn, [0] * 6), values, strict=True)]
    found = con.execute(f"select upn, {', '.join(APP_COLUMNS)} from staged").fetchall()
    assert {upn: values for upn, *values in found if upn is not None} == expected
    assert sorted(values for upn, *values in found if upn is None) == sorted(unknown)
    assert counted.rows == len(rows)
    assert counted.unknown_rows == len(unknown)
    assert counted.active_rows == sum(any(use.values()) for _, use in rows)
    assert counted.duplicate_rows == len(rows) - len(unknown) - len(expected)
    assert counted.flag_disagreements == sum("-" in use.values() for _, use in rows)
