"""Erasing a person: out of every landed body, the warehouse and its keys, and staying out of later answers."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard
from unit_landing import TENANT, Lander, contents
from unit_reports import HEADER, people, report, row

from pipelines.settings import SettingsError
from pipelines.sync.review import accept_correction
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.erase import erase
from pipelines.warehouse.errors import ForgottenError
from pipelines.warehouse.forgotten import Forgotten, PersonName
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.person import find_person, refuse_named_in_rules
from pipelines.warehouse.rebuild import rebuild_warehouse
from pipelines.warehouse.redact import bodies_naming
from pipelines.warehouse.traces import files_naming

MAIL = "@fabrikam.example"
ANA, BEN, CAT = (f"{n}0000000-1111-4222-8333-444444444444" for n in "abc")
DAY, NEXT = "2026-08-20", "2026-08-21"
# Everything that tells of Ana and of nobody else.
OF_ANA = ("ana@", "ana.smith@", "ana.jones@", ANA, ANA.replace("-", ""), "ana smith", "e-4711")
Tables = dict[str, list[tuple[Any, ...]]]


def person(user_id: str, upn: str, **facts: object) -> dict[str, object]:
    return {"id": user_id, "userPrincipalName": upn + MAIL, "mail": upn + MAIL, **facts}


def directory(lander: Lander, upn: str = "ana") -> None:
    lander.objects(
        "users",
        [
            person(ANA, upn, displayName="Ana Smith", employeeId="E-4711",
                   proxyAddresses=[f"SMTP:{upn}{MAIL}", f"smtp:ana.smith{MAIL}"]),
            person(BEN, "ben", manager={"id": ANA, "displayName": "Ana Smith"}, proxyAddresses=[f"SMTP:ben{MAIL}"]),
        ],
        [person(CAT, "diana", proxyAddresses=[f"smtp:ana.smith{MAIL}", f"SMTP:diana{MAIL}"])],
    )  # fmt: skip


def story(lander: Lander) -> None:
    directory(lander)
    extra = [*HEADER, "Display Name"]
    lander.day(DAY, report(row(f"Ana{MAIL}", outlook="wb", cells={"Display Name": "Ana Smith"}),
                           *people("ben", "diana"), columns=extra))  # fmt: skip
    lander.day(NEXT, report(*people("ana.jones", "diana", teams="w"), row("(Unknown)", word="w"), mark=False))
    # Refused: it breaks off; no report at all.
    lander.day(NEXT, report(*people("ben", "ana"))[:-40], is_complete=False)
    lander.day(NEXT, f"<html>Dear ana{MAIL}</html>\n".encode())
    lander.period("D30", report(*people("ana", "ben", excel="m")))
    directory(lander, "ana.jones")
    lander.objects("deletedUsers", [{"id": ANA, "userPrincipalName": f"{ANA.replace('-', '')}ana.jones{MAIL}"}])
    lander.raw("usersDelta", json.dumps({"value": [{"id": ANA, "@removed": {"reason": "changed"}}]}) + "\n")


def load(root: Path) -> Tables:
    with open_warehouse(root / "warehouse.duckdb") as con:
        load_pending(con, Landing(root / "landing"))
        return contents(con)


def names_of_ana(root: Path, user: str) -> tuple[PersonName, ...]:
    with open_warehouse(root / "warehouse.duckdb") as con:
        found = find_person(con, TENANT, user)
    assert found is not None
    assert found.object_id == ANA
    return found.names


def forget(root: Path, user: str = f"ana{MAIL}") -> None:
    landing, names = Landing(root / "landing"), names_of_ana(root, user)
    erase(root / "warehouse.duckdb", landing, lambda: Forgotten.beside(landing.root).add(names), wait_seconds=5)


def traces(root: Path) -> list[tuple[str, str]]:
    """Where anything of Ana still stands: every file, unpacked, and every table."""
    texts = {}
    for path in root.rglob("*"):
        if path.suffix == ".zst":
            texts[path.name] = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
        elif path.suffix == ".parquet":
            texts[path.name] = str(duckdb.sql(f"from '{path}'").fetchall())
        elif path.is_file():
            texts[path.name] = path.read_bytes().decode("utf-8", "replace")
    with open_warehouse(root / "warehouse.duckdb") as con:
        texts |= {name: str(rows) for name, rows in contents(con).items()}
    # Diana is somebody else.
    return [(file, word) for file, text in texts.items() for word in OF_ANA
            if word in text.lower().replace("diana@", "")]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    story(Lander(tmp_path))
    load(tmp_path)
    assert {word for _, word in traces(tmp_path)} == set(OF_ANA)
    return tmp_path


@pytest.mark.parametrize("user", [f"ANA{MAIL}", f"ana.jones{MAIL}", ANA])
def test_all_names_of_a_person_are_found_by_any_of_them(root: Path, user: str) -> None:
    names = {name.name for name in names_of_ana(root, user)}
    assert {ANA, f"ana{MAIL}", f"ana.jones{MAIL}", f"ana.smith{MAIL}"} <= names
    assert names.isdisjoint({f"diana{MAIL}", f"ben{MAIL}", BEN, CAT})


def test_an_address_that_was_handed_on_does_not_tell_who_is_meant(root: Path) -> None:
    with pytest.raises(SettingsError, match="2 people"):
        names_of_ana(root, f"ana.smith{MAIL}")


def test_nothing_of_the_person_is_left_and_nothing_of_others_is_gone(root: Path) -> None:
    before = load(root)
    forget(root)
    assert traces(root) == []
    after = load(root)
    keys = {k[2]: k[0] for k in before["raw.upn_keys"]}
    assert {k[2]: k[0] for k in after["raw.upn_keys"]} == {name + MAIL: keys[name + MAIL] for name in ("ben", "diana")}
    gone = {keys[f"{name}{MAIL}"] for name in ("ana", "ana.jones")}
    kept = [r for r in before["raw.m365_app_user_days"] if r[2] not in gone]
    assert after["raw.m365_app_user_days"] == kept
    # Their use still counts, as nobody's: Outlook on Windows and the web; Teams on Windows beside one Word.
    unknown = [(str(r[1]), r[2], r[3], r[7], r[8]) for r in after["raw.m365_app_unknown_days"]]
    assert unknown == [(DAY, 25, 0, 0, 1), (NEXT, 0, 0, 17, 1), (NEXT, 0, 17, 0, 1)]
    states = {r[2]: r for r in after["raw.users"]}
    assert set(states) == {BEN, CAT}
    assert str(states[BEN]).count("None") > str(next(r for r in before["raw.users"] if r[2] == BEN)).count("None")
    assert f"diana{MAIL}" in str(states[CAT])
    assert after["raw.deleted_users"] == []


def test_rewritten_bodies_are_what_their_records_say(root: Path) -> None:
    landing = Landing(root / "landing")
    before = {item.record.fetch_id: item.record for item in landing.all_fetches()}
    forget(root)
    for item in landing.all_fetches():
        old, record = before[item.record.fetch_id], item.record
        assert landing.is_intact(record)
        body = landing.read_body(item)
        assert (len(body), hashlib.sha256(body).hexdigest()) == (record.body_bytes, record.body_sha256)
        assert record.redacted_at is not None
        assert record.body_path != old.body_path
        assert landing.body_path(record).stat().st_mode & 0o77 == 0
    assert len(list(landing.root.rglob("*.zst"))) == len(before)


def test_later_answers_do_not_bring_the_person_back(root: Path) -> None:
    forget(root)
    lander = Lander(root, start=datetime(2026, 9, 10, 6, tzinfo=timezone.utc))
    directory(lander, "ana.jones")
    lander.day("2026-09-08", report(*people("ana", "ben", "new")))
    lander.period("D7", report(*people("ana.jones", "ben")))
    tables = load(root)
    assert traces(root) == []
    assert [r[8] for r in tables["raw.m365_app_unknown_days"] if str(r[1]) == "2026-09-08"] == [1]
    rebuild_warehouse(root / "warehouse.duckdb", lander.landing, wait_seconds=5)
    assert load(root) == tables


def test_an_answer_without_the_person_is_left_as_it_is(root: Path) -> None:
    forget(root)
    lander = Lander(root, start=datetime(2026, 9, 10, 6, tzinfo=timezone.utc))
    record = lander.day("2026-09-08", report(*people("diana", "ben")))
    load(root)
    assert [item.record for item in lander.landing.all_fetches() if item.record.fetch_id == record.fetch_id] == [record]


@pytest.mark.parametrize("step", range(0, 40, 9))
def test_killed_while_bodies_are_rewritten_the_next_load_goes_on(
    root: Path, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(root, whole, ignore=shutil.ignore_patterns("whole"))
    forget(whole)
    expected = {name: len(rows) for name, rows in load(whole).items()}
    shutil.rmtree(whole)

    class KilledError(BaseException):
        pass

    left, replace, unlink = step, Path.replace, Path.unlink

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError

    def fragile_replace(path: Path, target: Path) -> Path:
        count()
        return replace(path, target)

    def fragile_unlink(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".zst":
            count()
        unlink(path, missing_ok=missing_ok)

    names, landing = names_of_ana(root, ANA), Landing(root / "landing")
    Forgotten.beside(landing.root).add(names)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fragile_replace)
        patch.setattr(Path, "unlink", fragile_unlink)
        with pytest.raises(KilledError):
            erase(root / "warehouse.duckdb", landing, lambda: None, wait_seconds=5)
    erase(root / "warehouse.duckdb", landing, lambda: None, wait_seconds=5)
    assert traces(root) == []
    assert {name: len(rows) for name, rows in load(root).items()} == expected


def test_an_accepted_correction_keeps_the_body_it_shares(root: Path) -> None:
    landing = Landing(root / "landing")
    lander = Lander(root, start=datetime(2026, 9, 10, 6, tzinfo=timezone.utc))
    held = lander.day(DAY, report(*people("ana")))
    load(root)
    lander.now = datetime(2026, 9, 11, 6, tzinfo=timezone.utc)
    accepted = accept_correction(lander.landing, TENANT, date.fromisoformat(DAY))
    load(root)
    forget(root)
    found = {item.record.fetch_id: item for item in landing.all_fetches()}
    assert found[held.fetch_id].record.body_path == found[accepted.fetch_id].record.body_path
    assert found[accepted.fetch_id].verdict is not None
    assert found[accepted.fetch_id].verdict.verdict == "applied"
    assert traces(root) == []


def test_a_dry_look_changes_nothing(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if "lock" not in path.name}
    landing = Landing(root / "landing")
    found = bodies_naming(landing, landing.all_fetches(), Forgotten.of(names_of_ana(root, ANA)))
    assert len(found) == len(landing.all_fetches()) == 9
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*") if "lock" not in path.name}
    assert {path for path in before | after if before.get(path) != after.get(path)} <= {root / "warehouse.duckdb", root}


def test_a_name_that_several_people_had_needs_an_object_id(root: Path) -> None:
    lander = Lander(root, start=datetime(2026, 9, 10, 6, tzinfo=timezone.utc))
    other = "d0000000-1111-4222-8333-444444444444"
    lander.objects("users", [person(other, "ana"), person(BEN, "ben"), person(CAT, "diana")])
    load(root)
    with open_warehouse(root / "warehouse.duckdb") as con:
        with pytest.raises(SettingsError, match="2 people") as refused:
            find_person(con, TENANT, f"ana{MAIL}")
        assert ANA in str(refused.value)
        assert other in str(refused.value)
        found = find_person(con, TENANT, ANA)
    assert found is not None
    # Whose it is now, theirs it stays.
    assert f"ana{MAIL}" in found.shared
    forget(root, ANA)
    assert f"ana{MAIL}" in {r[6] for r in load(root)["raw.users"] if r[2] == other}


def test_somebody_known_by_reports_only_stays_out_of_the_directory_too(tmp_path: Path) -> None:
    lander = Lander(tmp_path)
    lander.day(DAY, report(*people("ana", "ben"), row("A" * 32, word="w")))
    load(tmp_path)
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        found = find_person(con, TENANT, f"ana{MAIL}")
        assert find_person(con, TENANT, f"nobody{MAIL}") is None
        assert find_person(con, TENANT, "a" * 32) is None
    assert found is not None
    Forgotten.beside(lander.landing.root).add(found.names)
    erase(tmp_path / "warehouse.duckdb", lander.landing, lambda: None, wait_seconds=5)
    lander.objects("users", [{"id": ANA, "userPrincipalName": f"ana{MAIL}"}, person(BEN, "ben")])
    assert [r[2] for r in load(tmp_path)["raw.users"]] == [BEN]
    assert [word for _, word in traces(tmp_path)] == []


def test_without_the_key_nothing_is_loaded(root: Path) -> None:
    forget(root)
    key = root / "forgotten" / "key"
    assert key.stat().st_mode & 0o77 == 0
    assert len(key.read_text().strip()) == 64
    kept = key.read_text()
    key.unlink()
    with pytest.raises(ForgottenError, match="restore the folder"):
        load(root)
    key.write_text(kept)
    Forgotten.beside(root / "landing").add([PersonName(TENANT, f"ben{MAIL}")])
    assert key.read_text() == kept
    (root / "forgotten" / "names.json").write_text("[{}]")
    with pytest.raises(ForgottenError, match=r"names.json cannot be read"):
        load(root)


def test_the_users_own_lists_are_told_not_changed(tmp_path: Path) -> None:
    forgotten = Forgotten.of([PersonName(TENANT, f"ana{MAIL}")])
    (tmp_path / "allow_list.csv").write_text(f"user_name,kind\ndiana{MAIL},keep\nAna{MAIL},keep\n")
    with pytest.raises(SettingsError, match=r"allow_list.csv, line 3 names the person"):
        refuse_named_in_rules(tmp_path, forgotten, TENANT)
    (tmp_path / "allow_list.csv").write_text(f"user_name,kind\ndiana{MAIL},keep\n")
    refuse_named_in_rules(tmp_path, forgotten, TENANT)
    refuse_named_in_rules(tmp_path, Forgotten.of([PersonName("other", f"diana{MAIL}")]), TENANT)


def test_a_name_is_found_wherever_it_is_cut(tmp_path: Path) -> None:
    (tmp_path / "plain.log").write_bytes(b"x" * ((1 << 20) - 4) + b"ANA@fabrikam.example")
    (tmp_path / "packed.zst").write_bytes(zstandard.compress(b"y ana@fabrikam.example"))
    (tmp_path / "clean.log").write_bytes(b"dana")
    found = files_naming(tmp_path, [f"ana{MAIL}"])
    assert found == [tmp_path / "packed.zst", tmp_path / "plain.log"]
