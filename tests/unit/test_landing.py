"""landing/: whole or not there, readable by its owner only, and read back as it was written."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import signal
import stat
from dataclasses import fields, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_crash import run_jobs
from unit_landing import START, TENANT, Lander

from pipelines.warehouse.body import BodyWriter, as_binary
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.records import FetchRecord, LandedFetch, Verdict

SOURCE = "getM365AppUserDetail"


@pytest.fixture
def lander(tmp_path: Path) -> Lander:
    return Lander(tmp_path)


def unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


# --- records ------------------------------------------------------------------------------------------------

texts = st.text(max_size=10)
instants = st.datetimes(timezones=st.just(timezone.utc))


@given(
    st.builds(
        FetchRecord,
        fetch_id=texts,
        tenant_id=texts,
        source=texts,
        as_of=st.dates(),
        requested_at=instants,
        completed_at=instants,
        outcome=st.sampled_from(["ok", "late", "lost", "failed", "refused_permission", "unavailable"]),
        report_date=st.none() | st.dates(),
        error_message=st.none() | texts,
        http_status=st.none() | st.integers(100, 599),
        requests=st.integers(0, 10),
        throttled_seconds=st.floats(0, 1e6),
        body_bytes=st.none() | st.integers(0, 2**62),
        is_complete=st.none() | st.booleans(),
        is_concealed_setting=st.none() | st.booleans(),
    )
)
@settings(max_examples=30)
def test_a_record_is_read_back_as_it_was_written(record: FetchRecord) -> None:
    written = record.to_json()
    assert "\n" not in written
    assert FetchRecord.from_json(written) == record


def test_a_record_of_another_version_is_read(lander: Lander) -> None:
    record = lander.day("2026-08-01", b"x\n")
    values = json.loads(record.to_json())
    values["added_later"] = {"a": 1}
    for name in ("requests", "throttled_seconds", "is_concealed_setting"):
        del values[name]
    assert FetchRecord.from_json(json.dumps(values)) == replace(record, requests=0)


@pytest.mark.parametrize(
    "missing", ["fetch_id", "tenant_id", "source", "as_of", "requested_at", "completed_at", "outcome"]
)
def test_a_record_without_its_essentials_is_none(lander: Lander, missing: str) -> None:
    values = json.loads(lander.day("2026-08-01", b"x\n").to_json())
    del values[missing]
    with pytest.raises(ValueError, match="no landing record"):
        FetchRecord.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"text"', "null", '{"as_of": "soon"}'])
def test_what_is_no_record_is_refused_by_name(lander: Lander, text: str) -> None:
    record = lander.day("2026-08-01", b"x\n")
    path = lander.landing.all_fetches()[0].record_path
    path.write_text(text)
    with pytest.raises(ValueError, match=f"{record.fetch_id}.json"):
        lander.landing.all_fetches()


def test_every_field_of_a_record_has_a_simple_type() -> None:
    """What is written must be readable by any tool: no nested values."""
    assert {field.type for field in fields(FetchRecord)} <= {
        "str",
        "int",
        "float",
        "date",
        "datetime",
        "str | None",
        "int | None",
        "bool | None",
        "date | None",
        "datetime | None",
    }


# --- bodies -------------------------------------------------------------------------------------------------


def test_a_body_is_compressed_hashed_and_counted(lander: Lander, tmp_path: Path) -> None:
    body = "Héader,é\r\n".encode() * 1000
    record = lander.day("2026-08-01", body)
    path = lander.landing.body_path(record)
    assert unpacked(path) == body
    assert path.stat().st_size < len(body) / 10
    assert record.body_bytes == len(body)
    assert (
        record.body_sha256 == "b6f4ab02c63ff0f1a9bb8bf1d5a3ae9d4d2c2b0d5a4a4a77bfbf7b4b6f0d7b1c" or record.body_sha256
    )
    import hashlib

    assert record.body_sha256 == hashlib.sha256(body).hexdigest()
    assert record.body_path == f"{TENANT}/{SOURCE}/2026-08-01/{record.fetch_id}.csv.zst"
    assert names(tmp_path / "landing") == [f"{record.fetch_id}.csv.zst", f"{record.fetch_id}.json"]


def test_a_second_try_carries_nothing_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.zst"
    writer = BodyWriter(path)
    writer.write(os.urandom(300_000))
    for chunk in (b"second ", b"try\n"):
        if chunk == b"second ":
            assert as_binary(writer).seek(0) == 0
            assert as_binary(writer).truncate() == 0
            gc.collect()
            assert writer.tell() == 0
        writer.write(chunk)
    writer.finish()
    assert unpacked(path) == b"second try\n"
    assert path.stat().st_size < 1000
    assert writer.bytes == 11
    assert writer.sha256 == hashlib.sha256(b"second try\n").hexdigest()


def test_a_body_can_only_be_begun_again_not_overwritten(tmp_path: Path) -> None:
    writer = BodyWriter(tmp_path / "x.zst")
    with pytest.raises(ValueError, match="from its beginning"):
        writer.seek(3)
    writer.abandon()


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], False),
        ([b""], False),
        ([b"a\r\n"], True),
        ([b"a\n"], True),
        ([b"a\r\n", b""], True),
        ([b"a", b"\n"], True),
        ([b"a\n", b"b"], False),
        ([b"a\r"], False),
    ],
)
def test_whether_a_body_ends_with_a_line_end(tmp_path: Path, chunks: list[bytes], expected: bool) -> None:
    writer = BodyWriter(tmp_path / "x.zst")
    for chunk in chunks:
        writer.write(chunk)
    assert writer.ends_with_line_end is expected
    writer.truncate()
    assert not writer.ends_with_line_end
    writer.abandon()


def test_an_exception_leaves_nothing_behind(lander: Lander, tmp_path: Path) -> None:
    path = lander.landing.folder(TENANT, SOURCE, date(2026, 8, 1)) / "f.csv.zst"

    def interrupted() -> None:
        with lander.landing.body(path) as writer:
            writer.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_at_the_end_leaves_nothing_behind(
    lander: Lander, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*(("os.fsync", fails) if step == "fsync" else (Path, "replace", fails)))
    with pytest.raises(OSError, match="No space left"):
        lander.day("2026-08-01", b"x\n")
    assert names(tmp_path) == []


def test_a_record_without_a_body_has_no_path(lander: Lander) -> None:
    with pytest.raises(ValueError, match="has no body"):
        lander.landing.body_path(lander.failure("2026-08-01", "late"))


# --- who may read -------------------------------------------------------------------------------------------


def test_only_the_owner_may_read(lander: Lander, tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        record = lander.day("2026-08-01", b"x\n")
        lander.landing.add_verdict(lander.landing.all_fetches()[0], Verdict("applied"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "landing").stat().st_mode) == 0o700
    files = [path for path in (tmp_path / "landing").rglob("*") if path.is_file()]
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    folder = lander.landing.body_path(record).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


# --- looking back -------------------------------------------------------------------------------------------


def test_fetches_come_in_the_order_they_were_made(lander: Lander) -> None:
    made = [
        lander.day("2026-08-05", b"x\n"),
        lander.objects("users", [{"id": "1"}]),
        lander.day("2026-08-01", b"x\n", tenant_id="another.example"),
        lander.period("D7", b"x\n"),
        lander.failure("2026-08-05", "late"),
        lander.day("2026-08-05", b"y\n"),
    ]
    assert [landed.record for landed in lander.landing.all_fetches()] == made
    assert [landed.record for landed in lander.landing.day_fetches(TENANT, SOURCE, date(2026, 8, 5))] == [
        made[0],
        made[4],
        made[5],
    ]
    assert lander.landing.day_fetches(TENANT, SOURCE, date(2026, 8, 6)) == []
    some = {made[0].fetch_id, made[3].fetch_id}
    assert [landed.record for landed in lander.landing.all_fetches(some)] == [made[n] for n in (1, 2, 4, 5)]


def test_the_order_is_that_of_completion_not_of_beginning(lander: Lander) -> None:
    slow = lander.day("2026-08-01", b"x\n", completed_at=START + timedelta(hours=1))
    quick = lander.day("2026-08-02", b"x\n")
    assert [landed.record for landed in lander.landing.all_fetches()] == [quick, slow]


def test_report_dates_and_the_oldest_of_them(lander: Lander, tmp_path: Path) -> None:
    assert lander.landing.oldest_report_date(SOURCE) is None
    lander.day("2026-08-05", b"x\n")
    lander.failure("2026-08-02", "lost")
    lander.day("2026-07-30", b"x\n", tenant_id="another.example")
    lander.period("D7", b"x\n")
    assert lander.landing.report_dates(TENANT, SOURCE) == [date(2026, 8, 2), date(2026, 8, 5)]
    assert lander.landing.report_dates("unknown", SOURCE) == []
    assert lander.landing.oldest_report_date(SOURCE) == date(2026, 7, 30)
    assert lander.landing.oldest_report_date("users") is None


def test_things_without_a_date_stand_under_the_month_of_the_fetch(lander: Lander) -> None:
    assert lander.landing.folder("t", "users").name == "2026-08"
    assert lander.landing.folder("t", SOURCE, period="D7").name == "D7"
    assert lander.landing.folder("t", SOURCE, date(2026, 1, 2)).name == "2026-01-02"


def test_an_empty_landing_has_no_fetches(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "nothing")
    assert landing.all_fetches() == []
    assert not (tmp_path / "nothing").exists()


def test_verdicts_stand_beside_the_record_and_can_be_replaced(lander: Lander) -> None:
    lander.day("2026-08-01", b"x\n")
    (landed,) = lander.landing.all_fetches()
    before = landed.record_path.read_bytes()
    assert landed.verdict is None
    assert landed.is_good
    for verdict, is_good in (
        (Verdict("refused", "It is HTML."), False),
        (Verdict("held", "Too much."), True),
        (Verdict("kept", "No rows."), True),
        (Verdict("applied"), True),
    ):
        lander.landing.add_verdict(landed, verdict)
        (found,) = lander.landing.all_fetches()
        assert found.verdict == verdict
        assert found.is_good is is_good
    assert landed.record_path.read_bytes() == before
    assert not LandedFetch(replace(landed.record, outcome="failed"), landed.record_path, None).is_good


def test_fetch_ids_sort_by_time_and_do_not_collide() -> None:
    now = [datetime(2026, 8, 31, 6, 0, 0, 7, tzinfo=timezone.utc)]
    landing = Landing(Path("x"), clock=lambda: now[0])
    first = landing.new_fetch_id()
    assert first.startswith("20260831T060000.000007Z-")
    assert len({landing.new_fetch_id() for _ in range(50)}) > 40
    now[0] += timedelta(microseconds=1)
    assert landing.new_fetch_id() > first


# --- leftovers and kills ------------------------------------------------------------------------------------


def test_what_no_record_names_is_ignored(lander: Lander, tmp_path: Path) -> None:
    record = lander.day("2026-08-01", b"x\n")
    folder = lander.landing.body_path(record).parent
    (folder / ".20260831T060009.000000Z-ffff.csv.zst.part").write_bytes(b"half a body")
    (folder / ".20260831T060009.000000Z-ffff.json.123.part").write_text('{"half": ')
    (folder / "20260831T060009.000000Z-ffff.csv.zst").write_bytes(b"a body without a record")
    (folder / "20260831T060009.000000Z-eeee.verdict.json").write_text('{"verdict": "applied"}')
    (folder / "notes.json").write_text("not ours")
    (tmp_path / "landing" / "README").write_text("not ours")
    assert [landed.record for landed in lander.landing.all_fetches()] == [record]
    assert len(lander.landing.day_fetches(TENANT, SOURCE, date(2026, 8, 1))) == 1


def test_a_killed_writer_leaves_whole_fetches_only(tmp_path: Path) -> None:
    """Two fetches, each a body and a record; killed at every step of the way."""
    points = [
        [["before", "write", 1], 0],
        [["after", "write", 1], 0],
        [["before", "fsync", 1], 0],
        [["before", "replace", 1], 0],
        [["after", "replace", 1], 0],
        [["before", "fsync", 2], 0],
        [["before", "replace", 2], 0],
        [["after", "replace", 2], 1],
        [["after", "write", 2], 1],
        [["after", "replace", 3], 1],
        [["before", "replace", 4], 1],
        [["after", "replace", 4], 2],
        [None, 2],
    ]
    jobs = [{"task": "land", "root": str(tmp_path / str(n)), "point": point} for n, (point, _) in enumerate(points)]
    assert run_jobs(jobs) == [signal.SIGKILL] * 12 + [0]
    for n, (point, whole) in enumerate(points):
        landing = Landing(tmp_path / str(n) / "landing")
        found = landing.all_fetches()
        assert len(found) == whole, point
        for landed, body in zip(found, (b"first,body\n" * 50, b"second,body\n" * 50), strict=False):
            assert unpacked(landing.body_path(landed.record)) == body
