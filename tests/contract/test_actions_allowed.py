"""Nothing but questions goes to Graph unless actions are allowed: by the source itself, and by really trying."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from pipelines.actions.apply import Limits, apply_plan
from pipelines.actions.catalogue import ACTIONS
from pipelines.actions.log import ActionLog
from pipelines.actions.plan import Plan, Target, in_order
from pipelines.actions.plan_file import write_plan
from pipelines.actions.planning.making import make_plan, make_step
from pipelines.clouds import CLOUDS
from pipelines.graph.client import GraphClient
from pipelines.graph.transport import TlsSession, WriteRefusedError
from pipelines.graph.write import GraphWriter, _WritingSession
from pipelines.settings import ActionsNotAllowedError, Settings
from pipelines.simulator import Limits as WireLimits
from pipelines.simulator import SimulatorServer, Tenant, TenantSpec

SOURCE = Path(__file__).resolve().parents[2] / "pipelines"
WRITER = Path("graph/write.py")
# Methods by which requests, urllib3 and http.client send something else than a question.
SENDERS = {"post", "patch", "put", "delete", "request", "urlopen", "send"}
HTTP_LIBRARIES = {"requests", "httpx", "aiohttp", "urllib3", "http.client", "urllib.request", "socket"}
# Who sends, and to whom: sign-in, messages to Teams and Slack, mail. None of them to Graph.
OTHER_SENDERS = {
    Path("graph/transport.py"): "the session itself, which refuses",
    Path("graph/credentials.py"): "MSAL's requests to the machine's own token endpoint",
    Path("notify/channels.py"): "messages to the addresses of Teams and Slack",
    Path("notify/mail.py"): "mail",
    Path("graph/budget.py"): "counts in a file of its own",
}


def modules() -> list[tuple[Path, ast.Module]]:
    """Every module of the product but the simulator, which is the other side of the wire."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE)
        if name.parts[0] != "simulator":
            found.append((name, ast.parse(path.read_text(encoding="utf-8"))))
    return found


def imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_one_module_alone_sends_writes() -> None:
    senders = set()
    for name, tree in modules():
        touches_http = (
            bool(imported(tree) & (HTTP_LIBRARIES | {"pipelines.graph.transport"})) or name.parts[0] == "graph"
        )
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and touches_http:
                called = node.func.attr
                is_super = isinstance(node.func.value, ast.Call) and getattr(node.func.value.func, "id", "") == "super"
                if called in SENDERS and not (called == "delete" and is_super):
                    senders.add(name)
    assert senders - OTHER_SENDERS.keys() == {WRITER}, "a new sender: does it go to Graph?"


def test_the_method_of_a_request_is_written_down_nowhere_else() -> None:
    """No text PATCH, PUT or DELETE stands anywhere but in the writer, and in what hands them to it."""
    found: dict[Path, set[str]] = {}
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in ("POST", "PATCH", "PUT", "DELETE"):
                found.setdefault(name, set()).add(str(node.value))
    outside = {name for name in found if name.parts[0] != "actions"}
    assert outside == {WRITER, Path("graph/transport.py")}
    assert found[Path("graph/transport.py")] == {"POST"}
    for name, tree in modules():
        if name.parts[0] != "actions":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and any(
                isinstance(argument, ast.Constant) and argument.value in ("POST", "PATCH", "PUT", "DELETE")
                for argument in node.args
            ):
                assert isinstance(node.func, ast.Attribute)
                assert node.func.attr == "write", f"{name}: only GraphWriter.write takes a method"
                assert not imported(tree) & HTTP_LIBRARIES


def test_the_guard_is_lifted_in_one_place() -> None:
    lifted = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name in ("_may_send", "_is_graph")
    }
    assert lifted == {Path("graph/transport.py"), WRITER}
    used = {name for name, tree in modules() if "_WritingSession" in ast.dump(tree)}
    assert used == {WRITER}


# --- by trying ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Tenant(TenantSpec(users=20)), WireLimits.generous()) as running:
        yield running


@pytest.fixture
def settings(server: SimulatorServer, tmp_path: Path) -> Callable[..., Settings]:
    def make(**overrides: object) -> Settings:
        told = {**server.settings(), **server.action_settings()}
        values = {name.removeprefix("M365_").lower(): value for name, value in told.items()}
        return Settings(_env_file=None, **{**values, "data_dir": tmp_path / "data", **overrides})  # type: ignore[arg-type]

    return make


def writes(server: SimulatorServer) -> list[str]:
    return [
        f"{record.method} {record.path}"
        for record in server.requests
        if record.method not in ("GET", "HEAD") and "/oauth2/v2.0/" not in record.path
    ]


PARAMETERS = {
    "sku_id": "05e9a617-0261-4cee-bb44-138d3ef5d965",
    "group_id": "11111111-1111-4111-8111-111111111111",
    "manager_id": "11111111-1111-4111-8111-111111111111",
    "user_type": "Guest",
    "department": "Elsewhere",
    "message": "Gone.",
    "address": "a@b.example",
    "displayName": "Somebody New",
}


def plan_of_everything(server: SimulatorServer) -> Plan:
    """A step of every action there is."""
    user = next(user for user in server.tenant.users() if user["employeeId"])
    target = Target(user_id=user["id"], user_principal_name=user["userPrincipalName"])
    steps = [make_step(name, target, PARAMETERS, reason="a test") for name in ACTIONS]
    return make_plan(server.tenant.spec.tenant_id, {"kind": "test"}, in_order(steps))


def test_the_writer_refuses_to_be_made(server: SimulatorServer, settings: Callable[..., Settings]) -> None:
    tenant = settings().tenants()[0]
    with pytest.raises(ActionsNotAllowedError, match="Actions are off"):
        GraphWriter(settings(), tenant)
    allowed = settings(allow_actions=True, actions_client_id=None, actions_client_secret=None)
    with pytest.raises(ActionsNotAllowedError, match="has no app for actions: set M365_ACTIONS_CLIENT_ID"):
        GraphWriter(allowed, allowed.tenants()[0])


def test_the_session_that_writes_refuses_to_be_made_by_itself(settings: Callable[..., Settings]) -> None:
    """Whoever comes by another way than GraphWriter finds the same lock."""
    tenant = settings(allow_actions=True).actions_tenant(settings().tenants()[0])
    with pytest.raises(ActionsNotAllowedError, match="Actions are off"):
        _WritingSession(settings(), tenant)


def test_the_app_that_reads_is_never_the_one_that_writes(settings: Callable[..., Settings]) -> None:
    same = settings(allow_actions=True)
    same.actions_client_id = same.client_id
    with pytest.raises(ValueError, match="is the app that reads"):
        same.tenants()


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "post", "MERGE"])
@pytest.mark.parametrize("path", ["/v1.0/users", "/V1.0/users", "/beta/users", "/x/../v1.0/users"])
def test_the_session_of_the_reader_refuses(
    server: SimulatorServer, settings: Callable[..., Settings], method: str, path: str
) -> None:
    server.requests.clear()
    client = GraphClient.connect(settings().tenants()[0], settings(), None, lambda _: None)
    with pytest.raises(WriteRefusedError):
        client.session.request(method, f"{server.graph_url}{path}", json={})
    prepared = requests.Request(method, f"{server.graph_url}{path}").prepare()
    with pytest.raises(WriteRefusedError):
        client.session.send(prepared)
    client.close()
    assert not list(server.requests)


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=lambda cloud: cloud.name)
def test_no_session_writes_to_a_graph_of_microsoft_s(cloud) -> None:  # type: ignore[no-untyped-def]
    with TlsSession() as session:
        for address in (f"{cloud.graph_url}/v1.0/users", f"{cloud.graph_url}:443/anything", cloud.graph_url.upper()):
            with pytest.raises(requests.exceptions.RequestException) as caught:
                session.request("POST", address)
            assert isinstance(caught.value, WriteRefusedError | requests.exceptions.InvalidSchema)


def test_even_the_writer_changes_one_graph_only(settings: Callable[..., Settings]) -> None:
    allowed = settings(allow_actions=True)
    writer = GraphWriter(allowed, allowed.tenants()[0])
    for address in ("https://somewhere.example/v1.0/users", "https://graph.evil.example/v1.0/users"):
        with pytest.raises(WriteRefusedError):
            writer.session.request("DELETE", address)
    writer.close()


def test_applying_with_a_reader_is_a_dry_run(
    server: SimulatorServer, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    server.requests.clear()
    client = GraphClient.connect(settings().tenants()[0], settings(), None, lambda _: None)
    result = apply_plan(plan_of_everything(server), client, ActionLog(tmp_path / "log"), Limits(100))
    client.close()
    assert result.is_dry
    assert len(result.results) == len(ACTIONS)
    assert server.requests.to("/v1.0/")
    assert not writes(server)
    assert not list(ActionLog(tmp_path / "log").records())


@pytest.mark.parametrize(
    "arguments",
    [
        ("apply", "PLAN", "--yes"),
        ("apply", "PLAN", "--yes", "--json"),
        ("apply", "PLAN", "--dry-run"),
        ("plan", "--user", "USER", "--disable", "--revoke-sessions", "--delete"),
        ("plan", "--leaver", "USER"),
        ("status", "PLAN"),
        ("log",),
        ("list",),
    ],
    ids=" ".join,
)
def test_no_command_writes_with_actions_off(
    server: SimulatorServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    plan = plan_of_everything(server)
    file = write_plan(tmp_path / "data" / "actions" / "plans", plan)
    server.requests.clear()
    names = {"PLAN": str(file), "USER": plan.steps[0].target.user_principal_name}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("M365_")}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("m365-usage")), "actions", *(names.get(one, one) for one in arguments),
         *(["--password-file", str(tmp_path / "p.csv")] if "--yes" in arguments else [])],
        env={**kept, **server.settings(), **server.action_settings(), "M365_DATA_DIR": str(tmp_path / "data")},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not writes(server)
    assert "Traceback" not in done.stderr
    if arguments[0] == "apply" and "--dry-run" not in arguments:
        assert done.returncode == 2
        assert "Actions are off, so nothing may be changed" in done.stderr
        assert not server.requests.to("/v1.0/"), "not even a question"
    else:
        assert done.returncode in (0, 1), done.stderr
    assert not (tmp_path / "data" / "actions" / "log").exists()


def test_with_actions_on_the_same_plan_does_write(server: SimulatorServer, tmp_path: Path) -> None:
    """The check above is worth something: allowed, the very same command changes things."""
    user = next(user for user in server.tenant.users() if user["employeeId"] and user["accountEnabled"])
    target = Target(user_id=user["id"], user_principal_name=user["userPrincipalName"])
    plan = make_plan(
        server.tenant.spec.tenant_id, {"kind": "test"}, in_order([make_step("revoke_sessions", target, {}, reason="x")])
    )
    file = write_plan(tmp_path / "data" / "actions" / "plans", plan)
    server.requests.clear()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("M365_")}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("m365-usage")), "actions", "apply", str(file), "--yes", "--json"],
        env={**kept, **server.settings(), **server.action_settings(), "M365_ALLOW_ACTIONS": "1",
             "M365_DATA_DIR": str(tmp_path / "data")},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changes"] == 1
    assert writes(server) == [f"POST /v1.0/users/{user['id']}/revokeSignInSessions"]
