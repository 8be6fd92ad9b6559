"""The connection test at both levels: which is set up, what each action needs, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.actions.catalogue import ACTIONS
from pipelines.check.results import CheckResult, State
from pipelines.check.run import check_tenant
from pipelines.simulator import READ_PERMISSIONS
from tests.integration.actions_rig import ActionsRig, open_rig, without


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActionsRig]:
    with open_rig(tmp_path_factory.mktemp("check")) as opened:
        yield opened


def results(rig: ActionsRig, name: str, **overrides: object) -> list[CheckResult]:
    settings = rig.settings(**overrides)
    report = check_tenant(settings, settings.tenants()[0])
    return [result for result in report.results if result.name == name]


def test_off_is_said_with_what_it_would_want(rig: ActionsRig) -> None:
    (level,) = results(rig, "level", allow_actions=False)
    assert level.state is State.OK
    assert level.message.startswith("Read. 'Read and take action' is off")
    for action in ACTIONS.values():
        assert action.name in level.message
        assert action.permissions[0] in level.message
    assert not results(rig, "action", allow_actions=False)


def test_on_every_action_is_allowed(rig: ActionsRig) -> None:
    before = len(rig.writes())
    (level,) = results(rig, "level")
    assert (level.state, level.message) == (State.OK, "Read and take action: the app for actions can sign in.")
    rows = results(rig, "action")
    assert {row.state for row in rows} == {State.OK}
    assert all(any(name in row.message for row in rows) for name in ACTIONS)
    assert len(rig.writes()) == before, "nothing is tried"


def test_a_missing_permission_is_named_with_its_actions(tmp_path: Path) -> None:
    lacking = without("Files.ReadWrite.All", "Sites.ReadWrite.All", "MailboxSettings.ReadWrite")
    with open_rig(tmp_path / "other", lacking) as rig:
        warned = [row for row in results(rig, "action") if row.state is State.WARNING]
    assert len(warned) == 2
    assert any(
        row.message == "hand_over_onedrive, grant_onedrive_access: not allowed, as Files.ReadWrite.All is missing."
        for row in warned
    )
    assert all("press 'Grant admin consent' there" in str(row.remedy) for row in warned)


def test_an_app_that_is_not_described_or_cannot_sign_in_is_told(rig: ActionsRig) -> None:
    (level,) = results(rig, "level", actions_client_id=None, actions_client_secret=None)
    assert level.state is State.WARNING
    assert "has no app for actions" in level.message
    (level,) = results(rig, "level", actions_client_secret="wrong~secret")
    assert level.state is State.FAILED
    assert "The client secret is wrong" in level.message
    assert str(level.remedy).startswith("Make a new one (Entra admin centre > App registrations > your app")
    assert "M365_ACTIONS_CLIENT_SECRET" in str(level.remedy)
    assert "wrong~secret" not in level.message


def test_an_app_that_reads_and_could_write_is_a_warning(rig: ActionsRig) -> None:
    (reads,) = results(rig, "reads only")
    assert reads.state is State.OK
    former = rig.server.tenant
    rig.server.tenant = former.replaced(permissions=READ_PERMISSIONS | {"User.ReadWrite.All"})
    try:
        (reads,) = results(rig, "reads only")
    finally:
        rig.server.tenant = former
    assert reads.state is State.WARNING
    assert "User.ReadWrite.All" in reads.message
