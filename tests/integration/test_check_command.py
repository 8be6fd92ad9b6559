"""m365-usage check as people and machines use it: lines, JSON, exit codes; and the same as a Dagster asset check."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines import cli
from pipelines.defs.extract.connection import connection
from pipelines.defs.extract.sources import endpoints
from pipelines.defs.resources import Workplace
from tests.integration.conftest import Rig, tenant

CANARY = "CANARY~Secret.Value-0815"
ONE_TENANT = ("M365_TENANT_ID", "M365_CLIENT_ID", "M365_CLIENT_SECRET")


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig(tenant(users=30), tenant(2, users=20))


@pytest.fixture
def run(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process, in a folder of its own: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    for name, value in {**rig.server.settings(), "M365_DATA_DIR": str(tmp_path / "data")}.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str, **environment: str) -> tuple[int, str, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["m365-usage", "check", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert CANARY not in out + err
        return int(ended.value.code or 0), out, err

    return command


def write_tenants(rig: Rig, folder: Path) -> list[str]:
    """A tenants.toml with a tenant whose secret is right and one whose secret is wrong."""
    specs = [rig.server.tenant.spec, tenant(2).spec]
    (folder / "tenants.toml").write_text(
        "".join(
            f'[[tenant]]\nname = "{name}"\ntenant_id = "{spec.tenant_id}"\nclient_id = "{spec.client_id}"\n'
            f'client_secret_env = "{name.upper()}_SECRET"\n'
            for name, spec in zip(("Good", "Bad"), specs, strict=True)
        )
    )
    return [spec.tenant_id for spec in specs]


def secrets(rig: Rig) -> dict[str, str]:
    return {**dict.fromkeys(ONE_TENANT, ""), "GOOD_SECRET": rig.server.tenant.spec.client_secret, "BAD_SECRET": CANARY}


def test_all_is_well(rig: Rig, run: Callable[..., Any]) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "This machine"
    assert f"Tenant {rig.server.tenant.spec.tenant_id}" in lines
    checks_made = [line for line in lines if line.startswith("  ")]
    assert len(checks_made) == 22
    assert all(line.startswith("  ok ") for line in checks_made)
    assert lines[-1] == "22 ok"


def test_what_failed_says_how_it_is_mended(rig: Rig, run: Callable[..., Any]) -> None:
    code, out, _ = run(M365_CLIENT_SECRET=CANARY)
    assert code == 1
    lines = out.splitlines()
    number = next(number for number, line in enumerate(lines) if line.startswith("  failed   sign-in "))
    assert lines[number].endswith("The client secret is wrong (AADSTS7000215).")
    assert (
        lines[number + 1].strip().startswith("-> Make a new one (Entra admin centre > App registrations > your app > ")
    )
    assert "skipped, 1 failed" in lines[-1]


def test_warnings_are_no_failure(rig: Rig, run: Callable[..., Any]) -> None:
    company = rig.server.tenant
    rig.server.tenant = company.replaced(is_concealed=True, has_premium=False)
    try:
        code, out, _ = run()
    finally:
        rig.server.tenant = company
    assert code == 0
    assert out.splitlines()[-1] == "19 ok, 3 warning"


def test_json_is_one_document(rig: Rig, run: Callable[..., Any]) -> None:
    code, out, err = run("--json")
    content = json.loads(out)
    assert (code, err) == (0, "")
    assert (content["state"], content["exit_code"]) == ("ok", 0)
    assert sorted(content) == ["checked_at", "exit_code", "machine", "state", "tenants"]
    assert [one["name"] for one in content["machine"]] == ["settings", "data folder", "disk"]
    (found,) = content["tenants"]
    assert sorted(found) == ["checks", "cloud", "name", "sign_in", "state", "tenant_id"]
    assert (found["tenant_id"], found["cloud"], found["sign_in"]) == (
        rig.server.tenant.spec.tenant_id, "global", "secret",
    )  # fmt: skip
    for one in found["checks"]:
        assert sorted(one) == ["message", "name", "remedy", "state"]
        assert one["state"] in ("ok", "warning", "failed", "skipped")
        assert one["message"].endswith(".")


def test_json_of_a_failure(run: Callable[..., Any]) -> None:
    code, out, _ = run("--json", M365_CLIENT_SECRET=CANARY)
    content = json.loads(out)
    assert (code, content["state"], content["exit_code"]) == (1, "failed", 1)
    (failed,) = [one for one in content["tenants"][0]["checks"] if one["state"] == "failed"]
    assert failed["name"] == "sign-in"
    assert failed["remedy"]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"M365_TENANT_ID": ""},
            "The tenant is only partly configured: set M365_TENANT_ID (Entra admin centre > Overview",
        ),
        ({"M365_CLOUD": "mars"}, "M365_CLOUD: must be one of global"),
        ({"M365_CERTIFICATE_FILE": "app.pem"}, "name the one to use in M365_AUTH"),
        ({"M365_CA_BUNDLE": "gone.pem"}, "M365_CA_BUNDLE: names no readable file"),
    ],
)
def test_a_configuration_that_cannot_be_used(
    run: Callable[..., Any], arguments: tuple[str, ...], environment: dict[str, str], words: str
) -> None:
    code, out, err = run(*arguments, **environment)
    assert code == 2
    if arguments:
        content = json.loads(out)
        assert (content["state"], content["exit_code"]) == ("failed", 2)
        assert words in content["error"]
    else:
        assert out == ""
        assert words in " ".join(err.split())


def test_several_tenants_and_one_of_them(rig: Rig, run: Callable[..., Any], tmp_path: Path) -> None:
    ids = write_tenants(rig, tmp_path)
    code, out, _ = run("--json", **secrets(rig))
    content = json.loads(out)
    assert code == 1
    assert [(one["tenant_id"], one["name"], one["state"]) for one in content["tenants"]] == [
        (ids[0], "Good", "ok"),
        (ids[1], "Bad", "failed"),
    ]
    code, out, _ = run("--json", "--tenant", "good")
    assert (code, [one["name"] for one in json.loads(out)["tenants"]]) == (0, ["Good"])
    code, out, err = run("--tenant", "Nobody")
    assert (code, out) == (2, "")
    assert "There is no tenant Nobody in the configuration" in err


# --- Dagster ------------------------------------------------------------------------------------------------


@pytest.fixture
def job(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.JobDefinition:
    monkeypatch.chdir(tmp_path)
    for name, value in {**rig.server.settings(), "M365_DATA_DIR": str(tmp_path / "data")}.items():
        monkeypatch.setenv(name, value)
    definitions = dg.Definitions(
        assets=endpoints,
        asset_checks=[connection],
        jobs=[dg.define_asset_job("check", selection=dg.AssetSelection.checks(connection))],
        resources={"workplace": Workplace()},
        executor=dg.in_process_executor,
    )
    return definitions.resolve_job_def("check")


def evaluation(job: dg.JobDefinition) -> dg.AssetCheckEvaluation:
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
        assert result.success
        (found,) = result.get_asset_check_evaluations()
    assert found.check_name == "connection"
    assert CANARY not in str(found.metadata) + str(found.description)
    return found


def test_the_asset_check_passes(job: dg.JobDefinition) -> None:
    found = evaluation(job)
    assert found.passed
    assert found.description == "Everything works."
    table: Any = found.metadata["checks"]
    assert len(table.records) == 22


def test_the_asset_check_tells_what_failed(job: dg.JobDefinition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M365_CLIENT_SECRET", CANARY)
    found = evaluation(job)
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.ERROR
    assert found.description is not None
    assert found.description.startswith("sign-in: The client secret is wrong (AADSTS7000215). -> Make a new one (")
    assert found.description.endswith("into M365_CLIENT_SECRET.")


def test_a_warning_is_shown_as_one(rig: Rig, job: dg.JobDefinition, monkeypatch: pytest.MonkeyPatch) -> None:
    company = rig.server.tenant
    rig.server.tenant = company.replaced(has_premium=False)
    try:
        found = evaluation(job)
    finally:
        rig.server.tenant = company
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN


def test_it_is_no_part_of_a_run_over_all_assets() -> None:
    definitions = dg.Definitions(assets=endpoints, asset_checks=[connection], resources={"workplace": Workplace()})
    graph = definitions.resolve_asset_graph()
    assert graph.asset_check_keys
    assert dg.AssetSelection.all().resolve_checks(graph) == set()
