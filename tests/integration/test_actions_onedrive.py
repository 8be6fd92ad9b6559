"""A leaver's OneDrive is copied to the manager's, piece by piece, or opened to the manager."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.actions.drives import Item, children, find_drive
from pipelines.actions.plan import Step
from pipelines.actions.results import Fate
from pipelines.graph.client import GraphClient
from pipelines.simulator import Pace, Reply, Rule
from pipelines.simulator.drive_tree import drive_kind
from pipelines.simulator.drives import drive_of_user, set_quota
from tests.integration.actions_rig import ActionsRig, Json, fates, open_rig, step, without
from tests.integration.conftest import tenant

COPY = r"/copy(\?|$)"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ActionsRig]:
    with open_rig(tmp_path) as opened:
        yield opened


def with_drive(rig: ActionsRig, kind: str = "usual") -> list[Json]:
    """Employees whose OneDrive is of this kind."""
    seed = rig.server.tenant.spec.seed
    return rig.users(lambda user: drive_kind(seed, user["id"]) == kind and has_plan(rig, user), synced=None)


def has_plan(rig: ActionsRig, user: Json) -> bool:
    try:
        drive_of_user(rig.server.tenant, user["id"])
    except Exception:
        return False
    return True


def hand_over(leaver: Json, manager: Json, **parameters: Any) -> Step:
    return step("hand_over_onedrive", leaver, manager_id=manager["id"], **parameters)


def tree(client: GraphClient, drive_id: str, item_id: str) -> dict[str, Any]:
    """Everything below a folder: names, with sizes of files."""

    def inside(item: Item) -> Any:
        return tree(client, drive_id, item.item_id) if item.kind == "folder" else (item.kind, item.size)

    return {item.name: inside(item) for item in children(client, drive_id, item_id)}


def both_trees(rig: ActionsRig, leaver: Json, manager: Json, folder: str | None = None) -> tuple[Any, Any]:
    """What the leaver has, and what is in the folder in the manager's OneDrive."""
    with rig.writer() as client:
        source, target = find_drive(client, leaver["id"]), find_drive(client, manager["id"])
        assert source
        assert target
        name = folder or leaver["displayName"]
        there = next(item for item in children(client, target.drive_id, target.root_id) if item.name == name)
        return tree(client, source.drive_id, source.root_id), tree(client, target.drive_id, there.item_id)


def test_every_file_is_copied_and_counted(rig: ActionsRig) -> None:
    leaver, manager, *_ = with_drive(rig)
    plan = rig.plan(hand_over(leaver, manager), by="writer")
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.DONE, result.detail
    assert f"in the folder '{leaver['displayName']}'; counts and bytes agree." in str(result.detail)
    assert "Not copied: sharing permissions" in str(result.detail)
    source, target = both_trees(rig, leaver, manager)
    assert source == target
    assert len(source) >= 5
    monitors = rig.server.requests.to("/_api/v2.0/monitor/")
    assert monitors
    assert not any(record.had_bearer for record in monitors)
    log = "".join(path.read_text() for path in (rig.data_dir / "actions").rglob("*.jsonl"))
    assert "tempauth" not in log
    assert "monitor" not in log
    writes = len(rig.writes())
    assert fates(rig.apply(plan)) == [Fate.DONE]
    assert len(rig.writes()) == writes


def test_a_name_that_is_taken_gets_another(rig: ActionsRig) -> None:
    leaver, manager, *_ = with_drive(rig)
    with rig.writer() as writer:
        target = find_drive(writer, manager["id"])
        assert target
        path = f"drives/{target.drive_id}/items/{target.root_id}/children"
        body = {"name": leaver["displayName"], "folder": {}}
        writer.write("POST", path, writer.context("a test"), body)
    (result,) = rig.do(hand_over(leaver, manager))
    assert result.fate is Fate.DONE, result.detail
    source, renamed = both_trees(rig, leaver, manager, f"{leaver['displayName']} 1")
    assert source == renamed
    assert both_trees(rig, leaver, manager)[1] == {}, "what was there is left alone"


def test_a_onedrive_that_was_never_opened_needs_nothing(rig: ActionsRig) -> None:
    leaver, manager = with_never(rig), with_drive(rig)[0]
    (result,) = rig.do(hand_over(leaver, manager))
    assert (result.fate, result.detail) == (
        Fate.ALREADY,
        "The person never opened a OneDrive: there is nothing to copy.",
    )


def with_never(rig: ActionsRig) -> Json:
    return rig.users(lambda user: not has_plan(rig, user), synced=None)[0]


def test_a_manager_who_never_opened_onedrive_is_told_to(rig: ActionsRig) -> None:
    (result,) = rig.do(hand_over(with_drive(rig)[0], with_never(rig)))
    assert result.fate is Fate.SKIPPED
    assert "the manager opens it once" in str(result.detail)


def test_a_manager_without_room_gets_nothing(rig: ActionsRig) -> None:
    leaver, manager, *_ = with_drive(rig)
    set_quota(rig.server.tenant, manager["id"], drive_of_user(rig.server.tenant, manager["id"]).drive.used + 1000)
    (result,) = rig.do(hand_over(leaver, manager))
    assert result.fate is Fate.SKIPPED
    assert "The manager's OneDrive has room for 1.0 kB" in str(result.detail)
    assert not rig.writes()


def test_a_manager_who_changed_meanwhile_gets_nothing(rig: ActionsRig) -> None:
    people = with_drive(rig)
    leaver = next(user for user in people if not user["onPremisesSyncEnabled"])
    manager, other = [user for user in people if user is not leaver][:2]
    rig.do(step("set_manager", leaver, manager_id=manager["id"]))
    plan = rig.plan(hand_over(leaver, manager, is_manager=True), by="writer")
    assert fates(rig.do(step("set_manager", leaver, manager_id=other["id"]))) == [Fate.DONE]
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.SKIPPED
    assert "the manager was" in str(result.detail)


def lost(reply: Reply) -> Reply:
    """Done, and nobody hears of it."""
    return replace(reply, is_reset=True)


@pytest.mark.parametrize("path", [COPY, r"/children$"])
def test_an_answer_that_is_lost_makes_no_second_copy(rig: ActionsRig, path: str) -> None:
    leaver, manager, *_ = with_drive(rig)
    rig.server.faults.add(Rule(path, method="POST", change=lost, times=1))
    (result,) = rig.do(hand_over(leaver, manager))
    assert result.fate is Fate.DONE, result.detail
    source, target = both_trees(rig, leaver, manager)
    assert source == target
    with rig.writer() as client:
        drive = find_drive(client, manager["id"])
        assert drive
        names = [item.name for item in children(client, drive.drive_id, drive.root_id)]
    assert [name for name in names if name.startswith(leaver["displayName"])] == [leaver["displayName"]]


def test_a_monitor_that_is_gone_does_not_matter(rig: ActionsRig) -> None:
    leaver, manager, *_ = with_drive(rig)
    rig.server.faults.add(Rule("/monitor/", status=404, times=None))
    (result,) = rig.do(hand_over(leaver, manager))
    assert result.fate is Fate.DONE, result.detail
    source, target = both_trees(rig, leaver, manager)
    assert source == target


def test_what_could_not_be_copied_is_named_and_copied_next_time(rig: ActionsRig) -> None:
    leaver, manager, *_ = with_drive(rig)
    plan = rig.plan(hand_over(leaver, manager), by="writer")
    rig.server.faults.add(Rule(COPY, method="POST", status=423, code="resourceLocked", times=1, skip=1))
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.FAILED
    assert "resourceLocked" in str(result.detail)
    assert "Apply again: only those are copied." in str(result.detail)
    copies = sum("/copy" in record.path for record in rig.writes())
    assert fates(rig.apply(plan)) == [Fate.DONE]
    assert sum("/copy" in record.path for record in rig.writes()) == copies + 1
    source, target = both_trees(rig, leaver, manager)
    assert source == target


def test_a_file_that_the_manager_changed_is_not_overwritten(rig: ActionsRig) -> None:
    leaver, manager, *_ = with_drive(rig)
    plan = rig.plan(hand_over(leaver, manager), by="writer")
    rig.server.faults.add(Rule(COPY, method="POST", status=423, code="resourceLocked", times=1, skip=2))
    assert fates(rig.apply(plan)) == [Fate.FAILED]
    target = drive_of_user(rig.server.tenant, manager["id"]).drive
    folder = target.named(target.root_id, leaver["displayName"])
    assert folder
    changed = next(node for node in target.children(folder.item_id) if node.kind == "file")
    target.put(replace(changed, size=changed.size + 1))
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.DONE, result.detail
    kept = target.node(changed.item_id)
    assert kept
    assert kept.size == changed.size + 1
    stem, _, ending = changed.name.rpartition(".")
    assert target.named(folder.item_id, f"{stem} 1.{ending}"), "the leaver's own stands beside it"


def test_a_folder_with_too_many_items_is_gone_down_into(rig: ActionsRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.actions.drive_copy.MOST_ITEMS", 4)
    leaver, manager, *_ = with_drive(rig)
    (result,) = rig.do(hand_over(leaver, manager))
    assert result.fate is Fate.DONE, result.detail
    source, target = both_trees(rig, leaver, manager)
    assert source == target
    folders = [record for record in rig.writes() if record.path.endswith("/children")]
    assert len(folders) > 2, "folders made one by one"


@pytest.mark.soak
def test_more_than_one_copy_may_hold_is_copied_in_parts(tmp_path: Path) -> None:
    with open_rig(tmp_path / "large", tenant(users=300)) as rig:
        leaver, manager = with_drive(rig, "large")[0], with_drive(rig)[0]
        drive = drive_of_user(rig.server.tenant, leaver["id"]).drive
        assert drive.measure(drive.root_id)[0] > 30_000
        (result,) = rig.do(hand_over(leaver, manager))
        assert result.fate is Fate.DONE, result.detail
        assert "counts and bytes agree" in str(result.detail)
        copies = [record for record in rig.writes() if "/copy" in record.path]
        assert {record.status for record in copies} == {202}
        assert len(copies) < 40


def test_the_manager_may_read_and_that_is_done_once(rig: ActionsRig) -> None:
    leaver, manager, *_ = with_drive(rig)
    plan = rig.plan(step("grant_onedrive_access", leaver, manager_id=manager["id"]), by="writer")
    assert fates(rig.apply(plan)) == [Fate.DONE]
    assert fates(rig.do(step("grant_onedrive_access", leaver, manager_id=manager["id"]))) == [Fate.ALREADY]
    assert len([record for record in rig.writes() if record.path.endswith("/invite")]) == 1
    (result,) = rig.do(step("grant_onedrive_access", with_never(rig), manager_id=manager["id"]))
    assert result.fate is Fate.SKIPPED
    assert "never opened" in str(result.detail)


def test_without_the_permission_nothing_is_copied(tmp_path: Path) -> None:
    with open_rig(tmp_path / "other", without("Files.ReadWrite.All", "Sites.ReadWrite.All")) as rig:
        leaver, manager, *_ = with_drive(rig)
        plan = rig.plan(hand_over(leaver, manager))
        assert plan.steps[0].before is None
        assert "may not see" in plan.steps[0].notes[0]
        (result,) = rig.apply(plan).results
        assert result.fate is Fate.FAILED
        assert "The app for actions needs Files.ReadWrite.All" in str(result.detail)


def test_work_in_the_background_is_waited_for(tmp_path: Path) -> None:
    import time

    with open_rig(tmp_path / "slow", pace=Pace(copy=0.15, copied_item=0.0)) as rig:
        leaver, manager, *_ = with_drive(rig)
        plan = rig.plan(hand_over(leaver, manager), by="writer")
        (result,) = rig.apply(plan, sleep=lambda seconds: time.sleep(seconds / 10)).results
        assert result.fate is Fate.DONE, result.detail
        source, target = both_trees(rig, leaver, manager)
        assert source == target
