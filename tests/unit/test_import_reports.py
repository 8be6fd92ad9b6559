"""Importing usage reports: which day or period a file is of, odd encodings and columns, hostile cells."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from unit_import import TODAY, Desk, empty_warehouse, shuffled
from unit_reports import APPS, HEADER, PACKED, people, report, row

from pipelines.imports.errors import RefusedFileError
from pipelines.imports.items import ImportOptions
from pipelines.imports.report_files import ReportFacts, day_or_period
from pipelines.warehouse.records import FetchRecord

DAY = "2026-10-26"
DAY_NAME = f"getM365AppUserDetail_{DAY}.csv"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with empty_warehouse() as con:
        yield Desk(tmp_path, con)


def used(name: str, refresh: str = DAY, period: str = "", **use: str) -> dict[str, str]:
    return row(name, cells={"Report Refresh Date": refresh, "Report Period": period}, **use)


def only_record(desk: Desk) -> FetchRecord:
    (record,) = desk.records()
    return record


# --- which day ------------------------------------------------------------------------------------------------


def options(**said: object) -> ImportOptions:
    day = said.pop("day", None)
    return ImportOptions("t", TODAY, day=date.fromisoformat(str(day)) if day else None, **said)  # type: ignore[arg-type]


def facts(*periods: int, refresh: str | None = "2026-10-28", rows: int = 5) -> ReportFacts:
    return ReportFacts(rows, periods, date.fromisoformat(refresh) if refresh else None, ("iso",))


@pytest.mark.parametrize(
    ("name", "found", "said", "expected"),
    [
        ("report.csv", facts(), {"day": DAY}, DAY),
        ("report_2026-10-12.csv", facts(), {}, "2026-10-12"),
        ("report_2026-10-12.csv", facts(), {"day": DAY}, DAY),
        ("report_2026-10-12.csv", facts(1), {}, "2026-10-12"),
        ("report_2026-10-12.csv", facts(refresh=None, rows=0), {}, "2026-10-12"),
        ("report.csv", facts(7), {}, "D7"),
        ("report.csv", facts(180), {}, "D180"),
        # Named after its download, on which its data had not come yet.
        ("report_2026-10-30.csv", facts(30), {}, "D30"),
        ("2026-10-01_2026-10-28.csv", facts(30), {}, "D30"),
        ("report.csv", facts(7), {"day": DAY, "as_day": True}, DAY),
        ("report_2026-10-12.csv", facts(30), {"as_day": True}, "2026-10-12"),
        ("report.csv", facts(refresh="2026-10-20"), {"day": DAY, "as_day": True}, DAY),
    ],
)
def test_day_or_period(name: str, found: ReportFacts, said: dict[str, object], expected: str) -> None:
    assert str(day_or_period(Path(name), found, options(**said))) == expected


@pytest.mark.parametrize(
    ("name", "found", "said", "words"),
    [
        ("report.csv", facts(), {}, "of one day, but of which? (neither its name nor"),
        ("report.csv", facts(), {}, "Say so with --date"),
        ("2026-10-01_2026-10-28.csv", facts(), {}, "several dates stand in its name"),
        ("report.csv", facts(rows=0, refresh=None), {}, "of which?"),
        ("report.csv", facts(30), {"day": DAY}, "a summary of 30 days by its Report Period, not the report of one day"),
        ("report_2026-10-12.csv", facts(30), {}, "has 2026-10-12 in its name, but is a summary of 30 days"),
        ("report.csv", facts(30), {"as_day": True}, "of which?"),
        ("report.csv", facts(7, 30), {}, "several report periods: 7, 30"),
        ("report.csv", facts(), {"day": "2026-10-29"}, "its data end on 2026-10-28"),
        ("report.csv", facts(), {"day": "2026-10-30"}, "that day is not over yet"),
        ("report_2027-01-01.csv", facts(), {}, "that day is not over yet"),
    ],
)
def test_neither_day_nor_period(name: str, found: ReportFacts, said: dict[str, object], words: str) -> None:
    with pytest.raises(RefusedFileError) as refusal:
        day_or_period(Path(name), found, options(**said))
    assert words in str(refusal.value)


# --- what is landed --------------------------------------------------------------------------------------------


def test_a_day_lands_as_a_fetch_would(desk: Desk) -> None:
    body = report(used("Zoe@Fabrikam.example", outlook="wb", teams="p"), used("idle@fabrikam.example"))
    (thing,) = desk.bring(desk.file(DAY_NAME, body))
    assert (thing.item.what, thing.item.day, thing.item.rows) == ("use per person of one day", DAY, (2,))
    record = only_record(desk)
    assert (record.source, str(record.report_date), record.report_period) == ("getM365AppUserDetail", DAY, None)
    assert (record.cloud, record.requests, record.outcome, record.is_complete) == ("import", 0, "ok", True)
    assert (record.http_status, record.run_id, record.as_of) == (None, None, TODAY)
    assert desk.landing.read_body(desk.landing.all_fetches()[0]) == body, "as Microsoft sent it, byte for byte"
    assert desk.used(DAY) == {"zoe@fabrikam.example": (PACKED["wb"], 0, 0, 0, 0, PACKED["p"])}
    assert (desk.landing.body_path(record).stat().st_mode & 0o777) == 0o600
    assert not list(desk.folder.glob(".import-*")), "nothing is left of the rehearsal"


ROWS = [
    used("zoe@fabrikam.example", outlook="wb", word="m", teams="p"),
    used("o'hara+tag@fabrikam.example", excel="wmpb", onenote="b"),
    used("(Unknown)", powerpoint="w"),
    used("idle@fabrikam.example"),
]
STORED = {
    "zoe@fabrikam.example": (25, 18, 0, 0, 0, 20),
    "o'hara+tag@fabrikam.example": (0, 0, 31, 0, 24, 0),
}
UTC_HEADER = [name + " (UTC)" if name.startswith("Last ") else name for name in HEADER]
EXTRA = [*HEADER[:2], "Display Name", "New Outlook (Windows)", *HEADER[2:], "New Outlook (Mac)", "New Outlook (Mac)"]
NAMED = [item | {"Display Name": 'Zoë, "the first"', "New Outlook (Windows)": "Yes"} for item in ROWS]
# The same report, as different roads lead to it.
FORMS = {
    "as sent by Graph": report(*ROWS),
    "no mark, line feeds": report(*ROWS, mark=False, line_end="\n"),
    "backwards": report(*ROWS, columns=HEADER[::-1]),
    "shuffled": report(*ROWS, columns=shuffled(HEADER), line_end="\n"),
    "all quoted": report(*ROWS, quoting=csv.QUOTE_ALL),
    "lower case": report(*ROWS, header=[name.lower() for name in HEADER]),
    "white space": report(*ROWS, header=[f"  {name.replace(' ', '  ')} " for name in HEADER]),
    "dates in UTC": report(*ROWS, header=UTC_HEADER),
    "username": report(*ROWS, header=[name.replace("User Principal Name", "Username") for name in HEADER]),
    "admin centre": report(*NAMED, columns=EXTRA),
    "Windows-1252": report(*NAMED, columns=EXTRA).decode("utf-8-sig").encode("cp1252"),
    "UTF-16": report(*ROWS).decode("utf-8-sig").encode("utf-16"),
    "semicolons": report(*ROWS).replace(b",", b";"),
    "semicolons with a hint": b"sep=;\r\n" + report(*ROWS, mark=False).replace(b",", b";"),
    "tabs": report(*ROWS).replace(b",", b"\t"),
    "mixed line ends": report(*ROWS).replace(b"\r\n", b"\n", 2),
    "last line not ended": report(*ROWS).rstrip(b"\r\n"),
    "blank lines": report(*ROWS).replace(b"\r\n", b"\r\n\r\n"),
    "month first": report(*ROWS).replace(b"2026-10-26", b"10/26/2026"),
    "day first": report(*ROWS).replace(b"2026-10-26", b"26.10.2026"),
    "true and false": report(*ROWS).replace(b"Yes", b"TRUE").replace(b"No,", b"FALSE,").replace(b"No\r", b"False\r"),
    **{
        f"header {name!r}": report(
            *(item | {name: "y"} for item in ROWS),
            columns=[name, *HEADER],
            header=[name, *(each.upper() for each in HEADER)],
        )
        for name in ('"', "'; drop table x; --", 'a"b', "c1", "Outlook (Windows) (2)")
    },
}


def test_the_same_report_in_every_form(desk: Desk) -> None:
    """Each form as a day of its own, all of them in one command."""
    days = [f"2026-{9 if number < 30 else 10:02d}-{number % 30 + 1:02d}" for number in range(len(FORMS))]
    for day, body in zip(days, FORMS.values(), strict=True):
        desk.file(f"report {day}.csv", body)
    assert all(thing.item.rows == (4,) for thing in desk.bring(desk.files))
    for day, form in zip(days, FORMS, strict=True):
        assert desk.used(day) == STORED, form
        assert desk.rows(
            f"select powerpoint, user_rows from raw.m365_app_unknown_days where report_date = '{day}' order by all"
        ) == [(17, 1)], form
        assert desk.rows(
            f"select verdict, rows, report_refresh_date from ledger.fetches where report_date = '{day}'"
        ) == [("applied", 4, date(2026, 10, 26))], form


HOSTILE = [
    "=cmd|' /C calc'!A0@fabrikam.example",
    "+1+1@fabrikam.example",
    "@sum(1)@fabrikam.example",
    '"quoted, name"@fabrikam.example',
    "two\nlines@fabrikam.example",
    "é" * 2500 + "@fabrikam.example",
    "'; drop table raw.users; --@fabrikam.example",
    "{value}$1\\n%s@fabrikam.example",
]


def test_hostile_cells_stay_data(desk: Desk) -> None:
    rows = [used(name, outlook="b") | {"Note": f'=1+1,"{name}"\r\n' + "x" * 5000} for name in HOSTILE]
    body = report(*rows, columns=["Note", *HEADER], mark=False).decode()
    days = ["2026-10-20", "2026-10-21", "2026-10-22"]
    for day, encoding in zip(days, ("utf-8", "cp1252", "utf-16"), strict=True):
        desk.file(f"x {day}.csv", body.encode(encoding))
    desk.bring(desk.files)
    for day in days:
        assert set(desk.used(day)) == {name.lower() for name in HOSTILE}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (report(*ROWS).replace(b"zoe@fabrikam.example", b"zoe@fabrikam.example,Yes"), "cannot be read as CSV at line"),
        (report(*ROWS)[:-40], "cannot be read as CSV at line 5"),
        (report(*ROWS)[: -len("No\r\n")], "breaks off in its last line"),
        (report(used("zoe@fabrikam.example") | {"Word": "maybe"}), "neither Yes, No"),
        (report(used("zoe@fabrikam.example") | {"Last Activity Date": "yesterday"}), "dates in no form"),
        (report(*ROWS).replace(b"2026-10-26", b"10/11/2026"), "month/day or day/month"),
        (report(*ROWS).replace(b'zoe@', b'"zoe@'), "cannot be read as CSV"),
    ],
)  # fmt: skip
def test_damaged_reports_land_nothing_and_name_nobody(desk: Desk, body: bytes, words: str) -> None:
    with pytest.raises(RefusedFileError) as refusal:
        desk.bring(desk.file("damaged.csv", body), day=date.fromisoformat(DAY))
    assert words in str(refusal.value)
    assert "fabrikam" not in str(refusal.value)
    assert "zoe" not in str(refusal.value)
    assert desk.records() == []
    assert not list(desk.folder.glob(".import-*"))


def test_period_snapshots_are_no_days(desk: Desk) -> None:
    rows = [used("zoe@fabrikam.example", "2026-10-28", "30", excel="w") | {"Last Activity Date": "2026-10-27"}]
    (thing,) = desk.bring(desk.file("ProPlusUsageUserDetailV210_30_2026 9_17_18 AM.csv", report(*rows)))
    assert thing.item.day == "D30 as of 2026-10-30"
    assert (only_record(desk).report_period, only_record(desk).report_date) == ("D30", None)
    assert desk.rows(
        "select report_period, report_refresh_date, last_activity_date from raw.m365_app_user_periods"
    ) == [(30, date(2026, 10, 28), date(2026, 10, 27))]
    assert desk.rows("from raw.m365_app_user_days") == []
    columns = [name for name in HEADER if name != "Last Activity Date"]
    with pytest.raises(RefusedFileError, match="a summary of 30 days, but lacks Last Activity Date"):
        desk.bring(desk.file("period.csv", report(*rows, columns=columns)))


def test_user_counts(desk: Desk) -> None:
    columns = ["REPORT DATE", "report refresh date", *APPS[::-1]]
    lines = [",".join(columns), "2026-10-27,2026-10-28,6,5,4,3,2,1", "2026-10-26,2026-10-28,0,0,0,0,0,0"]
    (thing,) = desk.bring(desk.file("counts.csv", "\n".join(lines)))
    assert (thing.item.source, thing.item.rows) == ("getM365AppUserCounts", (2,))
    assert desk.rows("select report_date, outlook, word, teams from raw.m365_app_user_counts order by all") == [
        (date(2026, 10, 26), 0, 0, 0),
        (date(2026, 10, 27), 1, 2, 6),
    ]
    with pytest.raises(RefusedFileError, match="cell that is no number"):
        desk.bring(desk.file("other.csv", "\n".join([*lines, "2026-10-25,2026-10-28,many,0,0,0,0,0\n"])))


def test_concealed_names_are_noticed(desk: Desk) -> None:
    rows = [used(f"{number:032X}", word="w") for number in range(3)]
    (thing,) = desk.bring(desk.file(DAY_NAME, report(*rows)))
    assert thing.is_concealed


# --- many files, again and again --------------------------------------------------------------------------------


def test_many_days_at_once_oldest_first(desk: Desk) -> None:
    for number in range(9, 0, -1):
        day = f"2026-10-{number:02d}"
        desk.file(f"{number} report {day}.csv", report(used(f"p{number}@fabrikam.example", day, word="w")))
    desk.file(".DS_Store", b"\x00")
    assert len(desk.bring(desk.files)) == 9
    days = [str(record.report_date) for record in desk.records()]
    assert days == [f"2026-10-{number:02d}" for number in range(1, 10)]
    assert desk.rows("select count(*), count(distinct report_date) from raw.m365_app_user_days") == [(9, 9)]


def test_the_same_file_again_lands_nothing(desk: Desk) -> None:
    path = desk.file(DAY_NAME, report(*ROWS))
    desk.bring(path)
    (again,) = desk.bring(path, today=date(2026, 11, 5))
    assert again.fetch_id is None
    assert again.why_not == "imported already (on 2026-10-30)"
    assert len(desk.records()) == 1
    # The same rows as another day are another thing, and so is other content for the same day.
    desk.bring(path, day=date(2026, 10, 25), as_day=True)
    desk.bring(desk.file(DAY_NAME, report(*ROWS, *people("new"))))
    assert [str(record.report_date) for record in desk.records()] == [DAY, "2026-10-25", DAY]


def test_one_bad_file_among_many_lands_nothing(desk: Desk) -> None:
    good = desk.file(DAY_NAME, report(*ROWS))
    bad = desk.file("notes.txt", "bring milk")
    with pytest.raises(RefusedFileError, match=r"notes\.txt: is not recognised"):
        desk.bring(good, bad)
    assert desk.records() == []


def test_two_files_for_one_day_are_refused_unless_they_are_the_same(desk: Desk) -> None:
    first = desk.file("a_2026-10-26.csv", report(*ROWS))
    second = desk.file("b_2026-10-26.csv", report(*ROWS[:2]))
    with pytest.raises(RefusedFileError, match=r"a_2026-10-26\.csv are both use per person of one day of 2026-10-26"):
        desk.bring(first, second)
    copy = desk.file("c_2026-10-26.csv", report(*ROWS))
    assert [thing.why_not for thing in desk.bring(first, copy, first)] == [None, "the same as another of these files"]
    # --date makes two days the same one.
    other = desk.file("d_2026-10-25.csv", report(*ROWS[:1]))
    with pytest.raises(RefusedFileError, match="are both"):
        desk.bring(first, other, day=date(2026, 10, 24))


def test_an_older_answer_never_replaces_a_newer_one(desk: Desk) -> None:
    newer = desk.file("new_2026-10-20.csv", report(*ROWS, used("late@fabrikam.example", word="w")))
    older = desk.file("old_2026-10-20.csv", report(*ROWS), modified=date(2026, 10, 27))
    desk.bring(newer)
    (thing,) = desk.bring(older)
    assert thing.why_not == "not imported: an answer of 2026-10-30 is stored, and this one is of 2026-10-27"
    assert "late@fabrikam.example" in desk.used("2026-10-20")


def test_an_answer_without_rows_stands_in_nobodys_way(desk: Desk) -> None:
    desk.bring(desk.file("empty_2026-10-20.csv", report()))
    (thing,) = desk.bring(desk.file("old_2026-10-20.csv", report(*ROWS), modified=date(2026, 10, 27)))
    assert thing.why_not is None
    assert desk.used("2026-10-20") == STORED


def test_what_a_killed_import_left_is_cleared_away(desk: Desk) -> None:
    gone, alive = desk.folder / ".import-999999999-x", desk.folder / f".import-{os.getpid()}-x"
    for folder in (gone, alive):
        folder.mkdir()
        (folder / "names.txt").write_text("zoe")
    desk.bring(desk.file(DAY_NAME, report(*ROWS)))
    assert not gone.exists()
    assert alive.exists()


@pytest.mark.parametrize(
    ("modified", "as_of"),
    [
        (date(2026, 10, 28), date(2026, 10, 28)),
        # Before the day itself, or ahead of today: that cannot be.
        (date(2026, 10, 25), TODAY),
        (date(2026, 12, 1), TODAY),
    ],
)
def test_a_report_is_as_old_as_its_file(desk: Desk, modified: date, as_of: date) -> None:
    desk.bring(desk.file(DAY_NAME, report(*ROWS), modified=modified))
    assert only_record(desk).as_of == as_of
