"""What stands in deploy/, read with parsers: no container engine and no systemd runs here."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("m365-usage*"))
DAGSTER = {"code", "daemon", "web", "web-readonly"}
# Of the Compose specification what is used here; a misspelt key would be ignored or refused at the worst time.
TOP = {"name", "services", "networks", "volumes", "secrets"}
SERVICE = {
    "image", "build", "restart", "init", "read_only", "tmpfs", "cap_drop", "security_opt", "logging", "environment",
    "env_file", "secrets", "volumes", "networks", "depends_on", "stop_grace_period", "healthcheck", "command", "ports",
}  # fmt: skip
HEALTH = {"test", "interval", "timeout", "retries", "start_period"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def volume_of(mount: str | dict[str, Any]) -> str:
    return mount.partition(":")[0] if isinstance(mount, str) else str(mount["source"])


def test_every_key_of_the_compose_file_is_known(compose: dict[str, Any]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == TOP
    assert set(services(compose)) == DAGSTER | {"postgres"}
    for name, service in services(compose).items():
        assert set(service) <= SERVICE, name
        assert set(service["healthcheck"]) <= HEALTH, name
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        assert service["restart"] == "unless-stopped", name


def test_what_services_name_is_declared(compose: dict[str, Any]) -> None:
    for name, service in services(compose).items():
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        named = {volume_of(mount) for mount in service.get("volumes", [])}
        assert {volume for volume in named if not volume.startswith(".")} <= set(compose["volumes"]), name
        for other, how in service.get("depends_on", {}).items():
            assert other in services(compose), name
            assert how == {"condition": "service_healthy"}, name
    build = services(compose)["code"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_only_the_code_location_has_data_and_secrets_of_the_tenant(compose: dict[str, Any]) -> None:
    for name, service in services(compose).items():
        settings = {key for key in service["environment"] if key.startswith("M365_")}
        assert settings <= {f"M365_{field.upper()}" for field in Settings.model_fields}, name
        if name == "code":
            assert {"M365_DATA_DIR", "M365_CLIENT_SECRET_FILE"} <= settings
            assert service["environment"]["M365_CLIENT_SECRET_FILE"] == "/run/secrets/client_secret"
            assert "data:/data" in service["volumes"]
            continue
        assert not settings, name
        assert "env_file" not in service, name
        assert service["secrets"] == ["postgres_password"], name
        parts = [mount for mount in service["volumes"] if volume_of(mount) == "data"]
        assert all(mount["volume"]["subpath"] == "dagster" for mount in parts), name


def test_no_secret_stands_in_a_file_of_deploy(compose: dict[str, Any]) -> None:
    for name, service in services(compose).items():
        secret = [key for key in service["environment"] if re.search("PASSWORD|SECRET|TOKEN|KEY", key)]
        assert all(key.endswith("_FILE") for key in secret), name
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "secrets/" in ignored
    for path in DEPLOY.rglob("*"):
        assert path.is_dir() or not re.search(r"(?i)(password|secret)\s*[:=]\s*[\"']?\w{8,}\s*$", path.read_text()), (
            path
        )


def test_nobody_from_elsewhere_reaches_a_port(compose: dict[str, Any]) -> None:
    ports = {name: service.get("ports", []) for name, service in services(compose).items()}
    assert {name for name, found in ports.items() if found} == {"web", "web-readonly"}
    assert all(port.startswith("127.0.0.1:") for found in ports.values() for port in found)
    assert compose["networks"]["inside"] == {"internal": True}
    assert services(compose)["postgres"]["networks"] == ["inside"]
    assert "--read-only" in services(compose)["web-readonly"]["command"]
    assert "--read-only" not in services(compose)["web"]["command"]


def test_containers_can_do_little(compose: dict[str, Any]) -> None:
    for name in DAGSTER:
        service = services(compose)[name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_the_image_has_what_it_copies_and_no_root() -> None:
    found = instructions()
    kinds = {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "ENTRYPOINT", "CMD"}
    assert {kind for kind, _ in found} <= kinds
    assert found[0] == ("FROM", "python:3.11-slim")
    allowed = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    for kind, text in found:
        if kind == "COPY":
            for source in [word for word in text.split() if not word.startswith("--")][:-1]:
                assert (ROOT / source).exists(), source
                assert source in allowed, f"{source} is kept out by Dockerfile.dockerignore"
    kinds_in_order = [kind for kind, _ in found]
    assert kinds_in_order.index("USER") > max(place for place, kind in enumerate(kinds_in_order) if kind == "RUN")
    assert dict(found)["USER"] not in ("root", "0")
    assert stat.S_IMODE((DEPLOY / "entrypoint.sh").stat().st_mode) & 0o111


@pytest.mark.parametrize("content", ["pass word'$x\n", "plain"])
def test_the_entrypoint_reads_the_password_of_the_database(tmp_path: Path, content: str) -> None:
    (tmp_path / "password").write_text(content)
    shell = [str(DEPLOY / "entrypoint.sh"), sys.executable, "-c", "import os; print(os.environ['DAGSTER_PG_PASSWORD'])"]
    done = subprocess.run(
        shell, env={"DAGSTER_PG_PASSWORD_FILE": str(tmp_path / "password"), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == content.removesuffix("\n") + "\n"


def test_dagsters_settings_differ_in_the_storage_only() -> None:
    alone = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    # Where events stand is a matter of storage, too.
    assert set(alone.pop("event_log_storage", {})) <= {"module", "class", "config"}
    several = yaml.safe_load((DEPLOY / "dagster" / "dagster.yaml").read_text(encoding="utf-8"))
    own = {name: several.pop(name) for name in ("storage", "local_artifact_storage", "compute_logs")}
    assert several == alone
    assert own["storage"]["postgres"]["postgres_db"]["password"] == {"env": "DAGSTER_PG_PASSWORD"}


def test_dagster_accepts_these_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    postgres = pytest.importorskip("dagster_postgres", reason="the extra 'deploy' is not installed")
    from dagster._core.instance.config import dagster_instance_config  # what `dagster instance` reads

    shutil.copy(DEPLOY / "dagster" / "dagster.yaml", tmp_path)
    for name in ("DAGSTER_PG_HOST", "DAGSTER_PG_PASSWORD", "DAGSTER_STATE_DIR"):
        monkeypatch.setenv(name, "x")
    config, _ = dagster_instance_config(str(tmp_path))
    url = postgres.utils.pg_url_from_config(
        {"postgres_db": {**config["storage"]["postgres"]["postgres_db"], "hostname": "db", "password": "p@ss"}}
    )
    assert url == "postgresql+psycopg2://dagster:p%40ss@db:5432/dagster"


@pytest.mark.parametrize("folder", ["dagster", "systemd"])
def test_workspaces_name_the_code_location(folder: str) -> None:
    workspace = yaml.safe_load((DEPLOY / folder / "workspace.yaml").read_text(encoding="utf-8"))
    local = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    (server,) = workspace["load_from"]
    assert server["grpc_server"]["port"] == 4000
    assert server["grpc_server"]["location_name"] == local["load_from"][0]["python_module"]["location_name"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        # Nothing is installed below /opt here.
        text = re.sub(r"=/opt/m365-usage/\.venv/bin/[a-z-]+", "=/bin/true", unit.read_text(encoding="utf-8"))
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Failed to" in done.stderr and "manager" in done.stderr:
        pytest.skip(f"systemd-analyze cannot work here: {done.stderr.strip()}")
    assert (done.returncode, done.stderr) == (0, "")


def test_units_bind_to_this_machine_and_keep_secrets_out() -> None:
    assert len(UNITS) == 7
    texts = {unit.name: unit.read_text(encoding="utf-8") for unit in UNITS}
    for name, text in texts.items():
        assert "0.0.0.0" not in text, name
        assert ("LoadCredential=client_secret" in text) == (name == "m365-usage-code.service"), name
        if name.endswith(".service"):
            assert "User=m365-usage" in text, name
            assert "NoNewPrivileges=yes" in text, name
    assert "--read-only" in texts["m365-usage-web-readonly.service"]
    wanted = set(re.findall(r"m365-usage-[a-z-]+\.service", texts["m365-usage.target"]))
    assert wanted == {name for name in texts if name.endswith(".service")} - {"m365-usage-health.service"}
