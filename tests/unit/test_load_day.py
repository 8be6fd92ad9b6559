"""Loading report days: nothing refused is stored, nothing stored is worsened, every change is told."""

from __future__ import annotations

from datetime import date

import pytest
from conftest import House
from unit_landing import TENANT
from unit_reports import HEADER, people, report, row

from pipelines.warehouse.records import Verdict

DAY = "2026-08-20"
OTHER = "other.example"
MAIL = "@fabrikam.example"


def restatements(house: House) -> dict[str, tuple[int, ...]]:
    """The newest restatement: per app (and 'all') rows added, rows removed, switched on, switched off."""
    found = house.rows(
        "select app, rows_added, rows_removed, switched_on, switched_off from ledger.restatements "
        "where fetch_id = (select max(fetch_id) from ledger.restatements)"
    )
    return {app: tuple(numbers) for app, *numbers in found if any(numbers)}


# --- a first answer -----------------------------------------------------------------------------------------


def test_a_day_is_stored_by_active_person(house: House) -> None:
    verdict = house.day(
        DAY,
        row(f"Anna{MAIL}", outlook="wb", teams="p"),
        row(f"ben{MAIL}"),
        row("(Unknown)", word="w"),
        row("", word="w"),
        row("(Unknown)"),
    )
    assert verdict == Verdict("applied")
    assert house.stored(DAY) == {f"anna{MAIL}": (25, 0, 0, 0, 0, 20)}
    assert house.rows("from raw.m365_app_unknown_days order by word") == [
        (TENANT, date(2026, 8, 20), 0, 0, 0, 0, 0, 0, 1),
        (TENANT, date(2026, 8, 20), 0, 17, 0, 0, 0, 0, 2),
    ]
    assert house.rows("select * from raw.upn_keys") == [(1, TENANT, f"anna{MAIL}", False)]
    assert house.rows("select count(*) from ledger.restatements") == [(0,)]


def test_the_ledger_has_the_request_and_what_the_file_held(house: House) -> None:
    record = house.lander.day(
        DAY,
        report(*people("a", "b"), row(f"a{MAIL}"), row("(Unknown)"), row("A" * 32, cells={"Word": "Yes"})),
        run_id="run-1",
        request_id="request-1",
        requests=3,
        throttled_seconds=1.5,
        is_concealed_setting=False,
    )
    house.load()
    assert house.ledger(
        "fetch_id, tenant_id, source, report_date, run_id, cloud, as_of, http_status, outcome, request_id, requests, "
        "throttled_seconds, body_path, body_bytes, body_sha256, is_complete, is_concealed_setting"
    ) == [
        (
            *(record.fetch_id, TENANT, "getM365AppUserDetail", date(2026, 8, 20), "run-1", "global"),
            *(date(2026, 8, 31), 200, "ok", "request-1", 3, 1.5),
            *(record.body_path, record.body_bytes, record.body_sha256, True, False),
        )
    ]
    assert house.ledger(
        "verdict, verdict_reason, report_refresh_date, rows, active_rows, unknown_rows, concealed_rows, "
        "duplicate_rows, flag_disagreements"
    ) == [("applied", None, date(2026, 8, 29), 5, 3, 1, 1, 1, 1)]


@pytest.mark.parametrize("outcome", ["late", "lost", "failed", "refused_permission", "unavailable"])
def test_a_request_without_a_body_is_in_the_ledger_without_a_verdict(house: House, outcome: str) -> None:
    house.lander.failure(DAY, outcome, error_code="C", error_message="Words.", request_id="r", http_status=400)
    (loaded,) = house.load()
    assert loaded.verdict is None
    assert house.ledger("outcome, verdict, error_code, error_message, request_id, http_status, rows") == [
        (outcome, None, "C", "Words.", "r", 400, None)
    ]
    assert house.stored(DAY) == {}


def test_nothing_is_loaded_twice(house: House) -> None:
    house.day(DAY, *people("a"))
    house.lander.failure(DAY, "late")
    house.load()
    assert house.load() == []
    assert house.rows("select count(*) from ledger.fetches") == [(2,)]


def test_fetches_are_told_one_by_one_as_they_are_loaded(house: House) -> None:
    house.lander.day(DAY, report(*people("a", "b")))
    house.lander.day("2026-08-21", b"<html>\n")
    told: list[tuple[str, int | None]] = []
    from pipelines.warehouse.load import load_pending

    load_pending(
        house.con,
        house.lander.landing,
        lambda item: told.append((item.verdict.verdict, item.facts.rows)),  # type: ignore[union-attr]
    )
    assert told == [("applied", 2), ("refused", None)]


def test_a_header_alone_is_a_day_without_rows(house: House) -> None:
    assert house.day(DAY) == Verdict("applied")
    assert house.ledger("verdict, rows, active_rows") == [("applied", 0, 0)]
    assert house.stored(DAY) == {}


def test_two_tenants_with_the_same_name_do_not_mix(house: House) -> None:
    house.day(DAY, row(f"a{MAIL}", word="w"), row("(Unknown)", word="w"))
    house.day(DAY, row(f"a{MAIL}", excel="m"), tenant_id=OTHER)
    house.day(DAY, row(f"a{MAIL}", excel="b"), tenant_id=OTHER)
    assert house.stored(DAY) == {f"a{MAIL}": (0, 17, 0, 0, 0, 0)}
    assert house.stored(DAY, OTHER) == {f"a{MAIL}": (0, 0, 24, 0, 0, 0)}
    assert house.rows("select upn_key, tenant_id from raw.upn_keys order by all") == [(1, TENANT), (2, OTHER)]
    assert house.rows("select upn_key, tenant_id from raw.m365_app_user_days order by all") == [
        (1, TENANT),
        (2, OTHER),
    ]
    assert house.rows("select tenant_id, user_rows from raw.m365_app_unknown_days") == [(TENANT, 1)]


def test_keys_are_given_by_name_within_a_load_and_kept(house: House) -> None:
    house.day(DAY, *people("carla", "anna"))
    house.day("2026-08-21", *people("ben", "anna", "dora"))
    keys = dict(house.rows("select upn, upn_key from raw.upn_keys"))
    assert keys == {f"anna{MAIL}": 1, f"carla{MAIL}": 2, f"ben{MAIL}": 3, f"dora{MAIL}": 4}


# --- a later answer for the same day ------------------------------------------------------------------------


def test_the_same_content_again_changes_nothing(house: House) -> None:
    rows = [*people("a", "b", "c"), row("(Unknown)", word="w")]
    house.day(DAY, *rows)
    before = house.rows("from raw.m365_app_user_days"), house.rows("from raw.m365_app_unknown_days")
    reordered = report(*reversed(rows), row(f"idle{MAIL}"), columns=list(reversed(HEADER)))
    assert house.day(DAY, body=reordered) == Verdict("unchanged")
    assert (house.rows("from raw.m365_app_user_days"), house.rows("from raw.m365_app_unknown_days")) == before
    assert house.rows("select count(*) from ledger.restatements") == [(0,)]
    assert house.ledger("verdict") == [("applied",), ("unchanged",)]


def test_a_correction_is_applied_and_told_by_app(house: House) -> None:
    everyone = [f"p{n}" for n in range(10)]
    house.day(DAY, *people(*everyone, outlook="w"))
    verdict = house.day(
        DAY,
        *people(*everyone[2:9], outlook="w"),
        row(f"p9{MAIL}", word="b"),
        row(f"p1{MAIL}", outlook="m", excel="w"),
        row(f"new{MAIL}", word="b", teams="p"),
        row("p11" + MAIL),
    )
    assert verdict == Verdict("applied")
    stored = house.stored(DAY)
    assert set(stored) == {f"p{n}{MAIL}" for n in range(1, 10)} | {f"new{MAIL}"}
    assert stored[f"p9{MAIL}"] == (0, 24, 0, 0, 0, 0)
    assert stored[f"p1{MAIL}"] == (18, 0, 17, 0, 0, 0)
    # p0 gone; p9 from Outlook to Word; p1 also Excel (its change of platform switches nothing); new person.
    assert restatements(house) == {
        "all": (1, 1, 0, 0),
        "outlook": (0, 1, 0, 2),
        "word": (1, 0, 2, 0),
        "excel": (0, 0, 1, 0),
        "teams": (1, 0, 1, 0),
    }
    assert house.rows("select distinct tenant_id, report_date, is_applied from ledger.restatements") == [
        (TENANT, date(2026, 8, 20), True)
    ]
    assert house.rows("select count(*) from ledger.restatements") == [(7,)]


def test_a_change_of_unknown_rows_alone_is_a_correction(house: House) -> None:
    house.day(DAY, *people("a"), row("(Unknown)", word="w"))
    assert house.day(DAY, *people("a"), row("(Unknown)", word="m")) == Verdict("applied")
    assert house.rows("select word, user_rows from raw.m365_app_unknown_days") == [(18, 1)]
    assert house.day(DAY, *people("a"), row("(Unknown)", word="m"), row("", word="m")) == Verdict("applied")
    assert house.rows("select word, user_rows from raw.m365_app_unknown_days") == [(18, 2)]


def test_unknown_rows_that_appear_are_a_correction(house: House) -> None:
    house.day(DAY, *people("a"))
    assert house.day(DAY, *people("a"), row("(Unknown)", word="m")) == Verdict("applied")
    assert house.rows("select word, user_rows from raw.m365_app_unknown_days") == [(18, 1)]


def test_another_day_is_untouched_by_a_correction(house: House) -> None:
    house.day(DAY, *people("a", "b"))
    house.day("2026-08-21", *people("a", "b"))
    house.day(DAY, *people("a", "b", "c"))
    assert set(house.stored("2026-08-21")) == {f"a{MAIL}", f"b{MAIL}"}
    assert len(house.stored(DAY)) == 3


def test_rows_after_a_header_alone_are_a_correction(house: House) -> None:
    house.day(DAY)
    assert house.day(DAY, *people("a", "b")) == Verdict("applied")
    assert restatements(house) == {"all": (2, 0, 0, 0), "outlook": (2, 0, 2, 0)}


def test_a_header_alone_twice_is_unchanged(house: House) -> None:
    house.day(DAY)
    assert house.day(DAY) == Verdict("unchanged")


# --- what would worsen a stored day -------------------------------------------------------------------------


def test_a_header_alone_does_not_replace_rows(house: House) -> None:
    house.day(DAY, *people("a", "b"))
    assert house.day(DAY) == Verdict("kept", "The new answer has no rows; the stored day stays.")
    assert len(house.stored(DAY)) == 2
    assert house.rows("select count(*) from ledger.restatements") == [(0,)]


def hashes(count: int, first: int = 0) -> list[dict[str, str]]:
    return [row(f"{n:032X}", outlook="b") for n in range(first, first + count)]


def test_the_verdict_says_whether_names_are_concealed(house: House) -> None:
    found = []
    for body in (report(*people("a", "b")), report(*hashes(2)), report(), b"<html>\n"):
        house.lander.day(DAY, body)
        verdict = house.only_verdict()
        found.append((verdict.verdict, verdict.is_concealed))
    assert found == [("applied", False), ("kept", True), ("kept", False), ("refused", None)]


def test_concealed_names_do_not_replace_names(house: House) -> None:
    house.day(DAY, *people("a", "b"))
    verdict = house.day(DAY, *hashes(2))
    assert verdict == Verdict("kept", "Names are concealed in the new answer; the stored day with names stays.")
    assert set(house.stored(DAY)) == {f"a{MAIL}", f"b{MAIL}"}
    assert house.rows("select count(*) from raw.upn_keys") == [(2,)]


def test_what_was_kept_aside_is_not_what_is_stored(house: House) -> None:
    """The same worse answer twice: the second is compared with the stored day, not with the first."""
    house.day(DAY, *people("a", "b"))
    for _ in range(2):
        assert house.day(DAY, *hashes(2)).verdict == "kept"
        assert house.day(DAY).verdict == "kept"
    assert set(house.stored(DAY)) == {f"a{MAIL}", f"b{MAIL}"}


def test_names_replace_concealed_names(house: House) -> None:
    house.day(DAY, *hashes(2))
    assert house.rows("select bool_and(is_concealed) from raw.upn_keys") == [(True,)]
    assert house.day(DAY, *people("a", "b")) == Verdict("applied")
    assert set(house.stored(DAY)) == {f"a{MAIL}", f"b{MAIL}"}
    assert restatements(house)["all"] == (2, 2, 0, 0)


def test_names_in_place_of_hashes_but_far_fewer_rows_are_held(house: House) -> None:
    house.day(DAY, *hashes(10))
    assert house.day(DAY, *people(*"abcdefg")).verdict == "held"
    assert len(house.stored(DAY)) == 10


def test_concealed_names_are_corrected_by_concealed_names(house: House) -> None:
    house.day(DAY, *hashes(10))
    assert house.day(DAY, *hashes(11)) == Verdict("applied")
    assert house.day(DAY, *hashes(11)) == Verdict("unchanged")
    assert len(house.stored(DAY)) == 11


def test_concealed_names_may_follow_a_header_alone(house: House) -> None:
    house.day(DAY)
    assert house.day(DAY, *hashes(3)) == Verdict("applied")
    assert len(house.stored(DAY)) == 3


@pytest.mark.parametrize(("left", "verdict"), [(8, "applied"), (7, "held"), (1, "held")])
def test_a_correction_that_removes_more_than_a_fifth_is_held(house: House, left: int, verdict: str) -> None:
    everyone = [f"p{n}" for n in range(10)]
    house.day(DAY, *people(*everyone))
    found = house.day(DAY, *people(*everyone[:left]))
    assert found.verdict == verdict
    assert len(house.stored(DAY)) == (left if verdict == "applied" else 10)
    assert restatements(house)["all"] == (0, 10 - left, 0, 0)
    assert house.rows("select distinct is_applied from ledger.restatements") == [(verdict == "applied",)]
    if verdict == "held":
        assert found.reason == f"The correction would remove {10 - left}0% of the day's rows; held for review."


def test_people_without_use_any_more_count_as_removed(house: House) -> None:
    everyone = [f"p{n}" for n in range(10)]
    house.day(DAY, *people(*everyone))
    idle = [row(f"{name}{MAIL}") for name in everyone[:3]]
    assert house.day(DAY, *idle, *people(*everyone[3:])).verdict == "held"
    assert len(house.stored(DAY)) == 10


def test_rows_without_use_count_among_those_removed(house: House) -> None:
    idle = [row(f"idle{n}{MAIL}") for n in range(5)]
    house.day(DAY, *people("a", "b", "c", "d", "e"), *idle)
    assert house.day(DAY, *people("a", "b", "c", "d", "e", outlook="w"), *idle[:3]) == Verdict("applied")
    assert house.day(DAY, *people("a", "b", "c", "d", "e", outlook="m")).verdict == "held"


def test_other_people_in_place_of_a_third_are_held(house: House) -> None:
    house.day(DAY, *people(*(f"p{n}" for n in range(9))))
    assert house.day(DAY, *people(*(f"p{n}" for n in range(3, 12)))).verdict == "held"


def test_unknown_rows_that_get_a_name_are_no_removal(house: House) -> None:
    house.day(DAY, *people("a", "b", "c"), *[row("(Unknown)", outlook="b")] * 7)
    assert house.day(DAY, *people(*"abcdefghij")) == Verdict("applied")
    assert len(house.stored(DAY)) == 10
    assert house.rows("from raw.m365_app_unknown_days") == []


def test_a_held_answer_is_judged_against_the_stored_day_not_against_another_held_one(house: House) -> None:
    everyone = [f"p{n}" for n in range(10)]
    house.day(DAY, *people(*everyone))
    assert house.day(DAY, *people(*everyone[:5])).verdict == "held"
    assert house.day(DAY, *people(*everyone[:5])).verdict == "held"
    assert house.day(DAY, *people(*everyone)) == Verdict("unchanged")


# --- what is refused ----------------------------------------------------------------------------------------

REFUSED = {
    "html": b"<html>anna@fabrikam.example</html>\n",
    "json": b'{"error":{"code":"UnknownError","message":"anna@fabrikam.example"}}\n',
    "empty": b"",
    "ragged": report(row(f"anna{MAIL}", outlook="b")).replace(b",No\r\n", b"\r\n"),
    "strange": report(row(f"anna{MAIL}", cells={"Word": "maybe"})),
    "missing column": report(row(f"anna{MAIL}"), columns=HEADER[:-1]),
    "header cut": report()[:-2],
}


def test_a_refused_answer_keeps_the_day_and_is_told_without_names(house: House) -> None:
    house.day(DAY, *people("anna", "ben"))
    before = house.rows("from raw.m365_app_user_days"), house.rows("from raw.upn_keys")
    for kind, body in REFUSED.items():
        verdict = house.day(DAY, body=body)
        assert verdict.verdict == "refused", kind
        assert verdict.reason
        assert "anna" not in verdict.reason
        assert (house.rows("from raw.m365_app_user_days"), house.rows("from raw.upn_keys")) == before
        assert house.ledger("verdict, verdict_reason, rows")[-1] == ("refused", verdict.reason, None)
    # The next good answer is compared with what is stored, not with a refused one.
    assert house.day(DAY, *people("anna", "ben")) == Verdict("unchanged")


@pytest.mark.parametrize("is_complete", [False, None])
def test_a_report_not_known_to_be_whole_is_refused(house: House, is_complete: bool | None) -> None:
    """Cut right behind its last comma a report still reads well: the last flag would be lost."""
    body = report(row(f"a{MAIL}", teams="b"))[:-5]
    verdict = house.day(DAY, body=body, is_complete=is_complete)
    assert verdict == Verdict("refused", "The report breaks off: it does not end with a line end.")


def test_a_landed_file_that_is_gone_is_refused(house: House) -> None:
    record = house.lander.day(DAY, report(*people("a")))
    house.lander.landing.body_path(record).unlink()
    assert house.only_verdict().reason == "The landed file is gone."


def test_an_unknown_source_is_refused(house: House) -> None:
    house.lander.body("getEmailActivityUserDetail", b"x\n", "csv")
    assert house.only_verdict().reason == "Nothing here reads getEmailActivityUserDetail."


def test_a_refused_answer_stops_none_of_the_others(house: House) -> None:
    house.lander.day(DAY, b"<html>\n")
    house.lander.day("2026-08-21", report(*people("a")))
    house.lander.objects("users", [{"id": "1", "accountEnabled": "perhaps"}])
    house.lander.objects("organization", [{"id": "1", "displayName": "Fabrikam"}])
    assert [item.verdict.verdict for item in house.load() if item.verdict] == [
        "refused",
        "applied",
        "refused",
        "applied",
    ]


def test_trouble_of_the_machine_stops_the_load_and_judges_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.lander.day(DAY, report(*people("a")))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.warehouse.load.stage_report", full)
        with pytest.raises(OSError, match="No space left"):
            house.load()
    assert house.ledger("*") == []
    assert house.only_verdict().verdict == "applied"
