"""What Dagster loads: complete, connected, and on time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.defs.extract.partitions import report_day_partitions
from pipelines.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    os.environ["M365_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    try:
        from pipelines.definitions import defs
    finally:
        del os.environ["M365_DATA_DIR"]
    return defs


def test_definitions_validate_without_a_word_of_ours(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("dagster"), "definitions", "validate", "-w", str(ROOT / "workspace.yaml")],
        env={**os.environ, "DAGSTER_HOME": str(tmp_path), "M365_DATA_DIR": str(tmp_path / "data")},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    warnings = [
        line for line in (done.stdout + done.stderr).splitlines() if re.search(r"warn|deprecat|beta", line, re.I)
    ]
    ours = [
        line
        for line in warnings
        if "No dagster instance configuration" not in line and "SupersessionWarning" not in line
    ]
    assert ours == []


def test_every_source_of_dbt_has_an_asset_that_fills_it(defs: dg.Definitions) -> None:
    manifest = json.loads((ROOT / "dbt_project" / "target" / "manifest.json").read_text())
    sources = {dg.AssetKey([node["source_name"], node["name"]]) for node in manifest["sources"].values()}
    graph = defs.resolve_asset_graph()
    assert sources
    assert {key for key in sources if not graph.get(key).parent_keys} == set()


def test_lineage_runs_from_graph_to_the_published_files(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for build in ("shareable", "admin"):
        upstream, ahead = set(), {dg.AssetKey(["published", build])}
        while ahead:
            upstream |= ahead
            ahead = {parent for key in ahead for parent in graph.get(key).parent_keys} - upstream
        for endpoint in ("getM365AppUserDetail", "users", "subscribedSkus", "organization", "reportSettings"):
            assert dg.AssetKey(["graph", endpoint]) in upstream, (build, endpoint)
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name not in (None, "default"), key
        if key.path[0] in ("graph", "landing", "raw", "ledger", "staging", "intermediate", "marts", "published"):
            assert node.description, key


def test_every_asset_says_what_it_is_and_whose(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    assert len(keys) > 150
    for key in keys:
        node = graph.get(key)
        assert node.owners == ["team:analytics"], key
        assert node.kinds, key
        assert node.description, key
        if node.group_name in ("graph", "landing", "published") or key.path[0] in ("rules_folder", "actions_folder"):
            continue
        assert node.metadata["dagster/table_name"].endswith(re.sub("^(shareable__|seed_)", "", key.path[-1])), key
        columns = node.metadata["dagster/column_schema"].columns
        assert columns, key
        assert not [column for column in columns if not column.description], key
        if key.path[0] in ("raw", "ledger", "rules", "actions"):
            assert not [column.name for column in columns if column.type == "?"], key


def test_columns_come_from_columns_that_there_are(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    told = 0
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        lineage = node.metadata.get("dagster/column_lineage")
        for name, sources in (lineage.deps_by_column if lineage else {}).items():
            (source,) = sources
            assert source.asset_key in node.parent_keys, key
            there = {column.name for column in graph.get(source.asset_key).metadata["dagster/column_schema"].columns}
            assert source.column_name == name
            assert name in there, (key, name)
            told += 1
    assert told > 300


def test_every_check_says_what_it_sees_to(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    described = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
    assert len(described) > 50
    assert [key for key, spec in described.items() if not spec.description or "{{" in spec.description] == []
    shown = {(key.asset_key.path[-1], key.name) for key in described}
    assert ("suite_usage_daily", "suite_agrees_with_its_apps") in shown
    assert ("app_usage_28d", "windows_agree_with_people") in shown


def test_a_run_tests_what_goes_out_and_what_guards_people(defs: dg.Definitions) -> None:
    names = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    singular = {path.stem for path in (ROOT / "dbt_project" / "tests").glob("*.sql")}
    assert singular - names == {"packed_apps_agree_with_seed"}
    assert {name for name in names if name.startswith("unique_combination_of_columns_int_")} == set()
    assert len([name for name in names if name.startswith("unique_combination_of_columns_")]) > 20


def test_jobs_say_what_they_do(defs: dg.Definitions) -> None:
    for name in ("sync", "refresh", "check", "actions"):
        job = defs.resolve_job_def(name)
        assert job.run_tags["m365/does"]
        assert job.description


def test_every_step_that_opens_the_warehouse_is_in_the_pool(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("sync")
    pools = {op.name: op.pool for op in job.all_node_defs if isinstance(op, dg.OpDefinition)}
    assert {name for name, pool in pools.items() if pool == "duckdb"} == {
        "load",
        "dbt",
        "publish",
        "raw_health",
        "rules",
        "actions__action_log",
    }
    instance = (ROOT / "dagster.yaml").read_text()
    assert re.search(r"pools:\s+granularity: op\s+default_limit: 1", instance)


def test_report_days_become_partitions_two_days_later_in_one_backfill(defs: dg.Definitions, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    assert report_day_partitions(settings).get_last_partition_key() == str(settings.today_utc - timedelta(days=2))
    pinned = report_day_partitions(Settings(_env_file=None, data_dir=tmp_path, today=date(2026, 10, 30)))
    assert (pinned.get_first_partition_key(), pinned.get_last_partition_key()) == ("2026-10-01", "2026-10-28")
    node = defs.resolve_asset_graph().get(dg.AssetKey(["landing", "report_days"]))
    assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_the_schedule_is_on_and_says_why_it_skips(
    defs: dg.Definitions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schedule = defs.resolve_schedule_def("sync_daily")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "0 6 * * *"
    assert schedule.execution_timezone == Settings(_env_file=None).schedule_timezone
    for name in [name for name in os.environ if name.startswith("M365_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    context = dg.build_schedule_context()
    skipped = schedule.evaluate_tick(context)
    assert skipped.run_requests == []
    assert "M365_TENANT_ID" in (skipped.skip_message or "")
    for name in ("M365_TENANT_ID", "M365_CLIENT_ID", "M365_CLIENT_SECRET"):
        monkeypatch.setenv(name, "11111111-2222-3333-4444-555555555555")
    assert len(schedule.evaluate_tick(context).run_requests or []) == 1


def test_policies_run_by_themselves_only_where_somebody_wants_it(
    defs: dg.Definitions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = defs.resolve_sensor_def("policies_after_sync")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    for name in ("sync", "refresh"):
        keys = defs.resolve_job_def(name).asset_layer.executable_asset_keys
        assert dg.AssetKey(["actions_folder", "plans"]) not in keys, name
        assert dg.AssetKey(["actions", "action_log"]) in keys, name
    for name in [name for name in os.environ if name.startswith("M365_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def tick() -> dg.RunRequest | str:
        with dg.DagsterInstance.ephemeral() as instance:
            run = dg.DagsterRun(job_name="sync", run_id="11111111-2222-3333-4444-555555555555")
            event = dg.DagsterEvent("PIPELINE_SUCCESS", job_name="sync")
            context = dg.build_run_status_sensor_context("policies_after_sync", event, instance, run)
            found = policies_after_sync(context)
        return found if isinstance(found, dg.RunRequest) else str(found.skip_message)

    from pipelines.defs.actions.automation import policies_after_sync

    assert "There are no policies" in str(tick())
    (tmp_path / "rules").mkdir()
    policies = tmp_path / "rules" / "policies.toml"
    policies.write_text('[[policy]]\nname = "a"\nkind = "nothing"\n')
    assert "policies.toml, line 1: there is no such kind" in str(tick())
    policies.write_text('[[policy]]\nname = "a"\nkind = "disabled_licensed"\n')
    assert "M365_ALLOW_ACTIONS is not set" in str(tick())
    monkeypatch.setenv("M365_ALLOW_ACTIONS", "1")
    asked = tick()
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_config == {"ops": {"actions_folder__plans": {"config": {"apply": True}}}}
    job = defs.resolve_job_def("actions")
    assert dg.validate_run_config(job, asked.run_config)
    by_itself = dg.validate_run_config(job)
    assert by_itself
    assert by_itself["ops"]["actions_folder__plans"]["config"]["apply"] is False, "a run that nobody configured is dry"
