"""m365-usage actions as people and machines use it, on a company that was really synced."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.integration.actions_rig import ActionsRig, Json, direct, only_direct, open_rig
from tests.synced import PRICES, Synced, company


@pytest.fixture(scope="module")
def synced(synced_company: Synced, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActionsRig]:
    with open_rig(tmp_path_factory.mktemp("synced"), company()) as rig:
        synced_company.copied_to(rig.data_dir)
        yield rig


@pytest.fixture
def rig(synced: ActionsRig) -> Iterator[ActionsRig]:
    """The synced company as it was when it was synced, with nothing done yet."""
    former = synced.server.tenant
    synced.server.tenant = company()
    synced.server.requests.clear()
    yield synced
    synced.server.tenant = former
    for path in sorted((synced.data_dir / "actions").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def published(rig: ActionsRig, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str((rig.data_dir / "published_admin" / "m365_usage.duckdb").resolve()), read_only=True) as con:
        return con.execute(sql).fetchall()


def plan(rig: ActionsRig, *arguments: str, **extra: str) -> Json:
    done = rig.command("actions", "plan", *arguments, "--json", **extra)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def file_of(rig: ActionsRig, made: Json) -> str:
    return str(rig.data_dir / "actions" / "plans" / f"{made['plan_id']}.json")


def test_reclaimable_licences_become_a_plan_that_adds_up(rig: ActionsRig) -> None:
    made = plan(rig, "--reclaimable")
    rows = published(
        rig,
        "select user_principal_name, sku_id, reason, removable, monthly_saving from reclaimable_licenses order by all",
    )
    direct_rows = {(name.lower(), sku) for name, sku, _, removable, _ in rows if removable in ("direct", "both")}
    steps = [step for step in made["steps"] if step["action"] == "remove_license"]
    planned = {(step["target"]["user_principal_name"].lower(), step["parameters"]["sku_id"]) for step in steps}
    assert planned == direct_rows
    assert len(planned) >= 5
    saved = sum(float(step["monthly_saving"] or 0) for step in made["steps"])
    left = {item["target"]["user_principal_name"].lower() for item in made["by_hand"]}
    expected = sum(float(saving or 0) for name, *_, saving in rows if name.lower() not in left)
    assert saved == pytest.approx(expected)
    assert saved > 0
    assert all(step["evidence"] and step["before"] and step["permission"] for step in made["steps"])
    assert made["publish_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made["data_through"])
    text = Path(file_of(rig, made)).with_suffix(".md").read_text()
    assert "EUR" in text
    assert not rig.writes()


def test_what_comes_through_a_group_leaves_the_group_or_is_listed_by_hand(rig: ActionsRig) -> None:
    made = plan(rig, "--reclaimable")
    rows = published(rig, "select user_principal_name, assigned_by_group from reclaimable_licenses "
                          "where removable = 'group'")  # fmt: skip
    synced = {group["id"] for group in rig.server.tenant.groups() if group.get("onPremisesSyncEnabled")}
    for name, group_id in rows:
        steps = [step for step in made["steps"] if step["parameters"].get("group_id") == group_id
                 and step["target"]["user_principal_name"].lower() == name.lower()]  # fmt: skip
        notes = [item for item in made["by_hand"] if item["target"]["user_principal_name"].lower() == name.lower()]
        assert len(steps) + len(notes) >= 1
        if group_id in synced:
            assert "on premises" in notes[0]["why"]
        elif steps:
            assert "touches nobody but this person" in " ".join(steps[0]["notes"])


def test_filters_leave_the_rest_out(rig: ActionsRig) -> None:
    everything = plan(rig, "--reclaimable")["steps"]
    by_sku = plan(rig, "--reclaimable", "--sku", "spe_e3")["steps"]
    assert by_sku
    assert {step["parameters"].get("sku_part_number", "SPE_E3") for step in by_sku} == {"SPE_E3"}
    never_used = [step for step in everything if "never used" in step["reason"]]
    assert 0 < len(never_used) < len(everything)
    found = plan(rig, "--reclaimable", "--reason", "never_used")["steps"]
    assert [(step["target"], step["parameters"]) for step in found] == [
        (step["target"], step["parameters"]) for step in never_used
    ]
    assert len(plan(rig, "--reclaimable", "--limit", "1")["steps"]) == 1
    assert plan(rig, "--reclaimable", "--department", "No such department")["steps"] == []
    wrong = rig.command("actions", "plan", "--reclaimable", "--reason", "boredom")
    assert (wrong.returncode, "There is no reason boredom" in wrong.stderr) == (2, True)


def test_what_changed_since_is_left_out_and_old_data_are_a_warning(rig: ActionsRig) -> None:
    first = next(step for step in plan(rig, "--reclaimable")["steps"] if step["action"] == "remove_license")
    user, sku = first["target"]["user_principal_name"], first["parameters"]["sku_id"]
    done = rig.command("actions", "apply", plan(rig, "--user", user, "--remove", sku)["plan_id"], "--yes")
    assert done.returncode == 0, done.stderr
    made = plan(rig, "--reclaimable", M365_TODAY="2026-11-20")
    assert not [s for s in made["steps"] if s["target"] == first["target"] and s["parameters"].get("sku_id") == sku]
    assert any("no longer so since the data were published: 1 licences" in note for note in made["notes"])
    assert any("The data are 23 days old" in note for note in made["notes"])


def test_pseudonyms_are_no_obstacle_as_the_warehouse_knows_the_names(rig: ActionsRig) -> None:
    real = {step["target"]["user_principal_name"] for step in plan(rig, "--reclaimable")["steps"]}
    path = (rig.data_dir / "published_admin" / "m365_usage.duckdb").resolve()
    with_names = path.read_bytes()
    with duckdb.connect(str(path)) as con:
        con.execute("insert into publish_info values ('people', 'pseudonyms')")
        con.execute("update users set user_principal_name = 'p' || user_key, user_id = 'p' || user_key")
    try:
        found = {step["target"]["user_principal_name"] for step in plan(rig, "--reclaimable")["steps"]}
    finally:
        path.write_bytes(with_names)
    assert found == real


def test_a_plan_is_looked_at_applied_in_parts_and_told(rig: ActionsRig) -> None:
    made = plan(rig, "--reclaimable", "--limit", "4")
    file, count = file_of(rig, made), len(made["steps"])
    assert count == 4
    dry = rig.command("actions", "apply", file, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert f"{count} would change" in dry.stdout
    asked = rig.command("actions", "apply", file, answer="n\n")
    assert asked.returncode == 0
    assert f"Make {count} changes in tenant" in asked.stderr
    assert "Nothing was changed." in asked.stderr
    assert not rig.writes()
    first = rig.command("actions", "apply", file, "--yes", "--max-changes", "2", "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert (told["changes"], told["counts"]) == (2, {"done": 2, "left": count - 2})
    status = rig.command("actions", "status", f"{made['plan_id']}")
    assert f"2 of {count} steps need nothing more; {count - 2} left." in status.stdout
    second = rig.command("actions", "apply", file, answer="y\n")
    assert second.returncode == 0, second.stderr
    assert second.stdout.strip() == f"{count} done (2 of them by an apply before this one)"
    writes = len(rig.writes())
    assert writes == count
    third = rig.command("actions", "apply", file, "--yes")
    assert (third.returncode, len(rig.writes())) == (0, writes)
    log = rig.command("actions", "log")
    assert log.stdout.count("remove_license") + log.stdout.count("remove_group_membership") == count
    records = [json.loads(line) for line in rig.command("actions", "log", "--json").stdout.splitlines()]
    assert [record["kind"] for record in records] == ["intent", "outcome"] * count


def test_a_changed_an_old_and_a_foreign_plan_are_refused(rig: ActionsRig) -> None:
    made = plan(rig, "--reclaimable", "--limit", "1")
    path = Path(file_of(rig, made))
    whole = path.read_text()
    path.write_text(whole.replace(made["steps"][0]["target"]["user_id"], "0" * 36))
    changed = rig.command("actions", "apply", str(path), "--yes")
    assert (changed.returncode, "was changed after it was made" in changed.stderr) == (2, True)
    path.write_text(whole)
    other = rig.command("actions", "apply", str(path), "--yes", M365_TENANT_ID="22222222-2222-4222-8222-222222222222")
    assert (other.returncode, "was made for tenant" in other.stderr) == (2, True)
    missing = rig.command("actions", "apply", "nothing.json", "--yes")
    assert (missing.returncode, "There is no plan" in missing.stderr) == (2, True)
    assert not rig.writes()


def test_a_leaver_by_command_saves_what_the_prices_say(rig: ActionsRig) -> None:
    sku = next(sku for sku in rig.server.tenant.subscribed_skus() if sku["skuPartNumber"] == "SPE_E3")["skuId"]
    user = rig.users(lambda one: sku in only_direct(one) and one.get("manager"), synced=None)[0]
    made = plan(rig, "--leaver", user["userPrincipalName"], "--onedrive", "none")
    assert [step["action"] for step in made["steps"]][-1] in ("remove_license", "remove_group_membership")
    saving = next(step["monthly_saving"] for step in made["steps"] if step["parameters"].get("sku_id") == sku)
    assert saving == f"{PRICES[sku]:.2f}"
    done = rig.command("actions", "apply", file_of(rig, made), "--yes")
    assert done.returncode == 0, done.stderr
    now = rig.user(user["id"])
    assert (now["accountEnabled"], direct(now)) == (False, [])


def test_single_wishes_by_command(rig: ActionsRig) -> None:
    user, manager = rig.users()[:2]
    made = plan(rig, "--user", user["userPrincipalName"], "--disable", "--manager", manager["userPrincipalName"],
                "--set", "department=Elsewhere", "--user-type", "Guest", "--revoke-sessions")  # fmt: skip
    done = rig.command("actions", "apply", made["plan_id"], "--yes")
    assert done.returncode == 0, done.stderr
    now = rig.user(user["id"])
    assert (now["accountEnabled"], now["department"], now["userType"]) == (False, "Elsewhere", "Guest")
    assert now["manager"]["id"] == manager["id"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Say what the plan is to be made from"),
        (("--reclaimable", "--user", "x"), "Say what the plan is to be made from"),
        (("--user", "nobody@fabrikam.example", "--disable"), "Nobody in tenant"),
        (("--user", "USER"), "Say what is to be done with the person"),
        (("--user", "USER", "--enable", "--disable"), "exclude one another"),
        (("--user", "USER", "--assign", "NO_SUCH"), "The tenant has no product NO_SUCH"),
        (("--user", "USER", "--add-group", "no-such"), "There is no group no-such"),
        (("--user", "USER", "--set", "colour=red"), "There is no attribute colour"),
        (("--user", "USER", "--set", "colour"), "write it as NAME=VALUE"),
        (("--user", "USER", "--user-type", "Robot"), "must be one of Member, Guest"),
        (("--user", "USER", "--disable", "--sku", "SPE_E3"), "--sku does not go with --user"),
        (("--leaver", "USER", "--disable"), "--disable does not go with --leaver"),
        (("--reclaimable", "--keep-licences"), "--keep-licences does not go with --reclaimable"),
        (("--joiner", "nothing.csv"), "cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wish_that_cannot_be_is_refused_in_words(rig: ActionsRig, arguments: tuple[str, ...], words: str) -> None:
    name = rig.users()[0]["userPrincipalName"]
    done = rig.command("actions", "plan", *(name if one == "USER" else one for one in arguments))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_joiner_s_password_is_asked_for_a_place_first(rig: ActionsRig, tmp_path: Path) -> None:
    domain = rig.server.tenant.spec.domain
    (tmp_path / "joiners.csv").write_text(f"mail,display_name\nnora@{domain},Nora Newcomer\n")
    made = plan(rig, "--joiner", str(tmp_path / "joiners.csv"))
    nowhere = rig.command("actions", "apply", file_of(rig, made), "--yes")
    assert (nowhere.returncode, "say where their passwords go" in nowhere.stderr) == (2, True)
    unseen = rig.command("actions", "apply", file_of(rig, made), "--yes", "--show-password")
    assert (unseen.returncode, "needs a terminal" in unseen.stderr) == (2, True)
    done = rig.command("actions", "apply", file_of(rig, made), "--yes", "--password-file", str(tmp_path / "p.csv"))
    assert done.returncode == 0, done.stderr
    password = (tmp_path / "p.csv").read_text().splitlines()[1].partition(",")[2].strip('"')
    assert len(password) >= 16
    assert password not in done.stdout + done.stderr
    again = rig.command("actions", "apply", file_of(rig, made), "--yes", "--password-file", str(tmp_path / "p.csv"))
    assert (again.returncode, "is not overwritten" in again.stderr) == (2, True)


def test_on_a_terminal_a_password_is_shown_once(rig: ActionsRig, tmp_path: Path) -> None:
    domain = rig.server.tenant.spec.domain
    (tmp_path / "joiners.csv").write_text(f"mail,display_name\nterm@{domain},Terry Minal\n")
    made = plan(rig, "--joiner", str(tmp_path / "joiners.csv"))
    master, slave = pty.openpty()
    program = str(Path(sys.executable).with_name("m365-usage"))
    child = subprocess.Popen(
        [program, "actions", "apply", file_of(rig, made), "--yes", "--show-password"],
        env={**rig.environment(), "TERM": "dumb"}, cwd=rig.data_dir, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            block = os.read(master, 4096)
        except OSError:
            break
        if not block:
            break
        shown += block
    assert child.wait() == 0, shown
    os.close(master)
    found = re.findall(rf"term@{domain}: (\S+)\r?\n".encode(), shown)
    assert len(found) == 1
    assert len(found[0]) >= 16
    kept = b"".join(path.read_bytes() for path in (rig.data_dir / "actions").rglob("*") if path.is_file())
    assert found[0] not in kept
