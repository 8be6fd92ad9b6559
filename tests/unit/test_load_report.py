"""Loading the period snapshots and Microsoft's own daily counts."""

from __future__ import annotations

from datetime import date

import pytest
from conftest import House
from unit_landing import TENANT
from unit_reports import HEADER, report, row

MAIL = "@fabrikam.example"
OTHER = "other.example"


def period_row(name: str, refreshed: str = "2026-08-29", activity: str = "", activation: str = "", **use: str):
    cells = {
        "Report Refresh Date": refreshed,
        "Last Activity Date": activity,
        "Last Activation Date": activation,
        "Report Period": "30",
    }
    return row(name + MAIL if name.isalnum() else name, cells=cells, **use)


def load_period(house: House, period: str, *rows: dict[str, str], body: bytes | None = None, **facts: str) -> str:
    house.lander.period(period, report(*rows) if body is None else body, **facts)
    return house.only_verdict().verdict


def stored(house: House, tenant_id: str = TENANT) -> set[tuple[object, ...]]:
    return set(
        house.rows(
            "select report_period, report_refresh_date, upn, last_activation_date, last_activity_date, "
            "outlook, word, teams from raw.m365_app_user_periods join raw.upn_keys using (tenant_id, upn_key) "
            "where tenant_id = ?",
            tenant_id,
        )
    )


# --- period snapshots ---------------------------------------------------------------------------------------


def test_everybody_is_kept_with_dates_active_or_not(house: House) -> None:
    verdict = load_period(
        house,
        "D30",
        period_row("anna", activity="2026-08-28", activation="2025-03-01", outlook="w", teams="b"),
        period_row("Idle", activity="2024-01-31"),
        period_row("never"),
        period_row("(Unknown)", word="w"),
    )
    assert verdict == "applied"
    refreshed = date(2026, 8, 29)
    assert stored(house) == {
        (30, refreshed, f"anna{MAIL}", date(2025, 3, 1), date(2026, 8, 28), 17, 0, 24),
        (30, refreshed, f"idle{MAIL}", None, date(2024, 1, 31), 0, 0, 0),
        (30, refreshed, f"never{MAIL}", None, None, 0, 0, 0),
    }
    assert house.ledger("report_period, rows, active_rows, unknown_rows") == [("D30", 4, 2, 1)]
    assert house.rows("select count(*) from raw.m365_app_user_days") == [(0,)]


def test_last_activation_makes_nobody_active(house: House) -> None:
    load_period(house, "D7", period_row("anna", activity="2026-08-28", activation="2026-08-28"))
    ((_, _, _, _, _, *use),) = stored(house)
    assert use == [0, 0, 0]


def test_periods_and_tenants_are_kept_apart(house: House) -> None:
    for period, number in (("D7", 7), ("D30", 30), ("D90", 90), ("D180", 180)):
        assert load_period(house, period, period_row("anna")) == "applied"
        assert number in {found[0] for found in stored(house)}
    load_period(house, "D7", period_row("anna"), period_row("ben"), tenant_id=OTHER)
    assert len(stored(house)) == 4
    assert len(stored(house, OTHER)) == 2


def test_a_newer_snapshot_replaces_the_older_whole(house: House) -> None:
    load_period(house, "D30", period_row("anna"), period_row("gone"))
    assert load_period(house, "D30", period_row("anna", refreshed="2026-08-30", word="w")) == "applied"
    assert {(found[1], found[2]) for found in stored(house)} == {(date(2026, 8, 30), f"anna{MAIL}")}


def test_the_same_refresh_date_may_bring_a_correction(house: House) -> None:
    load_period(house, "D30", period_row("anna"))
    assert load_period(house, "D30", period_row("anna", word="w"), period_row("ben")) == "applied"
    assert len(stored(house)) == 2


def test_an_older_or_empty_snapshot_is_kept_aside(house: House) -> None:
    load_period(house, "D30", period_row("anna"))
    before = stored(house)
    assert load_period(house, "D30", period_row("anna", refreshed="2026-08-28", word="w")) == "kept"
    assert load_period(house, "D30") == "kept"
    assert stored(house) == before


def test_the_newest_snapshot_of_every_month_stays(house: House) -> None:
    for refreshed in ("2026-07-30", "2026-07-31", "2026-08-01", "2026-08-02"):
        assert load_period(house, "D90", period_row("anna", refreshed=refreshed)) == "applied"
    assert load_period(house, "D90", period_row("late", refreshed="2026-07-15")) == "kept"
    assert {found[1] for found in stored(house)} == {date(2026, 7, 31), date(2026, 8, 2)}


def test_a_concealed_snapshot_takes_no_place_of_one_with_names(house: House) -> None:
    concealed = [period_row(f"{number:032X}", refreshed="2026-08-30") for number in (1, 2)]
    for cells in concealed:
        cells["User Principal Name"] = cells["User Principal Name"].removesuffix(MAIL)
    load_period(house, "D90", period_row("anna"))
    assert load_period(house, "D90", *concealed) == "kept"
    assert {found[2] for found in stored(house)} == {f"anna{MAIL}"}
    assert load_period(house, "D30", *concealed) == "applied"
    assert load_period(house, "D30", period_row("anna", refreshed="2026-08-30")) == "applied"
    assert {(found[0], found[2]) for found in stored(house)} == {(90, f"anna{MAIL}"), (30, f"anna{MAIL}")}


def test_a_snapshot_without_a_refresh_date_is_refused(house: House) -> None:
    assert load_period(house, "D30", period_row("anna", refreshed="")) == "refused"
    assert stored(house) == set()


def test_a_snapshot_without_its_date_columns_is_refused(house: House) -> None:
    columns = [name for name in HEADER if name != "Last Activity Date"]
    assert load_period(house, "D30", body=report(period_row("anna"), columns=columns)) == "refused"


# --- Microsoft's own counts ---------------------------------------------------------------------------------

COUNTS = "Report Refresh Date,Report Period,Report Date,Outlook,Word,Excel,PowerPoint,OneNote,Teams"


def counts(*lines: str, header: str = COUNTS) -> bytes:
    return ("\ufeff" + "".join(f"{line}\r\n" for line in (header, *lines))).encode()


def load_counts(house: House, body: bytes, **facts: str):
    house.lander.counts(body, **facts)
    return house.only_verdict()


def stored_counts(house: House) -> list[tuple[object, ...]]:
    return house.rows("select * exclude (tenant_id) from raw.m365_app_user_counts order by all")


def test_counts_by_day(house: House) -> None:
    body = counts("2026-08-29,30,2026-08-29,10,9,8,7,6,5", "2026-08-29,30,2026-08-28,1,2,3,4,5,")
    assert load_counts(house, body).verdict == "applied"
    refreshed = date(2026, 8, 29)
    assert stored_counts(house) == [
        (date(2026, 8, 28), refreshed, 1, 2, 3, 4, 5, None),
        (date(2026, 8, 29), refreshed, 10, 9, 8, 7, 6, 5),
    ]


def test_counts_in_another_column_order_with_a_new_column(house: House) -> None:
    header = "Teams,Loop,Report Date,OneNote,PowerPoint,Excel,Word,Outlook,Report Refresh Date"
    load_counts(house, counts("6,99,2026-08-29,5,4,3,2,1,2026-08-29", header=header))
    assert stored_counts(house) == [(date(2026, 8, 29), date(2026, 8, 29), 1, 2, 3, 4, 5, 6)]


def test_a_newer_answer_replaces_the_days_it_names_only(house: House) -> None:
    load_counts(house, counts("2026-08-28,7,2026-08-27,1,1,1,1,1,1", "2026-08-28,7,2026-08-28,2,2,2,2,2,2"))
    load_counts(house, counts("2026-08-29,7,2026-08-28,3,3,3,3,3,3", "2026-08-29,7,2026-08-29,4,4,4,4,4,4"))
    load_counts(house, counts("2026-08-29,7,2026-08-28,9,9,9,9,9,9"), tenant_id=OTHER)
    found = house.rows("select tenant_id, report_date, outlook from raw.m365_app_user_counts order by all")
    assert found == [
        (TENANT, date(2026, 8, 27), 1),
        (TENANT, date(2026, 8, 28), 3),
        (TENANT, date(2026, 8, 29), 4),
        (OTHER, date(2026, 8, 28), 9),
    ]


def test_a_day_that_stands_twice_is_counted_once(house: House) -> None:
    line = "2026-08-29,7,2026-08-29,4,4,4,4,4,4"
    load_counts(house, counts(line, line))
    assert len(stored_counts(house)) == 1


def test_counts_without_rows_change_nothing(house: House) -> None:
    load_counts(house, counts("2026-08-28,7,2026-08-27,1,1,1,1,1,1"))
    assert load_counts(house, counts()).verdict == "applied"
    assert len(stored_counts(house)) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (counts("2026-08-29,7,2026-08-29,many,4,4,4,4,4"), "no number"),
        (counts("2026-08-29,7,yesterday,4,4,4,4,4,4"), "1 rows whose report date is no date"),
        (counts("2026-08-29,7,2026-08-29,4,4,4,4,4"), "at line 2"),
        (counts("x", header=COUNTS.replace("Word,", "")), "lacks 1 of its columns: Word"),
        (b"<html>\n", "an HTML page"),
    ],
)
def test_strange_counts_are_refused(house: House, body: bytes, words: str) -> None:
    load_counts(house, counts("2026-08-28,7,2026-08-27,1,1,1,1,1,1"))
    verdict = load_counts(house, body)
    assert verdict.verdict == "refused"
    assert words in (verdict.reason or "")
    assert len(stored_counts(house)) == 1
