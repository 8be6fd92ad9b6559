"""A policy from end to end: somebody is disabled, a sync sees it, the policy plans, the change is made, the next sync
confirms it, and the saving stands in what is published until the licence is given again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipelines.defs.actions.assets import PLANS, plans
from pipelines.defs.resources import Workplace
from pipelines.graph.write import GraphWriter
from pipelines.settings import Settings
from pipelines.warehouse.traces import files_naming
from tests.integration.actions_rig import only_direct
from tests.integration.conftest import Rig
from tests.synced import LEFT_SKU, PRICES, Synced, company

POLICIES = """
[[policy]]
name = "disabled-licensed"
kind = "disabled_licensed"
days = 0
apply = "auto"
skus = ["{sku}"]
max_changes = {limit}
"""


@contextmanager
def writer(rig: Rig) -> Iterator[GraphWriter]:
    told = {**rig.server.settings(), **rig.server.action_settings()}
    values: dict[str, Any] = {name.removeprefix("M365_").lower(): value for name, value in told.items()}
    settings = Settings(_env_file=None, allow_actions=True, **values)
    client = GraphWriter(settings, settings.tenants()[0])
    yield client
    client.close()


def environment(rig: Rig, allowed: bool = True) -> dict[str, str]:
    return {
        **rig.environment(),
        **rig.server.action_settings(),
        "M365_ALLOW_ACTIONS": "1" if allowed else "0",
        "M365_RULES_DIR": str(rig.data_dir / "rules"),
        "M365_ENV_FILE": os.devnull,
    }


def run_actions(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, *, apply: bool, allowed: bool = True
) -> tuple[bool, dict[str, Any], str]:
    """The step of the job actions, as Dagster runs it: whether it went well, its metadata, and why it failed."""
    for name, value in environment(rig, allowed).items():
        monkeypatch.setenv(name, value)
    config = {"ops": {"__".join(PLANS.path): {"config": {"apply": apply}}}}
    done = dg.materialize([plans], resources={"workplace": Workplace()}, run_config=config, raise_on_error=False)
    failures = [event.step_failure_data for event in done.all_events if event.is_step_failure]
    words = " ".join(str(one.user_failure_data.description if one.user_failure_data else one.error) for one in failures)
    found = done.asset_materializations_for_node("__".join(PLANS.path)) if done.success else []
    metadata = {name: value.value for one in found for name, value in one.metadata.items()}
    return done.success, metadata, words


def published(rig: Rig, sql: str, build: str = "published_admin") -> list[tuple[Any, ...]]:
    with duckdb.connect(str((rig.data_dir / build / "m365_usage.duckdb").resolve()), read_only=True) as con:
        return con.execute(sql).fetchall()


def sync(rig: Rig) -> None:
    done = rig.command("sync", **environment(rig))
    assert done.returncode == 0, done.stdout + done.stderr


def writes(rig: Rig) -> list[str]:
    return [
        record.path
        for record in rig.server.requests
        if record.method in ("POST", "PATCH", "PUT", "DELETE") and record.path.startswith("/v1.0/")
    ]


@pytest.fixture(scope="module")
def rig(synced_company: Synced, make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig(company())
    synced_company.copied_to(rig.data_dir)
    return rig


@pytest.fixture(scope="module")
def story(rig: Rig) -> dict[str, Any]:
    """Two people are disabled who hold the same product, and nothing else, directly; then a sync."""
    left = [user for user in rig.server.tenant.users() if LEFT_SKU in only_direct(user) and not user["accountEnabled"]]
    assert len(left) == 2
    return {"sku_id": LEFT_SKU, "leaving": left, "rules": rig.data_dir / "rules"}


def policy(story: dict[str, Any], limit: int) -> None:
    (story["rules"] / "policies.toml").write_text(POLICIES.format(sku=story["sku_id"], limit=limit))


def plan_files(rig: Rig) -> list[Path]:
    return sorted((rig.data_dir / "actions" / "plans").glob("*.json"))


@pytest.mark.story
@pytest.mark.timeout(600)
class TestFromPolicyToSaving:
    """One company; the tests follow one another."""

    def test_without_a_policy_nothing_is_planned(
        self, rig: Rig, story: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        success, metadata, _ = run_actions(rig, monkeypatch, apply=True)
        assert success
        assert (metadata["new_plans"], metadata["policies"]) == (0, "There are no policies.")
        done = rig.command("actions", "policies", **environment(rig))
        assert done.returncode == 2
        assert "There are no policies" in done.stderr

    def test_a_change_beyond_the_limit_waits_for_somebody(
        self, rig: Rig, story: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policy(story, limit=1)
        rig.server.requests.clear()
        shown = rig.command("actions", "policies", "--json", **environment(rig))
        assert shown.returncode == 0, shown.stderr
        (result,) = json.loads(shown.stdout)
        assert (result["state"], result["steps_left"], result["limit"]) == ("over_limit", 2, 1)
        assert not plan_files(rig), "showing writes no plan"
        success, metadata, words = run_actions(rig, monkeypatch, apply=True)
        assert success, words
        assert (metadata["new_plans"], metadata["new_steps"], metadata["changes"]) == (1, 2, 0)
        assert metadata["planned_monthly_saving_EUR"] == 2 * PRICES[LEFT_SKU]
        assert "remove direct licence" in metadata["plans"]
        assert not writes(rig)
        assert len(plan_files(rig)) == 1

    def test_the_same_plan_is_not_made_twice(
        self, rig: Rig, story: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        success, metadata, _ = run_actions(rig, monkeypatch, apply=True)
        assert success
        assert (metadata["new_plans"], metadata["steps_left"]) == (0, 2)
        assert len(plan_files(rig)) == 1

    def test_a_run_is_dry_unless_told_otherwise_and_never_while_actions_are_off(
        self, rig: Rig, story: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policy(story, limit=5)
        success, metadata, _ = run_actions(rig, monkeypatch, apply=False)
        assert success
        assert (metadata["steps_would_change"], metadata["changes"]) == (2, 0)
        success, metadata, words = run_actions(rig, monkeypatch, apply=True, allowed=False)
        assert success, words
        assert (metadata["steps_left"], metadata["changes"]) == (2, 0)
        assert not writes(rig)

    def test_within_the_limit_the_plan_is_applied(
        self, rig: Rig, story: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        success, metadata, words = run_actions(rig, monkeypatch, apply=True)
        assert success, words
        assert (metadata["changes"], metadata["steps_done"]) == (2, 2)
        assert len(writes(rig)) == 2
        for user in story["leaving"]:
            now = next(one for one in rig.server.tenant.users() if one["id"] == user["id"])
            assert story["sku_id"] not in only_direct(now)
        again, metadata, _ = run_actions(rig, monkeypatch, apply=True)
        assert again
        assert (metadata["new_plans"], metadata["changes"], len(writes(rig))) == (0, 0, 2)

    def test_the_next_sync_confirms_each_step_and_the_saving(self, rig: Rig, story: dict[str, Any]) -> None:
        sync(rig)
        names = {user["userPrincipalName"].lower() for user in story["leaving"]}
        rows = published(
            rig,
            "select lower(user_principal_name), outcome, is_confirmed, confirmed_on, reversed_on, "
            "planned_monthly_saving, source, sku_id from action_log",
        )
        assert {row[0] for row in rows} == names
        assert {row[1:3] for row in rows} == {("done", True)}
        assert {row[5:] for row in rows} == {(PRICES[LEFT_SKU], "policy-disabled-licensed", LEFT_SKU)}
        saving = (
            "select taken_back, assigned_again, still_free, realised_monthly_saving, currency from realised_savings"
        )
        for build in ("published_admin", "published"):
            assert published(rig, saving, build) == [(2, 0, 2, 2 * PRICES[LEFT_SKU], "EUR")]
        assert not [name for name in names if name.encode() in published_bytes(rig, "published")]

    @pytest.mark.soak
    def test_a_licence_given_again_ends_the_saving(self, rig: Rig, story: dict[str, Any]) -> None:
        first = story["leaving"][0]
        body = {"addLicenses": [{"skuId": story["sku_id"], "disabledPlans": []}], "removeLicenses": []}
        with writer(rig) as client:
            client.write("POST", f"users/{first['id']}/assignLicense", client.context("assigning"), body)
        sync(rig)
        rows = published(rig, "select user_id, is_confirmed, reversed_on is not null from action_log")
        assert {row[0]: row[1:] for row in rows} == {
            first["id"]: (False, True),
            story["leaving"][1]["id"]: (True, False),
        }
        saving = "select taken_back, assigned_again, still_free, realised_monthly_saving from realised_savings"
        assert published(rig, saving) == [(2, 1, 1, PRICES[LEFT_SKU])]

    @pytest.mark.soak
    def test_a_rebuild_keeps_what_was_done(self, rig: Rig, story: dict[str, Any]) -> None:
        before = published(rig, "from action_log order by all")
        done = rig.command("rebuild", **environment(rig))
        assert done.returncode == 0, done.stderr
        assert published(rig, "from action_log order by all") == before

    @pytest.mark.soak
    def test_whoever_is_forgotten_is_named_nowhere(self, rig: Rig, story: dict[str, Any]) -> None:
        first, second = story["leaving"]
        done = rig.command("forget", first["userPrincipalName"], "--yes", **environment(rig))
        assert done.returncode == 0, done.stdout + done.stderr
        names = [first["userPrincipalName"], first["id"]]
        assert files_naming(rig.data_dir, names) == []
        assert not plan_files(rig), "the plan named them"
        rows = published(rig, "select user_id, outcome, undo is null from action_log order by user_id nulls first")
        assert rows == [(None, "done", True), (second["id"], "done", False)]
        for build in ("published_admin", "published"):
            assert not [name for name in names if name.lower().encode() in published_bytes(rig, build)]


def published_bytes(rig: Rig, build: str) -> bytes:
    return (rig.data_dir / build / "m365_usage.duckdb").resolve().read_bytes().lower()
