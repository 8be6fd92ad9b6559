"""Loading again: a killed load goes on where it stopped, and a rebuild gives the same tables, keys included."""

from __future__ import annotations

import shutil
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from unit_crash import run_jobs
from unit_landing import TENANT, Lander, contents
from unit_reports import people, report, row

from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.landing import Landing
from pipelines.warehouse.load import load_pending
from pipelines.warehouse.own_lists import OWN_LISTS
from pipelines.warehouse.rebuild import rebuild_warehouse

DAY, NEXT_DAY = "2026-08-20", "2026-08-21"
MAIL = "@fabrikam.example"
OTHER = "other.example"
COUNTS = "Report Refresh Date,Report Period,Report Date,Outlook,Word,Excel,PowerPoint,OneNote,Teams\r\n"

Tables = dict[str, list[tuple[Any, ...]]]


def person(user_id: str, *skus: str, **facts: object) -> dict[str, object]:
    states = [{"skuId": sku, "state": "Active", "disabledPlans": []} for sku in skus]
    return {"id": user_id, "userPrincipalName": user_id + MAIL, "licenseAssignmentStates": states, **facts}


def short_story(lander: Lander) -> None:
    """A day and its correction, people who change and go, a refusal, a failure."""
    lander.day(DAY, report(*people("zoe", "anna", "ben", "carl", "dora"), row("(Unknown)", word="w")))
    lander.objects("users", [person("u2", "A"), person("u1")])
    lander.day(DAY, report(*people("zoe", "ben", "carl", "dora", "eve", outlook="w")))
    lander.day(DAY, b"<html>\n")
    lander.failure(NEXT_DAY, "failed", error_code="C")
    lander.objects("users", [person("u1", "B"), person("u0")])
    lander.counts(f"{COUNTS}2026-08-29,7,2026-08-29,1,2,3,4,5,6\r\n".encode())


def long_story(lander: Lander) -> None:
    """Weeks of two tenants in little: everything that loading tells apart."""
    short_story(lander)
    hashes = [row(f"{n:032X}", excel="m") for n in range(5)]
    lander.day(NEXT_DAY, report(*hashes), tenant_id=OTHER)
    lander.day(NEXT_DAY, report(*people("zoe", "yan", "anna", "kim", "lou")), tenant_id=OTHER)
    lander.day(NEXT_DAY, report(*hashes), tenant_id=OTHER)
    lander.day(DAY, report())
    lander.day(DAY, report(*people("zoe")))
    lander.period("D30", report(*people("idle", "anna")))
    lander.period("D30", report(*people("idle", "bob"), row("(Unknown)")))
    lander.objects("deletedUsers", [{"id": "u2", "deletedDateTime": "2026-08-20T00:00:00Z"}, {"id": "u9"}])
    lander.objects("subscribedSkus", [{"skuId": "A", "servicePlans": [{"servicePlanId": "p"}]}, {"skuId": "B"}])
    lander.objects("subscribedSkus", [{"skuPartNumber": "no id"}])
    lander.objects("subscriptions", [{"id": "s1", "skuId": "A"}])
    lander.objects("organization", [{"id": "o1", "displayName": "Fabrikam"}])
    lander.raw("reportSettings", '{"displayConcealedNames":false}\n')
    lander.objects(
        "users", [person("u1", signInActivity={"lastSignInDateTime": "2026-08-30T00:00:00Z"})], tenant_id=OTHER
    )
    lander.objects("users", [person("u1", "A", "B")], is_complete=False)
    lander.day("2026-08-19", report(*people("anna"), row("(Unknown)", word="w"), row("", word="w")))
    # Slow, so it ends after the others although it began before them: people get their keys by the order of ending.
    late = lander.now + timedelta(hours=1)
    lander.day("2026-08-22", report(*people("slow", "aaron")), completed_at=late)
    lander.day("2026-08-23", report(*people("quick", "abel")))


def loaded(root: Path) -> Tables:
    """Load what is pending and look at every table."""
    with open_warehouse(root / "warehouse.duckdb", wait_seconds=5) as con:
        con.execute("set threads = 1")
        load_pending(con, Landing(root / "landing"))
        return contents(con)


def verdicts(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "landing").rglob("*.verdict.json")}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tables]:
    """The long story, landed and loaded in one go."""
    root = tmp_path_factory.mktemp("story")
    long_story(Lander(root))
    return root, loaded(root)


def test_the_story_is_worth_telling(told: tuple[Path, Tables]) -> None:
    _, tables = told
    # Read from the rules folder and from the action log, not from landing/.
    from_elsewhere = {*(f"raw.{own_list.table}" for own_list in OWN_LISTS), "raw.action_log"}
    assert {name for name, rows in tables.items() if not rows} == from_elsewhere
    outcomes = {str(value) for fetch in tables["ledger.fetches"] for value in fetch}
    assert {"applied", "kept", "held", "refused", "failed"} <= outcomes


def test_loading_again_changes_nothing(told: tuple[Path, Tables]) -> None:
    root, tables = told
    before = verdicts(root)
    assert loaded(root) == tables
    assert verdicts(root) == before


def test_a_rebuild_gives_the_same_tables_keys_and_verdicts_wherever_it_runs(
    told: tuple[Path, Tables], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From bodies and records alone, without the verdicts, in another time zone."""
    root, tables = told
    shutil.copytree(root / "landing", tmp_path / "landing", ignore=shutil.ignore_patterns("*.verdict.json"))
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    try:
        assert loaded(tmp_path) == tables
    finally:
        monkeypatch.undo()
        time.tzset()
    assert verdicts(tmp_path) == verdicts(root)


@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_a_rebuild_refuses_what_was_damaged_since_it_came(tmp_path: Path, harm: str) -> None:
    """A cut body reads as fewer rows, or none at all, without an error."""
    lander = Lander(tmp_path)
    landing = lander.landing
    lander.objects("users", [person("u1"), person("u2")])
    lander.day(DAY, report(*people("anna", "ben")))
    warehouse = tmp_path / "warehouse.duckdb"
    loaded = rebuild_warehouse(warehouse, landing, wait_seconds=0)
    assert [result.verdict.verdict for result in loaded if result.verdict] == ["applied", "applied"]
    body = landing.body_path(loaded[0].record)
    content = body.read_bytes()
    if harm == "cut":
        body.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        body.write_bytes(zstandard.compress(b'{"value":[]}\n'))
    else:
        body.unlink()
    refused, kept = (result.verdict for result in rebuild_warehouse(warehouse, landing, wait_seconds=0))
    assert refused is not None
    assert kept is not None
    assert (refused.verdict, kept.verdict) == ("refused", "applied")
    assert ("is gone" if harm == "gone" else "no longer what was received") in str(refused.reason)


def test_loading_after_every_fetch_gives_the_same_tables(told: tuple[Path, Tables], tmp_path: Path) -> None:
    """But for the slow fetch, which was not there yet when a quicker one was loaded."""
    _, tables = told
    with open_warehouse(tmp_path / "warehouse.duckdb", wait_seconds=0) as con:
        con.execute("set threads = 1")

        class Eager(Lander):
            def objects(self, *arguments: Any, **facts: Any) -> Any:
                record = super().objects(*arguments, **facts)
                load_pending(con, self.landing)
                return record

            def day(self, report_date: Any, body: bytes, **facts: Any) -> Any:
                record = super().day(report_date, body, **facts)
                if report_date not in ("2026-08-22", "2026-08-23"):
                    load_pending(con, self.landing)
                return record

        lander = Eager(tmp_path)
        long_story(lander)
        load_pending(con, lander.landing)
        assert contents(con) == tables


def test_people_get_their_keys_in_the_order_in_which_fetches_ended(told: tuple[Path, Tables]) -> None:
    _, tables = told
    keys = {upn: key for key, tenant, upn, _ in tables["raw.upn_keys"] if tenant == TENANT}
    assert keys[f"anna{MAIL}"] == 1
    assert keys[f"zoe{MAIL}"] == 5
    assert keys[f"quick{MAIL}"] < keys[f"aaron{MAIL}"]


def killed_everywhere(fetches: int) -> list[list[Any]]:
    """Three kills for every fetch, and one more for the first; only after the last of them has it been loaded."""
    steps: list[list[Any]] = [["before", "verdict", 1], ["before", "commit", 1], ["after", "commit", 1]]
    return [["before", "ledger", 1], *steps * fetches]


def test_a_load_killed_at_every_step_of_every_fetch_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    short_story(Lander(calm))
    shutil.copytree(calm / "landing", shaken / "landing")
    expected = loaded(calm)
    points = killed_everywhere(7)
    # The fifth, a failed request, has no body: no verdict is noted for it, so nobody can be killed there.
    del points[1 + 4 * 3]
    jobs = [{"task": "load", "root": str(shaken), "point": point} for point in points]
    signals = run_jobs([*jobs, {"task": "load", "root": str(shaken), "point": None}])
    assert signals == [signal.SIGKILL] * 21 + [0]
    assert loaded(shaken) == expected
    assert verdicts(shaken) == verdicts(calm)


def test_what_a_killed_load_leaves(tmp_path: Path) -> None:
    """Whole fetches only; and a refused answer does not pass for a good one, or its day would not be asked again."""
    middle, refused = tmp_path / "middle", tmp_path / "refused"
    short_story(Lander(middle))
    Lander(refused).day(DAY, b"<html>\n")
    signals = run_jobs(
        [
            {"task": "load", "root": str(middle), "point": ["before", "commit", 5]},
            {"task": "load", "root": str(refused), "point": ["after", "commit", 1]},
        ]
    )
    assert signals == [signal.SIGKILL] * 2
    with open_warehouse(middle / "warehouse.duckdb", wait_seconds=5) as con:
        done = [name for (name,) in con.execute("select fetch_id from ledger.fetches order by completed_at").fetchall()]
    made = [landed.record.fetch_id for landed in Landing(middle / "landing").all_fetches()]
    assert done == made[:4]
    (landed,) = Landing(refused / "landing").all_fetches()
    assert landed.verdict is not None
    assert not landed.is_good
