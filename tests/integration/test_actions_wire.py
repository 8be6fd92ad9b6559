"""What exactly is sent for an action, and what is made of answers that say more than yes or no."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.actions.drives import find_drive
from pipelines.actions.passwords import PasswordFile
from pipelines.actions.planning.joiner import plan_joiners
from pipelines.actions.planning.records import JoinerRecord
from pipelines.actions.results import Fate
from pipelines.graph.write import GraphWriter
from pipelines.simulator import Rule
from tests.integration.actions_rig import ActionsRig, Json, fates, open_rig, step
from tests.integration.test_actions_onedrive import hand_over, with_drive


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ActionsRig]:
    with open_rig(tmp_path) as opened:
        yield opened


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Json]]:
    """The bodies of all writes, by the ends of their paths."""
    sent: list[tuple[str, Json]] = []
    real = GraphWriter.write

    def write(self: GraphWriter, method: str, path: str, context: Any, body: Any = None, **options: Any) -> Any:
        sent.append((path.rpartition("/")[2], body))
        return real(self, method, path, context, body, **options)

    monkeypatch.setattr(GraphWriter, "write", write)
    return sent


def test_a_new_person_has_to_change_the_password(rig: ActionsRig, tmp_path: Path, bodies: list[Any]) -> None:
    record = JoinerRecord(mail=f"nora@{rig.server.tenant.spec.domain}", display_name="Nora", department="Finance")
    with rig.reader() as client:
        plan = plan_joiners([record], client)
    assert fates(rig.apply(plan, passwords=PasswordFile(tmp_path / "p.csv"))) == [Fate.DONE]
    ((_, body),) = bodies
    password = body.pop("passwordProfile")
    assert password["forceChangePasswordNextSignIn"] is True
    assert body == {
        "accountEnabled": True, "displayName": "Nora", "department": "Finance", "mailNickname": "nora",
        "userPrincipalName": record.mail,
    }  # fmt: skip


def test_the_manager_may_only_read_and_nobody_gets_a_message(rig: ActionsRig, bodies: list[Any]) -> None:
    leaver, manager = with_drive(rig)[:2]
    assert fates(rig.do(step("grant_onedrive_access", leaver, manager_id=manager["id"]))) == [Fate.DONE]
    assert bodies == [
        ("invite", {"requireSignIn": True, "sendInvitation": False, "roles": ["read"],
                    "recipients": [{"email": manager["mail"]}]}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words"),
    [("accessDenied", "accessDenied. Apply again"), ("quotaLimitReached", "The manager's OneDrive is full.")],
)
def test_a_copy_that_ends_badly_is_told_by_its_monitor(rig: ActionsRig, code: str, words: str) -> None:
    """The answer to the copy was a yes; only ``status`` says that it failed."""
    leaver, manager = with_drive(rig)[:2]
    plan = rig.plan(hand_over(leaver, manager), by="writer")
    state = {"status": "failed", "percentageComplete": 40.0, "error": {"code": code, "message": "No."}}
    rig.server.faults.add(Rule("/monitor/", status=200, content=state, times=1))
    (result,) = rig.apply(plan).results
    assert result.fate is Fate.FAILED
    assert words in str(result.detail)
    # In this tenant the copy was made all the same, so the next apply may find nothing missing.
    assert fates(rig.apply(plan))[0] in (Fate.DONE, Fate.ALREADY)


def test_a_shortcut_to_somebody_else_s_files_stays_where_it_is(rig: ActionsRig) -> None:
    leaver, manager = with_drive(rig)[:2]
    with rig.writer() as client:
        drive = find_drive(client, leaver["id"])
    assert drive

    def with_shortcut(answer: bytes) -> bytes:
        page = json.loads(answer)
        next(item for item in page["value"] if "file" in item)["remoteItem"] = {"id": "elsewhere"}
        return json.dumps(page).encode()

    path = f"/items/{drive.root_id}/children"
    rig.server.faults.add(Rule(path, method="GET", transform=with_shortcut, times=None))
    (result,) = rig.do(hand_over(leaver, manager))
    assert result.fate is Fate.DONE, result.detail
    assert "1 shortcuts to other people's files." in str(result.detail)
    rig.server.faults.clear()
    assert rig.records()[-1]["after"]["shortcuts"] == 1
    with rig.writer() as client:
        there = find_drive(client, manager["id"])
        assert there
        folder = rig.records()[-1]["after"]["folder_id"]
        names = [item["name"] for item in client_items(client, there.drive_id, folder)]
        source = [item["name"] for item in client_items(client, drive.drive_id, drive.root_id)]
    assert len(set(source) - set(names)) == 1


def client_items(client: GraphWriter, drive_id: str, item_id: str) -> list[Json]:
    from pipelines.graph.objects import read_collection

    return read_collection(client, f"drives/{drive_id}/items/{item_id}/children", "a test")
