"""Plan files: their digest, age and tenant, what may not be read as one, and the Markdown beside them."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.log import ActionLog, Outcome, Who
from pipelines.actions.markdown import as_markdown, savings_in_words
from pipelines.actions.passwords import LENGTH, PasswordFile, make_password
from pipelines.actions.permissions import missing_permissions, writing_permissions
from pipelines.actions.plan import ByHand, Plan, Target, digest_of, in_a_chain, in_order
from pipelines.actions.plan_file import PlanRefusedError, read_plan, require_fresh, require_tenant, write_plan
from pipelines.actions.planning.making import make_plan, make_step
from pipelines.sign_in import SettingsError

TENANT = "5b1a2c3d-7e84-4f6a-9d0b-3c2e1f408a97"
SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


def plan(name: str = "ann@x.example", **facts: Any) -> Plan:
    target = Target(user_id="1", user_principal_name=name, display_name="Ann | <b>*A*</b>")
    steps = [
        make_step("disable_account", target, {}, reason="left"),
        make_step("remove_license", target, {"sku_id": SKU}, reason="left", saving=Decimal("33.10"), currency="EUR",
                  before={"disabled_plans": ["p1"]}),
        make_step("remove_license", target, {"sku_id": "other"}, reason="left", saving=Decimal("5"), currency="USD"),
        make_step("remove_license", target, {"sku_id": "third"}, reason="left"),
    ]  # fmt: skip
    by_hand = [ByHand(target=target, what="Group X", why="By rule.")]
    return make_plan(TENANT, {"kind": "test"}, in_a_chain(steps), by_hand=by_hand, now=NOW, **facts)


def test_a_plan_is_written_for_its_owner_and_read_back(tmp_path: Path) -> None:
    made = plan()
    path = write_plan(tmp_path / "plans", made)
    assert read_plan(path) == made
    assert {stat.S_IMODE(file.stat().st_mode) for file in (path, path.with_suffix(".md"))} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["steps"][0]["target"].update(user_principal_name="bob@x.example"),
        lambda content: content["steps"].pop(),
        lambda content: content.update(tenant_id="another"),
        lambda content: content["steps"][1]["parameters"].update(sku_id="more"),
        lambda content: content.update(created_at="2027-01-01T00:00:00Z"),
        lambda content: content.update(digest="0" * 64),
        lambda content: content.pop("digest"),
    ],
)
def test_a_changed_plan_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = write_plan(tmp_path, plan())
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(PlanRefusedError, match="was changed after it was made"):
        read_plan(path)


def test_the_layout_of_the_file_is_no_change(tmp_path: Path) -> None:
    path = write_plan(tmp_path, plan())
    path.write_text(json.dumps(json.loads(path.read_text()), indent=None, sort_keys=True))
    assert read_plan(path).steps


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 2}, "a plan of version 2"),
        ({"colour": "red"}, "colour"),
        ({"steps": [{"id": "001"}]}, "steps.0"),
    ],
)
def test_what_is_no_plan_is_refused_in_words(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    content = plan().model_dump(mode="json") | change
    content["digest"] = digest_of(content)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(content))
    with pytest.raises(PlanRefusedError, match=words):
        read_plan(path)


def test_an_unknown_action_or_an_order_that_cannot_be_is_refused(tmp_path: Path) -> None:
    for key, value, words in (
        ("action", "format_disk", "no action format_disk"),
        ("depends_on", ["004"], "out of order"),
        ("only_while", {"moon": "full"}, "a condition that is not known, moon"),
    ):
        content = plan().model_dump(mode="json")
        content["steps"][1][key] = value
        content["digest"] = digest_of(content)
        (tmp_path / "plan.json").write_text(json.dumps(content))
        with pytest.raises(PlanRefusedError, match=words):
            read_plan(tmp_path / "plan.json")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(PlanRefusedError, match="There is no plan"):
        read_plan(tmp_path / "missing.json")
    for text in ("{", "[]", "\x00"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(PlanRefusedError, match="is no plan"):
            read_plan(tmp_path / "bad.json")


def test_an_old_plan_one_from_the_future_and_one_of_another_tenant_are_refused() -> None:
    made = plan()
    require_fresh(made, 7, NOW + timedelta(days=7))
    with pytest.raises(PlanRefusedError, match="is 7 days old"):
        require_fresh(made, 7, NOW + timedelta(days=7, seconds=1))
    with pytest.raises(PlanRefusedError, match="made in the future"):
        require_fresh(made, 7, NOW - timedelta(hours=1))
    require_tenant(made, ["other", TENANT])
    with pytest.raises(PlanRefusedError, match="was made for tenant"):
        require_tenant(made, ["other"])


def test_amounts_of_different_currencies_are_never_added() -> None:
    made = plan()
    assert made.savings() == {"EUR": Decimal("33.10"), "USD": Decimal(5)}
    assert savings_in_words(made) == "33.10 EUR + 5.00 USD (and 1 without a known price)"


def test_the_markdown_says_all_and_makes_nothing_of_names() -> None:
    text = as_markdown(plan())
    for words in ("Steps: 4, people: 1", "33.10 EUR", "LicenseAssignment", "waits for", "By hand", "Group X"):
        assert words in text
    assert "<b>" not in text
    assert "\\<b\\>" in text
    assert "--assign" in text, "the way back"
    assert "Nothing was changed" in text


def test_a_condition_is_told_to_whoever_reads_the_plan() -> None:
    target = Target(user_id="1", user_principal_name="ann@x.example")
    step = make_step("disable_account", target, {}, reason="left", only_while={"department": "Leavers"})
    assert "Only while: department = Leavers" in as_markdown(make_plan(TENANT, {"kind": "test"}, in_order([step])))


def test_a_plan_from_before_conditions_can_still_be_applied(tmp_path: Path) -> None:
    content = plan().model_dump(mode="json")
    for step in content["steps"]:
        del step["only_while"]
    content["digest"] = digest_of(content)
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert read_plan(tmp_path / "plan.json").steps[0].only_while == {}


def test_steps_are_numbered_and_chained() -> None:
    steps = plan().steps
    assert [step.id for step in steps] == ["001", "002", "003", "004"]
    assert [step.depends_on for step in steps] == [(), ("001",), ("002",), ("003",)]
    assert all(
        step.depends_on == () for step in in_order([step.model_copy(update={"depends_on": ()}) for step in steps])
    )


# --- the log ------------------------------------------------------------------------------------------------


def test_the_log_is_for_its_owner_and_only_grows(tmp_path: Path) -> None:
    log, made, who = ActionLog(tmp_path / "actions" / "log"), plan(), Who("app", "ann", "host")
    log.intent(made, made.steps[0], who, {"exists": True}, "c")
    (path,) = log.folder.glob("*.jsonl")
    first = path.read_bytes()
    log.outcome(made, made.steps[0], who, Outcome.DONE, after={"exists": True}, detail=None, request_id="r")
    assert path.read_bytes().startswith(first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.folder.stat().st_mode) == 0o700
    intent, outcome = log.records()
    assert (intent["kind"], intent["before"], intent["os_user"], intent["client_id"]) == (
        "intent", {"exists": True}, "ann", "app",
    )  # fmt: skip
    assert (outcome["outcome"], outcome["request_id"]) == ("done", "r")


def test_an_attempt_without_an_outcome_is_open_and_an_unknown_one_stays_so(tmp_path: Path) -> None:
    log, made, who = ActionLog(tmp_path), plan(), Who("app", "ann", "host")
    step = made.steps[0]
    assert log.histories(made) == {}
    log.intent(made, step, who, {}, "c")
    log.progress(made, step, who, {"folder_id": "f"})
    history = log.histories(made)[step.id]
    assert (history.is_open, history.outcome, history.facts) == (True, None, ({"folder_id": "f"},))
    assert history.begun_at
    log.outcome(made, step, who, Outcome.UNKNOWN, after=None, detail=None)
    assert log.histories(made)[step.id].is_open
    log.outcome(made, step, who, Outcome.FAILED, after=None, detail="no")
    history = log.histories(made)[step.id]
    assert (history.is_open, history.outcome) == (False, Outcome.FAILED)
    assert log.histories(plan("bob@x.example")) == {}, "another plan"


# --- passwords and permissions ------------------------------------------------------------------------------


def test_passwords_are_long_mixed_and_never_the_same() -> None:
    made = {make_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == LENGTH
        assert any(sign.islower() for sign in password)
        assert any(sign.isupper() for sign in password)
        assert any(sign.isdigit() for sign in password)
        assert not password.isalnum()
        assert not set(password) & set("lIO01o")


def test_a_file_of_passwords_holds_what_was_made_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    sink = PasswordFile(path)
    assert not path.exists()
    sink.keep("ann@x.example", "one,1")
    first = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "from the first moment on"
    sink.keep("bob@x.example", "two")
    assert path.read_bytes().startswith(first), "added to: a kill takes no password away"
    sink.keep("bob@x.example", "two")
    sink.drop("ann@x.example")
    sink.drop("nobody@x.example")
    sink.keep("cat@x.example", "three")
    assert path.read_text() == "user_principal_name,password\nbob@x.example,two\ncat@x.example,three\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sink.drop("bob@x.example")
    sink.drop("cat@x.example")
    sink.keep("dan@x.example", "four")
    assert path.read_text() == "user_principal_name,password\ndan@x.example,four\n"
    assert [file.name for file in tmp_path.iterdir()] == ["p.csv"]


def test_a_file_that_somebody_put_there_meanwhile_is_not_touched(tmp_path: Path) -> None:
    sink = PasswordFile(tmp_path / "p.csv")
    (tmp_path / "p.csv").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="cannot be written"):
        sink.keep("ann@x.example", "one")
    assert not (tmp_path / "elsewhere").exists()


def test_permissions_cover_one_another() -> None:
    action = ACTIONS["disable_account"]
    assert missing_permissions(action, []) == ["User.EnableDisableAccount.All", "User.Read.All"]
    assert missing_permissions(action, ["User.EnableDisableAccount.All"]) == ["User.Read.All"]
    assert missing_permissions(action, ["User.ReadWrite.All"]) == []
    reading = [
        "Reports.Read.All",
        "User.Read.All",
        "AuditLog.Read.All",
        "Organization.Read.All",
        "GroupMember.Read.All",
    ]
    assert writing_permissions(reading) == []
    needed = {name for one in ACTIONS.values() for name in one.permissions} - {"User.Read.All"}
    assert set(writing_permissions(needed)) == needed


def test_every_action_says_what_it_does_needs_and_how_it_is_undone() -> None:
    target = Target(user_id="1", user_principal_name="ann@x.example")
    parameters = {"sku_id": SKU, "group_id": "g", "manager_id": "m", "user_type": "Guest", "department": "d",
                  "message": "gone", "address": "a@b.example", "displayName": "Ann"}  # fmt: skip
    for action in ACTIONS.values():
        step = make_step(action.name, target, parameters, reason="a test")
        assert step.after
        assert action.describe(step)
        assert action.undo(step)
        assert action.permissions
