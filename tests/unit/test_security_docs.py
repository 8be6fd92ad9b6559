"""docs/security.md says only what something proves: its table of claims, and those that nothing else tests."""

from __future__ import annotations

import ast
import os
import re
import stat
from pathlib import Path
from unittest.mock import Mock

import dagster as dg
import duckdb
import pytest
import yaml

from pipelines.cli.dagster_home import prepare_dagster_home
from pipelines.cli.published import open_published
from pipelines.cli.ui import ui
from pipelines.graph import directory, reports
from pipelines.graph.errors import GraphContext, ProtocolError
from pipelines.graph.monitor import Monitor
from pipelines.settings import Settings
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.publish import DATABASE_NAME

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def claims() -> list[list[str]]:
    """The rows of the table of claims: claim, where, proved by."""
    lines = DOCUMENT[DOCUMENT.index("| claim | where | proved by |") :].splitlines()[2:]
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[:end]]


def functions_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_claim_names_code_and_a_test_that_are_there() -> None:
    found = claims()
    assert len(found) > 30
    for claim, where, proof in found:
        files = re.findall(r"`([^`]+)`", where)
        assert files, claim
        assert all((ROOT / name).exists() for name in files), (claim, files)
        proofs = re.findall(r"`([\w/]+\.py)::(\w+)`", proof)
        assert proofs, claim
        for file, name in proofs:
            assert name in functions_of(ROOT / "tests" / file), (claim, file, name)


def test_the_reading_app_needs_permissions_to_read_only() -> None:
    endpoints = [value for value in vars(directory).values() if isinstance(value, directory.Endpoint)]
    endpoints += [directory.users(10, with_sign_ins=True), directory.users_changed_since("https://x.example/")]
    asked = " ".join([reports.PERMISSION, *(endpoint.permission for endpoint in endpoints)])
    found = set(re.findall(r"\b[A-Z]\w+\.[\w.]+\b", asked))
    assert len(found) >= 6
    assert all(name.endswith(".Read.All") for name in found), found
    guide = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in guide for name in found)
    assert all(f"`{name}`" in DOCUMENT for name in found)


def test_the_ui_listens_on_this_machine_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DAGSTER_HOME", "M365_ENV_FILE", "M365_DATA_DIR", "M365_RULES_DIR"):
        # Set and taken away again: what the command sets is undone after the test.
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    monkeypatch.setenv("M365_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    started = Mock()
    monkeypatch.setattr(os, "execv", started)
    ui(port=3007)
    arguments = started.call_args.args[1]
    assert arguments[arguments.index("-h") + 1] == "127.0.0.1"
    assert arguments[arguments.index("-p") + 1] == "3007"


def test_dagster_s_folder_is_private_and_tells_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "x")
    monkeypatch.delenv("DAGSTER_HOME")
    before = os.umask(0o022)
    try:
        home = prepare_dagster_home(Settings(_env_file=None, data_dir=tmp_path / "data"))  # type: ignore[call-arg]
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    with dg.DagsterInstance.get() as instance:
        assert instance.telemetry_enabled is False
        assert instance.root_directory == str(home)
    deployed = yaml.safe_load((ROOT / "deploy" / "dagster" / "dagster.yaml").read_text(encoding="utf-8"))
    assert deployed["telemetry"] == {"enabled": False}


def test_dbt_tells_nobody() -> None:
    project = yaml.safe_load((ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["flags"]["send_anonymous_usage_stats"] is False


def test_duckdb_fetches_no_extension_for_the_warehouse(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb", wait_seconds=0) as con:
        assert con.execute("select current_setting('autoinstall_known_extensions')").fetchone() == (False,)
    # dbt's own connections: no extension is named, so none is installed or loaded.
    profiles = yaml.safe_load((ROOT / "dbt_project" / "profiles.yml").read_text(encoding="utf-8"))
    assert not profiles["m365_usage"]["outputs"]["dev"].get("extensions")


@pytest.mark.parametrize("is_shareable", [True, False])
def test_the_published_copy_is_opened_for_reading_only(tmp_path: Path, is_shareable: bool) -> None:
    folder = tmp_path / ("published" if is_shareable else "published_admin")
    folder.mkdir()
    with duckdb.connect(str(folder / DATABASE_NAME)) as con:
        con.execute("create table apps as select 'word' as app")
    con = open_published(Settings(_env_file=None, data_dir=tmp_path), shareable=is_shareable)  # type: ignore[call-arg]
    try:
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute("delete from apps")
    finally:
        con.close()


@pytest.mark.parametrize(
    "address",
    [
        "https://files.example.net/monitor",
        "http://contoso-my.sharepoint.com/monitor",
        "https://me@contoso-my.sharepoint.com/monitor",
        "https://sharepoint.com.example.net/monitor",
    ],
)
def test_progress_is_read_from_microsoft_only(address: str) -> None:
    client = Mock(download_hosts=(".office.com",))
    client.tenant.graph_url = "https://graph.microsoft.com"
    context = GraphContext("t", "copying")
    with pytest.raises(ProtocolError, match="which is not Microsoft's") as caught:
        Monitor(client, f"{address}?key=CANARY", context)
    assert "CANARY" not in str(caught.value)
    assert Monitor(client, "https://contoso-my.sharepoint.com/monitor", context)


def test_what_is_confidential_stays_out_of_the_repository() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".env", "tenants.toml", "secrets/", "data/", "/rules/"} <= set(ignored)
